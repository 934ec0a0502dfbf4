"""A backup as one file: a tar with the database, perhaps logs and snapshots, and the manifest as its last member.

Invariant: the file has its name only when it is whole and on the disk; the manifest at its end names every member with
size and SHA-256. So one that was cut short, or changed since, is told apart from a whole one before anything is
unpacked in place.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import msgspec

from tradewind.ports import errors
from tradewind.ports.upkeep import Manifest, Member

MANIFEST = "manifest.json"
FORMAT = 1
_CHUNK = 1 << 20
Progress = Callable[[int], None]
"""Is told bytes as they are done."""


class Writer:
    """Adds files to an archive that is being made."""

    def __init__(self, tar: tarfile.TarFile, progress: Progress) -> None:
        self._tar = tar
        self._progress = progress
        self._inodes: dict[tuple[int, int], Member] = {}
        self.members: list[Member] = []

    def add(self, source: Path, name: str) -> None:
        """One file, as long as it was when it was opened. One that is gone by now is left out."""
        try:
            file = source.open("rb")
        except FileNotFoundError:
            return
        with file:
            told = os.fstat(file.fileno())
            info = tarfile.TarInfo(name)
            info.mode, info.mtime = told.st_mode & 0o777, int(told.st_mtime)
            same = self._inodes.get((told.st_dev, told.st_ino))
            if same is not None:  # trees of snapshots share their files
                info.type, info.linkname = tarfile.LNKTYPE, same.name
                self._tar.addfile(info)
                member = Member(name=name, size=same.size, sha256=same.sha256)
            else:
                info.size = told.st_size
                hashed = _Hashed(file, told.st_size, self._progress)
                self._tar.addfile(info, hashed)
                member = Member(name=name, size=told.st_size, sha256=hashed.digest.hexdigest())
                if told.st_nlink > 1:
                    self._inodes[told.st_dev, told.st_ino] = member
        self.members.append(member)

    def add_tree(self, folder: Path, name: str) -> None:
        """All files below a folder."""
        for place, folders, files in os.walk(folder):
            folders.sort()
            for one in sorted(files):
                path = Path(place, one)
                if path.is_file() and not path.is_symlink():
                    self.add(path, str(PurePosixPath(name) / path.relative_to(folder).as_posix()))


class _Hashed(io.RawIOBase):
    """Reads so many bytes of a file, and hashes them."""

    def __init__(self, file: IO[bytes], size: int, progress: Progress) -> None:
        self._file = file
        self._left = size
        self._progress = progress
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        wanted = self._left if size < 0 else min(size, self._left)
        data = self._file.read(wanted)
        self._left -= len(data)
        self.digest.update(data)
        self._progress(len(data))
        return data


@contextlib.contextmanager
def writing(target: Path, about: Callable[[tuple[Member, ...]], Manifest], progress: Progress) -> Iterator[Writer]:
    """A writer; where its block ends well the manifest is added and the file gets its name. Else nothing stays.

    `.gz` at the end of the name compresses it. Raises `errors.Rejected` where it cannot be written.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".part")
    except OSError as error:
        raise not_writable(target, error) from error
    try:
        with os.fdopen(handle, "wb") as raw:
            with tarfile.open(
                fileobj=raw, mode="w:gz" if target.suffix in (".gz", ".tgz") else "w", format=tarfile.PAX_FORMAT
            ) as tar:
                writer = Writer(tar, progress)
                yield writer
                text = msgspec.json.format(msgspec.json.encode(about(tuple(writer.members))))
                info = tarfile.TarInfo(MANIFEST)
                info.size = len(text)
                tar.addfile(info, io.BytesIO(text))
            raw.flush()
            os.fsync(raw.fileno())
        os.chmod(temporary, 0o600)
        os.rename(temporary, target)
        sync_folder(target.parent)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise not_writable(target, error) from error
        raise


def read(source: Path, into: Path, progress: Progress) -> Manifest:
    """Unpack into an empty folder and hold every file to the manifest.

    Raises `errors.Rejected` for one that is no backup or not whole; what was unpacked is then of no use.
    """
    found: dict[str, Member] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(source) as tar:
            for info in tar:
                if info.name == MANIFEST:
                    file = tar.extractfile(info)
                    manifest = None if file is None else msgspec.json.decode(file.read(), type=Manifest)
                else:
                    found[info.name] = _unpack(tar, info, found, into, source, progress)
    except FileNotFoundError:
        missing = f"backup {source}"
        raise errors.NotFound("does not exist", object=missing, code="no-such-backup", hint="check the path") from None
    except (tarfile.TarError, EOFError, msgspec.MsgspecError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None and not isinstance(error, tarfile.TarError):
            raise errors.Rejected(
                f"cannot be unpacked: {error.strerror}",
                object=f"backup {source}",
                hint="look at the space and the rights where the home lies",
                code="restore-failed",
            ) from error
        raise broken(source, f"cannot be read to its end ({error})") from error
    if manifest is None:
        raise broken(source, "has no manifest at its end")
    _compare(source, manifest, found)
    return manifest


def _unpack(
    tar: tarfile.TarFile, info: tarfile.TarInfo, found: dict[str, Member], into: Path, source: Path, progress: Progress
) -> Member:
    path = PurePosixPath(info.name)
    if path.is_absolute() or ".." in path.parts or not (info.isreg() or info.islnk()):
        raise broken(source, f"holds something that no backup holds: {info.name!r}")
    target = into / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if info.islnk():
        same = found.get(info.linkname)
        if same is None:
            raise broken(source, f"links {info.name!r} to nothing")
        os.link(into / same.name, target)
        return Member(name=info.name, size=same.size, sha256=same.sha256)
    file = tar.extractfile(info)
    assert file is not None
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as out:
        while data := file.read(_CHUNK):
            out.write(data)
            digest.update(data)
            size += len(data)
            progress(len(data))
        out.flush()
        os.fsync(out.fileno())
    target.chmod(info.mode & 0o777)
    return Member(name=info.name, size=size, sha256=digest.hexdigest())


def _compare(source: Path, manifest: Manifest, found: dict[str, Member]) -> None:
    if manifest.format != FORMAT:
        raise errors.Rejected(
            f"has format {manifest.format}, this program knows {FORMAT}",
            object=f"backup {source}",
            hint=f"restore it with tradewind {manifest.tradewind}",
            code="backup-format",
        )
    wanted = {member.name: member for member in manifest.members}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            raise broken(source, f"holds {name!r} otherwise than its manifest says")


def broken(source: Path, text: str) -> errors.Rejected:
    """What is told of a backup that is not whole."""
    hint = "it was cut short or changed; nothing was restored, take another backup"
    return errors.Rejected(f"is not whole: it {text}", object=f"backup {source}", hint=hint, code="backup-broken")


def sync_folder(folder: Path) -> None:
    """Make names that were just given in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def not_writable(target: Path, error: OSError) -> errors.Rejected:
    """What is told where a backup cannot be written."""
    return errors.Rejected(
        f"cannot be written: {error.strerror or error}",
        object=f"backup {target}",
        hint="name another place, or free some space",
        code="backup-not-writable",
    )
