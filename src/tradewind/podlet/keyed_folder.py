"""ConfigMaps and Secrets as local folders: DIRECTORY/NAME/KEY, one file for each key.

Values go to the containers that name them and nowhere else: no message, log line or exception holds one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tradewind.podlet.refusal import PodRefused


@dataclass(frozen=True, slots=True)
class KeyedFolder:
    """All ConfigMaps, or all Secrets."""

    kind: str
    """"ConfigMap" or "Secret"."""
    directory: str
    given: dict[bytes, None] = field(default_factory=dict, compare=False)
    """Every value that was found, for whoever hides Secrets in the log."""

    def find(self, name: str) -> dict[str, bytes] | None:
        """Key → value, sorted by key; None where there is no such object."""
        folder = self._folder(name)
        if folder is None or not folder.is_dir():
            return None
        values = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        self.given.update(dict.fromkeys(values.values()))
        return values

    def get(self, name: str) -> dict[str, bytes]:
        """As `find`. Raises `PodRefused` where there is none."""
        found = self.find(name)
        if found is None:
            raise PodRefused(f"{self.kind} {name!r}", "there is none", self._hint(name))
        return found

    def get_key(self, name: str, key: str) -> bytes:
        """One value. Raises `PodRefused` where object or key is missing."""
        values = self.get(name)
        if key not in values:
            raise PodRefused(f"{self.kind} {name!r}", f"has no key {key!r}", self._hint(name, key))
        return values[key]

    def _folder(self, name: str) -> Path | None:
        if "/" in name or name in ("", ".", ".."):
            raise PodRefused(f"{self.kind} {name!r}", "is no name", "names are lower case letters, digits, '-' and '.'")
        return Path(self.directory) / name if self.directory else None

    def _hint(self, name: str, key: str = "KEY") -> str:
        setting = f"runtime.local.{self.kind.lower()}s"
        if not self.directory:
            return f"set [{setting}] directory: a folder that holds {name}/{key}"
        return f"put its value into the file {Path(self.directory) / name / key}"
