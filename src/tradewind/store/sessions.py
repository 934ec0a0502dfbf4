"""What the store needs of a database: sessions to run statements in, and a dialect that opens them and reads errors.

The implementations are in `dialect`; every module with statements sees only these.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

Row = tuple[Any, ...]


class Session(Protocol):
    """One connection, used by one thread at a time."""

    def row(self, sql: str, values: Sequence[Any] = ()) -> Row | None:
        """The first row, if any."""
        ...

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """All rows."""
        ...

    def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute; how many rows it touched."""
        ...

    def many(self, *parts: tuple[str, Sequence[Row]]) -> None:
        """Execute each statement once for each of its rows, all sent together where there is a way to send."""
        ...

    def begin(self) -> None:
        """Begin a transaction that writes."""
        ...

    def begin_lightly(self) -> None:
        """As `begin`, but what is committed may be gone after a power cut: whole transactions, the last ones first."""
        ...

    def begin_reading(self) -> None:
        """Begin a transaction in which everything is read as of one moment."""
        ...

    def lock_schema(self) -> None:
        """Inside a writing transaction: be alone with the schema until its end."""
        ...

    def tables(self) -> set[str]:
        """The names of our tables' place."""
        ...

    def change_token(self) -> int:
        """See `ports.store.Inbox.change_token`."""
        ...

    def give_back_space(self, over: Callable[[], bool]) -> int:
        """Give free pages back to the file system until it is over; bytes given back."""
        ...

    def broken_parts(self) -> list[str]:
        """What the database itself finds broken in its files; nothing where it cannot tell (PostgreSQL)."""
        ...

    def commit(self) -> None: ...
    def rollback(self) -> None:
        """Back to before `begin`; never raises, for a connection may be gone."""
        ...

    def close(self) -> None: ...

    @property
    def broken(self) -> bool:
        """True where it can never be used again."""
        ...

    @property
    def raw(self) -> Any:
        """The driver's connection, for migrations."""
        ...


class Dialect(Protocol):
    """One database."""

    name: str
    writers: int
    """Threads that write. SQLite has one writer at a time: waiting in memory is cheaper than at its lock."""
    readers: int
    label: str
    """How messages name the database; without a password."""
    alchemy_url: str
    alchemy_options: ClassVar[dict[str, Any]]
    """How SQLAlchemy is told to use a connection of ours, for migrations."""

    def connect(self) -> Session:
        """Open a connection. Raises the driver's errors."""
        ...

    def translate(self, error: Exception) -> Exception:
        """The port's error for a driver's; any other comes back as it is."""
        ...
