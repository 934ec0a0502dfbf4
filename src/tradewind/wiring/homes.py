"""A home: where its parts lie, and which server runs on it.

Light: commands that only read a home import this and `storage`.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tradewind import clock as clocks
from tradewind.model import home_layout
from tradewind.ports import errors
from tradewind.protocol import sockets
from tradewind.scheduler import holder as lease_holder
from tradewind.worker import secrets


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything of one installation lies (see ARCHITECTURE, "What a home holds")."""

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "tradewind.db"

    @property
    def key(self) -> Path:
        """The vault's key: beside the home, never in it."""
        return self.path.with_name(self.path.name + ".key")

    @property
    def server_file(self) -> Path:
        """Pid and addresses of the running server."""
        return self.path / "standalone.json"

    def socket(self, name: str) -> Path:
        """Path of a socket; elsewhere than here where this path is too long for one."""
        return Path(sockets.path_in(str(self.path), name))

    def remove(self) -> None:
        """Take everything away."""
        sockets.forget(str(self.path))
        shutil.rmtree(self.path, ignore_errors=True)
        secrets.sweep(str(self.path / "attempts"), older_seconds=0)
        for key in self.path.parent.glob(f"{glob.escape(self.key.name)}*"):
            key.unlink(missing_ok=True)

    def ensure(self) -> Home:
        """Make the folders. Raises `errors.Rejected` where it cannot be written."""
        try:
            for name in ("attempts", "logs", "snapshots"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            (self.path / home_layout.MARK).touch()
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise errors.Rejected(
                f"cannot be written: {error.strerror}",
                object=f"home {self.path}",
                code="home-not-writable",
                hint="name another one with --home, or free some space",
            ) from error
        return self


def default_home() -> Path:
    """`TRADEWIND_HOME`, else `~/.tradewind`."""
    return Path(os.environ.get("TRADEWIND_HOME") or Path.home() / ".tradewind").expanduser()


def find_server(home: Home) -> dict[str, object] | None:
    """What a running server wrote about itself; None where none runs."""
    try:
        told = json.loads(home.server_file.read_text())
        if "holder" not in told:  # of a release that did not write it
            os.kill(int(told["pid"]), 0)
            return dict(told)
    except (OSError, ValueError, KeyError):
        return None
    # A process of that number that is not the server: after a kill -9 or a reboot the file stays.
    return dict(told) if lease_holder.is_here(told["holder"]) else None


def tell_server(home: Home, told: Mapping[str, object]) -> None:
    """Write what commands read about this process as the server of the home."""
    temporary = home.server_file.with_suffix(".new")
    temporary.write_text(json.dumps({"pid": os.getpid(), "holder": lease_holder.own(), **told}))
    temporary.rename(home.server_file)


def wake_server(home: Home) -> None:
    """Tell a running leader to look at its inbox now (its poll is the net)."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(b"wake", str(home.socket("wake.sock")))


def now() -> datetime:
    """The moment, by the machine's clock."""
    return clocks.SystemClock().now()
