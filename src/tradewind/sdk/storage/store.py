"""`ObjectStore` and `attach`: file systems that a DAG file names once and finds again by alias."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tradewind.sdk.storage import file_systems
from tradewind.sdk.storage.file_systems import Properties


class ObjectStore:
    """A file system with the connection that it is opened with; `attach` makes it."""

    __version__: ClassVar[int] = 1

    def __init__(
        self, protocol: str, conn_id: str | None, fs: Any = None, storage_options: Properties | None = None
    ) -> None:
        self.conn_id = conn_id
        self.protocol = protocol
        self.storage_options = storage_options
        self._given = fs
        self._opened = file_systems.OpenedInEachProcess(
            conn_id, lambda: file_systems.get_fs(protocol, conn_id, storage_options)
        )

    @property
    def fs(self) -> Any:
        """The file system: the one that was attached, else the one of the scheme. Raises ValueError for neither."""
        return self._opened.opened() if self._given is None else self._given

    @property
    def is_given(self) -> bool:
        """Whether a file system was attached."""
        return self._given is not None

    @property
    def fsid(self) -> str:
        """What the store is told apart by: the file system's own id, else protocol and connection."""
        try:
            return str(self.fs.fsid)
        except NotImplementedError:
            return f"{self.fs.protocol}-{self.conn_id or 'env'}"

    def serialize(self) -> dict[str, Any]:
        """As data."""
        kind = type(self.fs)
        return {
            "protocol": self.protocol,
            "conn_id": self.conn_id,
            "filesystem": f"{kind.__module__}.{kind.__qualname__}",
            "storage_options": self.storage_options,
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any], version: int) -> ObjectStore:
        """From data: the attached store where there is one. Raises ValueError where its file system is not known."""
        if version > cls.__version__:
            raise ValueError(f"an {cls.__name__} of version {version} is newer than what is known here")
        protocol, conn_id = data["protocol"], data["conn_id"]
        known = find(protocol, conn_id)
        if known is not None:
            return known
        if data.get("filesystem") and not file_systems.has_fs(protocol):
            raise ValueError(
                f"nothing is attached for {data['filesystem']} and {protocol}\n"
                "hint: attach() it at the top of the DAG file"
            )
        return attach(protocol, conn_id, storage_options=data.get("storage_options"))

    def __str__(self) -> str:
        return _alias(self.protocol, self.conn_id)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ObjectStore):
            return NotImplemented
        try:
            return self.conn_id == other.conn_id and bool(self.fs == other.fs)
        except ValueError:
            return False

    def __hash__(self) -> int:
        return hash((self.conn_id, self.fsid))


def attach(
    protocol: str | None = None,
    conn_id: str | None = None,
    alias: str | None = None,
    encryption_type: str | None = "",  # noqa: ARG001 - Airflow takes it, and does nothing with it
    fs: Any = None,
    storage_options: Properties | None = None,
) -> ObjectStore:
    """The store of an alias, made where there is none yet. Without one the alias is `PROTOCOL-CONN_ID`.

    Raises ValueError for an alias that nothing was attached under, and where there is neither.
    """
    if alias and alias in _ATTACHED:
        return _ATTACHED[alias]
    if not protocol:
        raise ValueError(f"no store has the alias {alias!r}" if alias else "neither a protocol nor an alias")
    name = alias or _alias(protocol, conn_id)
    return _ATTACHED.setdefault(name, ObjectStore(protocol, conn_id, fs=fs, storage_options=storage_options))


def find(protocol: str, conn_id: str | None) -> ObjectStore | None:
    """The store that was attached for a protocol and connection."""
    return _ATTACHED.get(_alias(protocol, conn_id))


def file_system(
    protocol: str, conn_id: str | None, options: Properties, otherwise: Callable[[], Any]
) -> file_systems.OpenedInEachProcess:
    """What a path reads and writes through, opened when it is first used.

    An attached file system goes first, then the one that a provider has for the scheme, then `otherwise`: what the
    library makes of the address, for schemes that nobody opens with a connection.
    """

    def opened() -> Any:
        attached = find(protocol, conn_id)
        if attached is not None and (attached.is_given or not options):
            return attached.fs
        if conn_id is None and not file_systems.has_fs(protocol):
            return otherwise()
        return file_systems.get_fs(protocol, conn_id, options)

    return file_systems.OpenedInEachProcess(conn_id, opened)


def _alias(protocol: str, conn_id: str | None) -> str:
    return f"{protocol}-{conn_id}" if conn_id else protocol


_ATTACHED: dict[str, ObjectStore] = {}
"""What this process attached, by alias: Airflow's own table, which files fill at their top and paths look into."""
