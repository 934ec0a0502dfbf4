"""The encryption keys: Fernet keys in files beside the home, made at first use.

`HOME.key` seals; while keys are rotated `HOME.key.old` is there too and still unseals. A row names its key by a
fingerprint, so a lost key is told apart from a wrong one.

Invariants: a key is never inside what a backup of the home or the database copies, so that who has one has not the
other; and a key's file goes only while nobody can be sealing with it (`writing` shared, `changing` alone).
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from tradewind.ports import errors

_LOCK_POLL = 0.01


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a file."""

    path: Path
    fingerprint: str
    """16 hex digits of the SHA-256 of the key."""
    fernet: Fernet


class KeyFile:
    """The keys of one home, read again when their files change (another process may rotate them)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.old_path = path.with_name(f"{path.name}.old")
        self.new_path = path.with_name(f"{path.name}.new")
        self._known: dict[Path, tuple[tuple[int, int, int], Key]] = {}

    @property
    def key_id(self) -> str:
        """The fingerprint of the key that seals; makes it where there is none."""
        return self._sealing().fingerprint

    def exists(self) -> bool:
        """Whether there is a key that seals."""
        return self.path.exists()

    def both(self) -> list[Key]:
        """The one that seals first. Raises `errors.Rejected` for a file that is no key."""
        return [key for path in (self.path, self.old_path) if (key := self._find(path)) is not None]

    def warnings(self) -> list[str]:
        """What is wrong with the files' owners and modes."""
        found: list[str] = []
        for path in (self.path, self.old_path, self.new_path):
            with contextlib.suppress(FileNotFoundError):
                status = path.stat()
                if stat.S_IMODE(status.st_mode) & 0o077:
                    found.append(f"{path} can be read by others; chmod 600 it")
                if status.st_uid != os.geteuid():
                    found.append(f"{path} belongs to user id {status.st_uid}, not to you")
        return found

    def seal(self, text: str) -> tuple[bytes, str]:
        """Encrypt; with the fingerprint of the key. Makes the key where there is none."""
        key = self._sealing()
        return key.fernet.encrypt(text.encode()), key.fingerprint

    def unseal(self, sealed: bytes, key_id: str, what: str) -> str:
        """Decrypt. Raises `errors.Rejected` for a lost or wrong key, with the place where it is looked for."""
        keys = self.both()
        if not keys:
            raise self.lost()
        for key in sorted(keys, key=lambda key: key.fingerprint != key_id):
            with contextlib.suppress(InvalidToken):
                return key.fernet.decrypt(sealed).decode()
        there = ", ".join(key.fingerprint for key in keys)
        raise errors.Rejected(
            f"was encrypted with key {key_id}; here is {there}",
            object=what,
            code="wrong-key",
            hint=f"put back the key that belongs to this database as {self.path}, or set the value again",
        )

    def lost(self) -> errors.Rejected:
        """What is said where rows are there and no key."""
        return errors.Rejected(
            "is not there",
            object=f"encryption key {self.path}",
            code="lost-key",
            hint="restore it from your backup; without it what was encrypted cannot be read, only deleted and set anew",
        )

    @contextlib.asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        """While this is held no key goes, so that what is sealed inside can be unsealed later. Shared by many."""
        async with self._locked(fcntl.LOCK_SH):
            yield

    @contextlib.asynccontextmanager
    async def changing(self) -> AsyncIterator[None]:
        """Alone: nobody is between sealing and keeping."""
        async with self._locked(fcntl.LOCK_EX):
            yield

    def make(self, path: Path) -> None:
        """Write a new key to a file that is not there, durably. Raises FileExistsError."""
        with _reported(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            self.sync()

    def sync(self) -> None:
        """Make renames in the folder durable."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    # -- files -----------------------------------------------------------------------------------------------------

    def _sealing(self) -> Key:
        found = self._find(self.path)
        if found is None:
            # Whole or not at all, and the first of two processes wins: a link fails where the name is taken.
            draft = self.path.with_name(f"{self.path.name}.{os.getpid()}")
            with contextlib.suppress(FileNotFoundError):
                draft.unlink()
            self.make(draft)
            with _reported(self.path), contextlib.suppress(FileExistsError):
                os.link(draft, self.path)
            draft.unlink()
            self.sync()
            found = self._find(self.path)
            assert found is not None, "it was just made"
        return found

    def _find(self, path: Path) -> Key | None:
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
                known = self._known.get(path)
                if known is not None and known[0] == stamp:
                    return known[1]
                text = file.read().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _bad(path, f"cannot be read: {error.strerror}") from None
        try:
            key = Key(path, hashlib.sha256(text).hexdigest()[:16], Fernet(text))
        except ValueError:
            raise _bad(path, "is not a Fernet key") from None
        self._known[path] = (stamp, key)
        return key

    @contextlib.asynccontextmanager
    async def _locked(self, how: int) -> AsyncIterator[None]:
        path = self.path.with_name(f"{self.path.name}.lock")
        with _reported(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            while True:
                try:
                    fcntl.flock(handle, how | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    await asyncio.sleep(_LOCK_POLL)
            yield
        finally:
            os.close(handle)


@contextlib.contextmanager
def _reported(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise errors.Rejected(
            f"cannot be written: {error.strerror}",
            object=str(path),
            code="key-not-writable",
            hint="the key lies beside the home; its folder must be writable for you",
        ) from error


def _bad(path: Path, message: str) -> errors.Rejected:
    return errors.Rejected(
        message, object=f"encryption key {path}", code="bad-key", hint="restore it from your backup, with mode 600"
    )
