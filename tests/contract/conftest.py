"""One store after the other for each test of the contract: in memory, SQLite, PostgreSQL. Tests may be coroutines."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import pathlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from tests.support import rows
from tradewind.ports import store as port
from tradewind.store import sql_store
from tradewind.testing.clock import ManualClock
from tradewind.testing.memory_store import MemoryStore

OpenStore = Callable[[], AbstractAsyncContextManager[port.Store]]

SQL = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a coroutine test on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


@pytest.fixture
def clock() -> ManualClock:
    """The store's clock."""
    return ManualClock(rows.START)


@pytest.fixture(params=["memory", *SQL])
def open_store(request: pytest.FixtureRequest, tmp_path: pathlib.Path, clock: ManualClock) -> OpenStore:
    """Opens a store over one and the same data, as often as it is called."""
    if request.param == "memory":
        memory = MemoryStore(clock)
        return lambda: contextlib.nullcontext(memory)
    url = _url(request, tmp_path)
    return lambda: sql_store.open_store(url, now=clock.now)


@pytest.fixture(params=SQL)
def database_url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    """The address of an empty database."""
    return _url(request, tmp_path)


def _url(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'tradewind.db'}"
    return str(request.getfixturevalue("postgres_database").url)
