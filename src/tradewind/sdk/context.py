"""The context of the task that runs: `get_current_context`, and what its keys `var`, `conn`, `macros` hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from tradewind.sdk import errors

_current: ContextVar[Any] = ContextVar("tradewind_context", default=None)


class Context(dict[str, Any]):
    """Airflow's name for the type of a context."""


@contextmanager
def set_current(context: Any) -> Iterator[Any]:
    """Make this the context of the code inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)


def is_running() -> bool:
    """Whether a task runs in this process, so that the graph is not being drawn any more."""
    return _current.get() is not None


def get_current_context() -> Any:
    """The context of the task that runs. Raises RuntimeError outside of one."""
    found = _current.get()
    if found is None:
        raise RuntimeError("there is no context: only a task that runs has one, not a file that is loaded")
    return found


def get_parsing_context() -> Any:
    """Which DAG and task a file is loaded for: neither, since a file is loaded once for all of them."""
    return ParsingContext()


class ParsingContext:
    """For whom a file is loaded; None for everybody."""

    dag_id: str | None = None
    task_id: str | None = None


class VariableAccessor:
    """`var.value.NAME`, `var.json.NAME`, `var.value.get(name, default)`."""

    def __init__(self, *, json: bool) -> None:
        self._json = json

    def __getattr__(self, key: str) -> Any:
        if key.startswith("__"):
            raise AttributeError(key)
        from tradewind.sdk.variable import Variable

        return Variable.get(key, deserialize_json=self._json)

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or the default."""
        from tradewind.sdk.variable import Variable

        return Variable.get(key, default, deserialize_json=self._json)

    def __repr__(self) -> str:
        return "<variables as JSON>" if self._json else "<variables>"


class ConnectionAccessor:
    """`conn.ID`, `conn.get(id, default)`."""

    def __getattr__(self, conn_id: str) -> Any:
        if conn_id.startswith("__"):
            raise AttributeError(conn_id)
        from tradewind.sdk.connection import Connection

        return Connection.get(conn_id)

    def get(self, conn_id: str, default_conn: Any = None) -> Any:
        """The connection, or the default."""
        from tradewind.sdk.connection import Connection

        try:
            return Connection.get(conn_id)
        except errors.AirflowNotFoundException:
            return default_conn

    def __repr__(self) -> str:
        return "<connections>"


def variables() -> Mapping[str, Any]:
    """What the key `var` holds."""
    return {"json": VariableAccessor(json=True), "value": VariableAccessor(json=False)}


def macros() -> Any:
    """What the key `macros` holds."""
    from tradewind.sdk import macros as module

    return module


def configuration() -> Any:
    """What the key `conf` of Airflow 2 holds: the settings."""
    from tradewind.sdk.configuration import conf

    return conf


class _NoEvents(Mapping[Any, Any]):
    """Events of assets come with assets; reading them says so."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __getitem__(self, key: Any) -> Any:
        raise errors.NotHereYet(f"{self._what}[{key!r}]", "assets and their events are a later step")

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _NoStore:
    """State that outlives a try comes with a later version; using it says so."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise errors.NotHereYet(f"task_state_store.{name}", "keep it in an XCom or a Variable until then")

    def __repr__(self) -> str:
        return "<task_state_store, a later step>"


def state_store() -> Any:
    """What the key `task_state_store` holds."""
    return _NoStore()


def inlet_events() -> Mapping[Any, Any]:
    """What the key `inlet_events` holds."""
    return _NoEvents("inlet_events")


def outlet_events() -> Mapping[Any, Any]:
    """What the key `outlet_events` holds."""
    return _NoEvents("outlet_events")
