"""A rotation of keys: nothing is ever unreadable, wherever it is stopped."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import msgspec
import pytest

from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.testing.clock import ManualClock
from tradewind.testing.memory_store import MemoryStore, MemoryVaultRows
from tradewind.testing.memory_tables import Tables
from tradewind.vault import keys, rotation, vault

COUNT = 3


READING = {
    "_find",
    "both",
    "seal",
    "unseal",
    "_sealing",
    "key_id",
    "_unreadable",
    "<setcomp>",
    "<listcomp>",
    "<genexpr>",
}
"""Functions of which each line leaves the world as it was."""


class FileRows(MemoryVaultRows):
    """Rows that another process sees: each write is one rename, as a database's commit."""

    def __init__(self, path: Path) -> None:
        super().__init__(Tables())
        self._path = path
        if path.exists():
            for row in msgspec.json.decode(path.read_bytes(), type=list[store_port.VaultRow]):
                self._tables.vault[row.kind, row.key] = row

    async def put_all(self, rows: Sequence[store_port.VaultRow], existing: store_port.OnExisting) -> int:
        done = await super().put_all(rows, existing)
        self._commit()
        return done

    async def reseal(self, changes: Sequence[tuple[store_port.VaultRow, store_port.VaultRow]]) -> int:
        done = await super().reseal(changes)
        self._commit()
        return done

    def _commit(self) -> None:
        draft = self._path.with_suffix(".new")
        draft.write_bytes(msgspec.json.encode(list(self._tables.vault.values())))
        draft.rename(self._path)


def rotate_and_die(folder: Path, number: int) -> bool:
    """Rotate in a process of its own that ends when the n-th line of those that change something begins."""
    watched, left = {rotation.__file__, keys.__file__}, number

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal left
        if frame.f_code.co_filename not in watched or frame.f_code.co_name in READING:
            return None
        left -= event == "line"
        if left == 0:
            os._exit(9)
        return trace

    child = os.fork()
    if child == 0:
        sys.settrace(trace)
        try:
            asyncio.run(open_vault(folder, FileRows(folder / "rows")).rotate_key())
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def open_vault(folder: Path, rows: store_port.VaultRows) -> vault.StoreVault:
    return vault.StoreVault(backends=[], rows=rows, key=keys.KeyFile(folder / "home.key"))


async def fill(made: vault.StoreVault) -> None:
    await made.set_variables({f"v{number}": (f"secret {number}", "") for number in range(COUNT)}, "overwrite")


async def values(made: vault.StoreVault) -> list[str]:
    return [value for _, value, _ in await made.read_variables()]


EXPECTED = [f"secret {number}" for number in range(COUNT)]


@pytest.mark.anyio
async def test_a_rotation_seals_every_row_anew_and_forgets_the_old_key(tmp_path: Path) -> None:
    rows = MemoryStore(ManualClock()).vault
    made = open_vault(tmp_path, rows)
    await fill(made)
    before = (tmp_path / "home.key").read_bytes()
    done = await made.rotate_key()
    status = await made.status()
    assert (done.resealed, done.continued) == (COUNT, False)
    assert status.rows == {done.key_id: COUNT}
    assert [name for _, name in status.keys] == ["home.key"]
    assert (tmp_path / "home.key").read_bytes() != before
    assert stat.S_IMODE((tmp_path / "home.key").stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["home.key", "home.key.lock"]
    assert await values(made) == EXPECTED


@pytest.mark.anyio
async def test_a_server_that_knew_the_old_key_goes_on(tmp_path: Path) -> None:
    rows = MemoryStore(ManualClock()).vault
    server, command = open_vault(tmp_path, rows), open_vault(tmp_path, rows)
    await fill(server)
    done = await command.rotate_key()
    assert await values(server) == EXPECTED
    await server.set_variable("later", "x")
    assert (await command.status()).rows == {done.key_id: COUNT + 1}


@pytest.mark.timeout(60)  # one process for each line
def test_a_rotation_that_is_killed_at_any_line_leaves_every_row_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "SLICE", 2)

    async def check(folder: Path, number: int) -> None:
        assert await values(open_vault(folder, FileRows(folder / "rows"))) == EXPECTED, f"killed at line {number}"
        done = await open_vault(folder, FileRows(folder / "rows")).rotate_key()
        again = open_vault(folder, FileRows(folder / "rows"))
        status = await again.status()
        assert (status.rows, len(status.keys)) == ({done.key_id: COUNT}, 1), f"killed at line {number}"
        assert await values(again) == EXPECTED

    number = 0
    killed = True
    while killed:
        number += 1
        folder = tmp_path / str(number)
        folder.mkdir()
        asyncio.run(fill(open_vault(folder, FileRows(folder / "rows"))))
        killed = rotate_and_die(folder, number)
        asyncio.run(check(folder, number))
    assert number > 60


@pytest.mark.anyio
async def test_a_stopped_rotation_goes_on_with_the_key_that_it_made(tmp_path: Path) -> None:
    rows = MemoryStore(ManualClock()).vault
    made = open_vault(tmp_path, rows)
    await fill(made)
    key = keys.KeyFile(tmp_path / "home.key")
    (tmp_path / "home.key").rename(tmp_path / "home.key.old")
    key.make(key.path)
    fresh = key.key_id
    done = await made.rotate_key()
    assert (done.continued, done.key_id, done.resealed) == (True, fresh, COUNT)


@pytest.mark.anyio
async def test_rows_that_name_no_fingerprint_are_read_and_sealed_anew(tmp_path: Path) -> None:
    rows = MemoryStore(ManualClock()).vault
    sealed, _ = keys.KeyFile(tmp_path / "home.key").seal("old form")
    await rows.put(store_port.VaultRow(kind="variable", key="a", sealed=sealed, key_id="home.key"))
    made = open_vault(tmp_path, rows)
    assert await values(made) == ["old form"]
    done = await made.rotate_key()
    assert (await made.status()).rows == {done.key_id: 1}


@pytest.mark.anyio
async def test_a_rotation_with_a_wrong_key_changes_nothing(tmp_path: Path) -> None:
    rows = MemoryStore(ManualClock()).vault
    await fill(open_vault(tmp_path, rows))
    (tmp_path / "home.key").unlink()
    other = keys.KeyFile(tmp_path / "home.key")
    other.make(other.path)
    before = (tmp_path / "home.key").read_bytes()
    with pytest.raises(errors.Rejected, match="3 of 3 rows") as caught:
        await open_vault(tmp_path, rows).rotate_key()
    assert caught.value.code == "wrong-key"
    assert "nothing was changed" in caught.value.hint
    assert (tmp_path / "home.key").read_bytes() == before


@pytest.mark.anyio
async def test_no_new_key_is_made_beside_rows_of_a_lost_one(tmp_path: Path) -> None:
    rows = MemoryStore(ManualClock()).vault
    await fill(open_vault(tmp_path, rows))
    (tmp_path / "home.key").unlink()
    again = open_vault(tmp_path, rows)
    for act in (again.rotate_key(), again.set_variable("new", "x"), again.find_variable("v1")):
        with pytest.raises(errors.Rejected) as caught:
            await act
        assert caught.value.code == "lost-key"
    assert not (tmp_path / "home.key").exists()
    assert await again.delete_variable("v1")


@pytest.mark.anyio
async def test_a_file_that_is_no_key_is_named(tmp_path: Path) -> None:
    (tmp_path / "home.key").write_text("not a key")
    with pytest.raises(errors.Rejected, match=r"home\.key") as caught:
        await open_vault(tmp_path, MemoryStore(ManualClock()).vault).set_variable("a", "1")
    assert caught.value.code == "bad-key"


@pytest.mark.anyio
async def test_a_key_that_others_can_read_is_warned_of(tmp_path: Path) -> None:
    made = open_vault(tmp_path, MemoryStore(ManualClock()).vault)
    await fill(made)
    assert (await made.status()).warnings == ()
    (tmp_path / "home.key").chmod(0o644)
    (warning,) = (await made.status()).warnings
    assert "chmod 600" in warning
