"""`ObjectStoragePath`: a path in an object store or file system, read and written like one of pathlib's.

Invariant: making, joining and comparing paths asks nobody. The connection is looked up and the store opened when a path
is first read, listed or written, in the process that does it: a file makes paths at its top, and tasks run in forks.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from typing import Any, ClassVar

from upath import UPath
from upath.extensions import ProxyUPath

from tradewind.sdk.storage import store
from tradewind.sdk.storage.file_systems import OpenedInEachProcess
from tradewind.sdk.storage.stat_result import stat_result

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?:(?P<conn_id>[^/?#]*)@)?(?P<rest>.*)", re.DOTALL)
_LOCAL = ("", "file", "local")


class _OfClassOrPath:
    """A method that paths derived from a path are made by (it hands its connection on), and those of none."""

    def __get__(self, path: Any, kind: Any) -> Callable[[UPath], Any]:
        return lambda upath: kind._wrap(upath, None if path is None else path.conn_id)


class ObjectStoragePath(ProxyUPath):
    """`ObjectStoragePath("s3://conn_id@bucket/key")`, or with `conn_id=`; more keywords are options of the store."""

    __module__ = "airflow.sdk.io.path"  # an XCom names its class, and Airflow reads it
    __version__: ClassVar[int] = 1
    __slots__ = ("_conn_id",)

    sep: ClassVar[str] = "/"
    root_marker: ClassVar[str] = "/"

    def __init__(
        self, *args: Any, protocol: str | None = None, conn_id: str | None = None, **storage_options: Any
    ) -> None:
        if args:
            first, scheme, told = _taken_apart(args[0])
            args, protocol = (first, *args[1:]), protocol or scheme
            # What an address says goes first, as in Airflow; a path's connection can be changed.
            conn_id = (conn_id or told) if isinstance(first, ObjectStoragePath) else (told or conn_id)
        super().__init__(*args, protocol=protocol, **storage_options)
        self._connect(conn_id)

    @classmethod
    def _wrap(cls, upath: Any, conn_id: str | None) -> Any:
        if isinstance(upath, cls):
            return upath
        made = object.__new__(cls)
        made.__wrapped__ = upath
        made._connect(conn_id)
        return made

    _from_upath = _OfClassOrPath()

    def _connect(self, conn_id: str | None) -> None:
        """Have the path of the library read and write through the store that is opened with the connection."""
        self._conn_id = conn_id
        wrapped = self.__wrapped__
        if isinstance(getattr(wrapped, "_fs_cached", None), OpenedInEachProcess):
            return  # handed on by the path that this one was made from
        if conn_id is None and (wrapped.protocol in _LOCAL or "::" in str(wrapped)):
            return
        options = dict(wrapped.storage_options)
        protocol = wrapped.protocol or "file"
        wrapped._fs_cached = store.file_system(
            protocol, conn_id, options, lambda: UPath(str(wrapped), protocol=protocol, **options).fs
        )

    # -- where it is -----------------------------------------------------------------------------------------------

    @property
    def conn_id(self) -> str | None:
        """The connection that the store is opened with."""
        return self._conn_id

    @property
    def fs(self) -> Any:
        """The file system. Raises ValueError where a connection is given and no package opens the scheme with one."""
        found = self.__wrapped__.fs
        return found.opened() if isinstance(found, OpenedInEachProcess) else found

    @property
    def bucket(self) -> str:
        """What follows `s3://`."""
        return str(self._url.netloc)

    @property
    def container(self) -> str:
        """The same, as Azure calls it."""
        return self.bucket

    @property
    def key(self) -> str:
        """The path inside of the bucket, without a slash at its beginning."""
        return str(self._url.path).lstrip(self.sep)

    @property
    def namespace(self) -> str:
        """Scheme and bucket."""
        return f"{self.protocol}://{self.bucket}" if self.bucket else self.protocol

    def samestore(self, other: Any) -> bool:
        """Whether both are opened by one scheme and connection."""
        return isinstance(other, ObjectStoragePath) and (self.protocol, self.conn_id) == (other.protocol, other.conn_id)

    def samefile(self, other_path: Any) -> bool:
        """Whether both are one file, by inode."""
        if not isinstance(other_path, ObjectStoragePath):
            return False
        mine, other = self.stat(), other_path.stat()
        return all(mine[name] == other[name] for name in ("protocol", "conn_id", "ino"))

    @classmethod
    def cwd(cls) -> Any:
        """The folder that the process is in."""
        return cls._wrap(UPath.cwd(), None)

    @classmethod
    def home(cls) -> Any:
        """The user's folder."""
        return cls._wrap(UPath.home(), None)

    def __str__(self) -> str:
        if self.protocol and self.conn_id:
            return f"{self.protocol}://{self.conn_id}@{self.path}"
        return super().__str__()

    def __eq__(self, other: object) -> bool:
        return self.samestore(other) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> Any:
        return _made, (self.serialize(),)

    # -- what it holds ---------------------------------------------------------------------------------------------

    def open(self, mode: str = "r", **kwargs: Any) -> Any:  # type: ignore[override]
        """The file, opened; more keywords are the file system's. `buffering` is its block size."""
        kwargs.setdefault("block_size", kwargs.pop("buffering", None))
        return self.fs.open(self.path, mode=mode, **kwargs)

    def stat(self) -> stat_result:  # type: ignore[override]
        """What the store tells, under its own names and those of `os.stat_result`."""
        return stat_result(self.fs.stat(self.path), protocol=self.protocol, conn_id=self.conn_id)

    def size(self) -> int:
        """Bytes."""
        found: int = self.fs.size(self.path)
        return found

    def ukey(self) -> str:
        """A hash of what the store tells, by which a change is seen."""
        found: str = self.fs.ukey(self.path)
        return found

    def checksum(self) -> int:
        """A checksum of what the store tells."""
        found: int = self.fs.checksum(self.path)
        return found

    def read_block(self, offset: int, length: int | None, delimiter: bytes | None = None) -> bytes:
        """Bytes from `offset` on; with a delimiter from and to the next one."""
        found: bytes = self.fs.read_block(self.path, offset=offset, length=length, delimiter=delimiter)
        return found

    def sign(self, expiration: int = 100, **kwargs: Any) -> str:
        """A URL by which others may read it, for `expiration` seconds. NotImplementedError where a store has none."""
        found: str = self.fs.sign(self.path, expiration=expiration, **kwargs)
        return found

    # -- to another place ------------------------------------------------------------------------------------------

    def replace(self, target: Any) -> Any:
        """Rename; the new path."""
        return self.rename(target)

    def copy(self, dst: str | ObjectStoragePath, recursive: bool = False, **kwargs: Any) -> None:  # type: ignore[override]
        """Copy to another path, of this store or another; a folder with `recursive`.

        Between two stores a key stays what it is: `s3://a/x/y` copied to the folder `gs://b/z` is `gs://b/z/x/y`.
        """
        target = _path(dst)
        if self.samestore(target):
            self.fs.copy(self.path, target.path, recursive=recursive, **kwargs)
        elif self.protocol == "file":
            target.fs.put(self.path, target.path, recursive=recursive, **kwargs)
        elif target.protocol == "file":
            self.fs.get(self.path, target.path, recursive=recursive, **kwargs)
        elif not self.exists():
            raise FileNotFoundError(f"{self} does not exist")
        elif self.is_dir():
            self._stream_folder(target, **kwargs)
        else:
            self._stream(target, **kwargs)

    def copy_into(self, target_dir: str | ObjectStoragePath, recursive: bool = False, **kwargs: Any) -> None:  # type: ignore[override]
        """Copy below a folder, under the same name."""
        self.copy(_below(target_dir, self.name), recursive=recursive, **kwargs)

    def move(self, path: str | ObjectStoragePath, recursive: bool = False, **kwargs: Any) -> None:  # type: ignore[override]
        """As `copy`; this one is gone afterwards."""
        target = _path(path)
        if self.samestore(target):
            self.fs.move(self.path, target.path, recursive=recursive, **kwargs)
        else:
            self.copy(target, recursive=recursive, **kwargs)
            self.unlink()

    def move_into(self, target_dir: str | ObjectStoragePath, recursive: bool = False, **kwargs: Any) -> None:  # type: ignore[override]
        """Move below a folder, under the same name."""
        self.move(_below(target_dir, self.name), recursive=recursive, **kwargs)

    def _stream_folder(self, target: ObjectStoragePath, **kwargs: Any) -> None:
        if target.is_file():
            raise ValueError(f"{target} is a file; a folder is copied to a folder")
        target.mkdir(exist_ok=True, parents=True)
        for name in self.fs.expand_path(self.path, recursive=True, **kwargs):
            one = self._wrap(self.__wrapped__.with_segments(f"{self.protocol}://{name.lstrip('/')}"), self.conn_id)
            if name != self.path and not one.is_dir():
                one._stream(target)

    def _stream(self, target: ObjectStoragePath, **kwargs: Any) -> None:
        if target.key.endswith(self.sep) or not target.key:
            target.mkdir(exist_ok=True, parents=True)
            target = target / self.key
        elif target.is_dir():
            target = target / self.key
        with self.open("rb") as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, **kwargs)

    # -- as data ---------------------------------------------------------------------------------------------------

    def serialize(self) -> dict[str, Any]:
        """As data: in an XCom, or to be rendered."""
        return {"path": str(self), "conn_id": self.conn_id, "kwargs": dict(self.storage_options)}

    @classmethod
    def deserialize(cls, data: dict[str, Any], version: int) -> ObjectStoragePath:
        """From data. Raises ValueError for a version that is newer than what is known here."""
        if version > cls.__version__:
            raise ValueError(f"it was written as version {version}, and this release reads up to {cls.__version__}")
        return _made(data)

    def with_rendered_text(self, render: Callable[[str], str]) -> ObjectStoragePath:
        """The path whose text is what `render` makes of this one's: as a template field."""
        data = self.serialize()
        return _made({**data, "path": render(data["path"])})


def _made(data: dict[str, Any]) -> ObjectStoragePath:
    return ObjectStoragePath(data["path"], conn_id=data.get("conn_id"), **data["kwargs"])


def _taken_apart(given: Any) -> tuple[Any, str | None, str | None]:
    """The first argument without its connection; its scheme and its connection."""
    if isinstance(given, ObjectStoragePath):
        return given, None, given.conn_id
    text = str(given)
    found = _URL.fullmatch(text)
    if found is None:
        return given, None, None
    if found["conn_id"] is None:
        return text, found["scheme"], None
    return f"{found['scheme']}://{found['rest']}", found["scheme"], found["conn_id"] or None


def _path(given: str | ObjectStoragePath) -> ObjectStoragePath:
    return ObjectStoragePath(given) if isinstance(given, str) else given


def _below(folder: str | ObjectStoragePath, name: str) -> ObjectStoragePath:
    found = _path(folder)
    if not found.is_dir():
        raise NotADirectoryError(f"{found} is no folder to move or copy into")
    below: ObjectStoragePath = found / name
    return below
