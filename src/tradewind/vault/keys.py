"""The encryption key: a Fernet key in a file beside the home, made at first use.

Invariant: the key is never inside what a backup of the home or the database copies; who has one has not the other.
"""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from tradewind.ports import errors


class KeyFile:
    """One key, read (or made) when it is first needed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fernet: Fernet | None = None

    @property
    def key_id(self) -> str:
        """Names the key in rows."""
        return self.path.name

    def seal(self, text: str) -> bytes:
        """Encrypt; makes the key where there is none."""
        return self._open(create=True).encrypt(text.encode())

    def unseal(self, sealed: bytes, what: str) -> str:
        """Decrypt. Raises `errors.Rejected` for a lost or wrong key, with the place where it is looked for."""
        try:
            return self._open(create=False).decrypt(sealed).decode()
        except InvalidToken:
            raise errors.Rejected(
                "was encrypted with another key",
                object=what,
                code="wrong-key",
                hint=f"put back the key that belongs to this database at {self.path}",
            ) from None

    def _open(self, *, create: bool) -> Fernet:
        if self._fernet is None:
            self._fernet = Fernet(self._make() if create and not self.path.exists() else self._read())
        return self._fernet

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes().strip()
        except FileNotFoundError:
            raise errors.Rejected(
                "is not there",
                object=f"encryption key {self.path}",
                code="lost-key",
                hint="restore it from your backup",
            ) from None

    def _make(self) -> bytes:
        key = Fernet.generate_key()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return self._read()  # another process made it first
        with os.fdopen(handle, "wb") as file:
            file.write(key + b"\n")
            file.flush()
            os.fsync(file.fileno())
        return key
