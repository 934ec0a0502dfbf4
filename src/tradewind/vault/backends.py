"""Places that are looked at in order before the encrypted rows: the environment, files, a mounted directory.

Invariant: each look-up sees what is there now; a file or a directory that is swapped while we read gives the old or the
new content, never a mixture.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tradewind.ports import errors
from tradewind.ports import vault as vault_port
from tradewind.vault import connections, files


class EnvironmentBackend:
    """`TRADEWIND_VAR_KEY`, `AIRFLOW_VAR_KEY`, `TRADEWIND_CONN_ID`, `AIRFLOW_CONN_ID`, in this order."""

    name = "environment"

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    async def find_variable(self, key: str) -> str | None:
        """The text of the variable."""
        return self._find("VAR", key)

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        """Parsed from its URI or JSON."""
        text = self._find("CONN", conn_id)
        return None if text is None else connections.parse(conn_id, text)

    def _find(self, kind: str, key: str) -> str | None:
        for prefix in ("TRADEWIND", "AIRFLOW"):
            value = self._environment.get(f"{prefix}_{kind}_{key.upper()}")
            if value is not None:
                return value
        return None


class FileBackend:
    """`variables` and `connections`, each as `.json`, `.yaml`, `.yml` or `.env`, in a folder; read when they change."""

    name = "files"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, tuple[tuple[int, int, int], dict[str, Any]]] = {}

    async def find_variable(self, key: str) -> str | None:
        """Text as it is; other values as JSON."""
        value = self._load("variables").get(key)
        return value if value is None or isinstance(value, str) else json.dumps(value)

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        """From a URI, a JSON text or fields."""
        value = self._load("connections").get(conn_id)
        return None if value is None else files.connection(conn_id, value)

    def _load(self, stem: str) -> dict[str, Any]:
        there = [path for suffix in files.SUFFIXES if (path := self._folder / f"{stem}{suffix}").is_file()]
        if len(there) > 1:
            raise errors.Rejected(
                f"holds both {there[0].name} and {there[1].name}",
                object=str(self._folder),
                code="bad-secrets-file",
                hint="keep one of them: which of two values counts should not depend on a suffix",
            )
        return self._content(there[0]) if there else {}

    def _content(self, path: Path) -> dict[str, Any]:
        try:
            status = path.stat()
        except OSError:
            return {}
        # Size and inode too: two writes can fall into one tick of a file system's clock.
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._read.get(path)
        if known is None or known[0] != stamp:
            self._read[path] = known = (stamp, files.read(path))
        return known[1]


class DirectoryBackend:
    """A mounted directory with a file per key: `variables/KEY`, `connections/ID`.

    As Kubernetes mounts Secrets: names in a volume point through `..data` to a folder that is swapped as a whole, so a
    key is opened by one path and read at once. A missing directory is an empty one: a volume may be optional.
    """

    name = "directory"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def find_variable(self, key: str) -> str | None:
        """The file's text; one line end at its end belongs to the editor, not to the value."""
        return self._find("variables", key)

    async def find_connection(self, conn_id: str) -> vault_port.Connection | None:
        """From a URI or a JSON text."""
        text = self._find("connections", conn_id)
        return None if text is None else connections.parse(conn_id, text)

    def _find(self, folder: str, key: str) -> str | None:
        if "/" in key or "\0" in key or key.startswith(".."):
            return None  # no file of a mounted volume has such a name; the last one is the volume's own
        path = self._directory / folder / key
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise errors.Rejected(
                f"cannot be read: {reason}",
                object=str(path),
                code="bad-secrets-file",
                hint="check its mode and its content",
            ) from None
        return text.removesuffix("\n")
