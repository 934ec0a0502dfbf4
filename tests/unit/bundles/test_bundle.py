"""What a look at a bundle records, and what it does when that fails."""

from __future__ import annotations

import asyncio
import pathlib
from typing import Any

import pytest

from tests.support import rows
from tradewind.bundles import bundle as bundles
from tradewind.bundles import snapshots
from tradewind.model.problem import Problem
from tradewind.ports import errors
from tradewind.ports import runtime as runtime_port
from tradewind.testing.clock import ManualClock
from tradewind.testing.memory_store import MemoryStore

BROKEN = Problem(code="syntax", message="invalid syntax")


class Files:
    """Parses a file by its name: `broken.py` is broken, any other defines the DAG of its name."""

    async def parse(self, request: runtime_port.ParseRequest) -> runtime_port.ParseResult:
        name = pathlib.Path(request.source.file).stem
        if name == "broken":
            return runtime_port.ParseResult(problems=(BROKEN,))
        return runtime_port.ParseResult(specs=(rows.version(name).spec,))


class Versions:
    """The store's port, which is away for the next `away` writes."""

    def __init__(self, port: Any) -> None:
        self._port = port
        self.away = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)

    async def put(self, *arguments: Any) -> Any:
        if self.away:
            self.away -= 1
            raise errors.Transient("gone", object="the database", code="database-away")
        return await self._port.put(*arguments)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "dags"
    made.mkdir()
    for name in ("a", "b", "broken"):
        (made / f"{name}.py").write_text("# airflow dag\n")
    return made


def make(folder: pathlib.Path, store: MemoryStore, versions: Versions, *, only: str | None = None) -> bundles.Bundle:
    files: Any = Files()
    vault: Any = None  # no file asks for a Variable
    port: Any = versions
    return bundles.Bundle(
        name="dags",
        folder=folder,
        only=only,
        snapshots=snapshots.FolderSnapshots(folder.parent / "snapshots", limit_bytes=1 << 20),
        files=files,
        versions=port,
        vault=vault,
        clock=ManualClock(),
    )


def test_what_could_not_be_recorded_is_recorded_by_the_next_look(folder: pathlib.Path) -> None:
    async def body() -> None:
        store = MemoryStore(ManualClock())
        versions = Versions(store.versions)
        bundle = make(folder, store, versions)
        versions.away = 1
        with pytest.raises(errors.Transient):
            await bundle.refresh()
        assert await store.versions.list_files("dags") == []
        await bundle.refresh()
        recorded = {file.path: file for file in await store.versions.list_files("dags")}
        assert set(recorded) == {"a.py", "b.py", "broken.py"}
        assert recorded["broken.py"].problems == (BROKEN,)

        (folder / "b.py").unlink()
        versions.away = 1
        with pytest.raises(errors.Transient):
            await bundle.refresh()
        found = await bundle.refresh()
        assert [row.dag_id for row in found.changed if row.removed] == ["b"]
        assert {file.path for file in await store.versions.list_files("dags")} == {"a.py", "broken.py"}

    asyncio.run(body())


def test_a_look_tells_what_was_loaded_what_is_gone_and_how_long_it_took(folder: pathlib.Path) -> None:
    async def body() -> None:
        store = MemoryStore(ManualClock())
        bundle = make(folder, store, Versions(store.versions))
        found = await bundle.refresh()
        assert (found.parsed, len(found.seconds), found.gone) == (("a.py", "b.py", "broken.py"), 3, ())
        (folder / "a.py").unlink()
        found = await bundle.refresh()
        assert (found.parsed, found.gone) == ((), ("a.py",))
        assert [file.path for file in bundle.files()] == ["b.py", "broken.py"]

    asyncio.run(body())
