"""`tradewind systemd-unit`: a unit that runs `tradewind standalone` as a service.

Invariant: whatever systemd does to the server, it leaves the podlet and its attempts alone: stop, restart, watchdog and
out-of-memory act on the main process only. Otherwise an upgrade would kill what runs.
"""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path

from tradewind import settings as settings_tree
from tradewind.ports import errors

_STOP_MARGIN_SECONDS = 15
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_UNIT = """\
# {file}
# {install}

[Unit]
Description=Tradewind: runs Airflow DAG files ({home_text})
{after}# Try again for as long as it takes: a database or a disk may be late at boot.
StartLimitIntervalSec=0

[Service]
# The server tells when it is ready, when it drains, and that it is alive.
Type=notify
NotifyAccess=main
ExecStart={command}
{user}Environment={path}
# Connections, Variables and settings from the environment (AIRFLOW_CONN_..., TRADEWIND_...): NAME=value in each line.
EnvironmentFile=-{environment}

# Only the server is stopped or killed. Its podlet and the attempts below it are in this unit's control group too; they
# go on and are adopted when the server is back. `systemctl kill --kill-whom=all` would end them as well.
KillMode=process
# A task that the kernel ends for want of memory is that task's end, not the unit's.
OOMPolicy=continue
# The first signal drains for {drain:g} s (scheduler.drain_seconds); what still runs then goes on without the server.
TimeoutStopSec={stop:g}
TimeoutStartSec=600
Restart=always
RestartSec=5
WatchdogSec=180

# Every attempt is a process, with open files of its own.
TasksMax=infinity
LimitNOFILE=65536:524288
UMask=0077

[Install]
WantedBy={target}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for; paths as given."""

    home: Path
    dags: Path | None
    settings_file: Path | None
    settings: settings_tree.Settings
    user: bool


def unit(request: Request) -> str:
    """The unit's text. Raises `errors.Rejected` for a folder that is not there or a path that a unit cannot hold."""
    home = request.home.expanduser().resolve()
    command = [*_program(), "standalone", "--home", str(home)]
    if request.dags is not None:
        if not request.dags.is_dir():
            raise errors.Rejected(
                "no such folder", object=f"DAG folder {request.dags}", code="dags-missing", hint="check --dags"
            )
        command += ["--dags", str(request.dags.resolve())]
    if request.settings_file is not None:
        command += ["--settings", str(request.settings_file.resolve())]
    drain = request.settings.scheduler.drain_seconds
    folder = Path(sys.executable).parent
    return _UNIT.format(
        file="~/.config/systemd/user/tradewind.service" if request.user else "/etc/systemd/system/tradewind.service",
        install=_install(user=request.user),
        home_text=_escape(str(home)),
        after="" if request.user else "After=network-online.target postgresql.service\nWants=network-online.target\n",
        command=" ".join(_quote(word) for word in command),
        user="" if request.user else f"User={getpass.getuser()}\n",
        path=_quote(f"PATH={folder}:{_PATH}", dollar="$"),
        environment=_escape(f"{home}.env"),
        drain=drain,
        stop=drain + _STOP_MARGIN_SECONDS,
        target="default.target" if request.user else "multi-user.target",
    )


def _install(*, user: bool) -> str:
    if user:
        return (
            "systemctl --user daemon-reload && systemctl --user enable --now tradewind\n"
            "# loginctl enable-linger keeps it running while you are not logged in"
        )
    return "systemctl daemon-reload && systemctl enable --now tradewind"


def _program() -> list[str]:
    """The command beside the Python that runs us, else that Python."""
    script = Path(sys.executable).with_name("tradewind")
    return [str(script)] if script.is_file() else [sys.executable, "-m", "tradewind.cli"]


def _quote(word: str, *, dollar: str = "$$") -> str:
    """A word of a command line (systemd.service(5), "Command lines"; systemd.syntax(7), "Quoting").

    `dollar` is how a dollar sign is written there; in an environment's value it means nothing.
    """
    escaped = _escape(word).replace("\\", "\\\\").replace('"', '\\"').replace("$", dollar)
    return f'"{escaped}"' if escaped != word or any(char in word for char in " ';") or not word else word


def _escape(text: str) -> str:
    """Text in which "%" is no specifier. Raises `errors.Rejected` for what no line can hold."""
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise errors.Rejected(
            "has a control character in it", object=repr(text), code="bad-path", hint="a unit cannot name such a path"
        )
    return text.replace("%", "%%")
