"""Backups as files: what is in them, what they survive, and PostgreSQL's by its own program."""

from __future__ import annotations

import asyncio
import io
import pathlib
import sqlite3
import tarfile
import threading
from datetime import timedelta

import msgspec
import pytest

from tests.support import postgres, rows
from tradewind.ports import errors
from tradewind.ports.upkeep import Manifest
from tradewind.store import archive, backup, sql_store

BUSY = timedelta(seconds=5)


def _place(home: pathlib.Path, url: str | None = None) -> backup.Place:
    return backup.Place(home=home, url=url or f"sqlite:///{home / 'tradewind.db'}", busy=BUSY)


def _home(path: pathlib.Path) -> backup.Place:
    """A home with a run, a log, and a snapshot whose file is linked twice."""
    (path / "logs" / "run=1" / "t").mkdir(parents=True)
    (path / "logs" / "run=1" / "t" / "-1.1.1.a1.log").write_text("a line\n")
    (path / "snapshots" / "blobs").mkdir(parents=True)
    (path / "snapshots" / "tree").mkdir()
    (path / "snapshots" / "blobs" / "b1").write_text("dag\n")
    (path / "snapshots" / "tree" / "d.py").hardlink_to(path / "snapshots" / "blobs" / "b1")
    asyncio.run(_commit(path, 1))
    return _place(path)


async def _commit(home: pathlib.Path, key: int) -> None:
    async with sql_store.open_store(f"sqlite:///{home / 'tradewind.db'}") as store:
        epoch = await store.lease.acquire("tests", rows.START + key * rows.TTL, rows.TTL)
        assert epoch is not None
        await store.runs.commit(rows.batch(rows.run(key)), epoch)


def _back_up(place: backup.Place, target: pathlib.Path, *, with_logs: bool = True) -> Manifest:
    return backup.back_up(place, target, with_logs=with_logs, version="1.2.3", now=rows.START, progress=lambda _: None)


def _restore(place: backup.Place, source: pathlib.Path, *, replace: bool = False) -> backup.Restored:
    return backup.restore(place, source, replace=replace, now=rows.START, progress=lambda _: None)


def _keys(home: pathlib.Path) -> list[int]:
    raw = sqlite3.connect(home / "tradewind.db")
    found = [key for (key,) in raw.execute("select run_key from dag_run order by run_key")]
    raw.close()
    return found


@pytest.mark.parametrize("name", ["one.tar", "one.tar.gz"])
def test_everything_comes_back_and_shared_files_are_shared_again(tmp_path: pathlib.Path, name: str) -> None:
    place, other = _home(tmp_path / "home"), tmp_path / "other"
    made = _back_up(place, tmp_path / name)
    assert made.tradewind == "1.2.3"
    assert [member.name for member in made.members] == [
        "tradewind.db",
        "logs/run=1/t/-1.1.1.a1.log",
        "snapshots/blobs/b1",
        "snapshots/tree/d.py",
    ]
    assert _restore(_place(other), tmp_path / name).aside is None
    assert _keys(other) == [1]
    assert (other / "logs" / "run=1" / "t" / "-1.1.1.a1.log").read_text() == "a line\n"
    assert (other / "snapshots" / "tree" / "d.py").samefile(other / "snapshots" / "blobs" / "b1")


def test_without_logs_only_the_database_is_kept_and_replaced(tmp_path: pathlib.Path) -> None:
    place = _home(tmp_path / "home")
    _back_up(place, tmp_path / "one.tar", with_logs=False)
    asyncio.run(_commit(place.home, 2))
    restored = _restore(place, tmp_path / "one.tar", replace=True)
    assert _keys(place.home) == [1]
    assert restored.aside is not None
    assert _keys(restored.aside) == [1, 2]
    assert (place.home / "logs" / "run=1").is_dir()


def test_commits_go_on_while_a_backup_is_made(tmp_path: pathlib.Path) -> None:
    place, begun = _home(tmp_path / "home"), threading.Event()

    def commit() -> None:
        asyncio.run(_commit(place.home, 2))
        begun.set()

    thread = threading.Thread(target=commit)

    def progress(_: int) -> None:
        # The database is copied and the archive is being written: a commit now is not in it.
        if not thread.ident:
            thread.start()
            assert begun.wait(10)

    backup.back_up(place, tmp_path / "one.tar", with_logs=True, version="1", now=rows.START, progress=progress)
    thread.join()
    assert _keys(place.home) == [1, 2]
    _restore(_place(tmp_path / "other"), tmp_path / "one.tar")
    assert _keys(tmp_path / "other") == [1]


def test_a_backup_that_cannot_be_finished_leaves_nothing(tmp_path: pathlib.Path) -> None:
    place = _home(tmp_path / "home")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "to").mkdir()
    with pytest.raises(errors.Rejected, match="No space left") as raised:
        backup.back_up(place, tmp_path / "to" / "one.tar", with_logs=True, version="1", now=rows.START, progress=full)
    assert raised.value.hint
    assert list((tmp_path / "to").iterdir()) == []


def test_a_backup_is_not_written_over_another(tmp_path: pathlib.Path) -> None:
    place = _home(tmp_path / "home")
    _back_up(place, tmp_path / "one.tar")
    with pytest.raises(errors.Rejected, match="is there already"):
        _back_up(place, tmp_path / "one.tar")
    with pytest.raises(errors.Rejected, match="folder does not exist"):
        _back_up(place, tmp_path / "nowhere" / "one.tar")


@pytest.mark.parametrize("name", ["../outside", "/outside", "logs/../../outside"])
def test_a_backup_that_would_write_outside_of_the_home_is_refused(tmp_path: pathlib.Path, name: str) -> None:
    source = tmp_path / "evil.tar"
    with tarfile.open(source, "w") as tar:
        info = tarfile.TarInfo(name)
        info.size = 4
        tar.addfile(info, io.BytesIO(b"evil"))
    with pytest.raises(errors.Rejected, match="no backup holds"):
        _restore(_place(tmp_path / "home"), source)
    assert not (tmp_path / "outside").exists()


def test_a_backup_of_a_later_format_is_refused(tmp_path: pathlib.Path) -> None:
    place, source = _home(tmp_path / "home"), tmp_path / "one.tar"
    made = msgspec.structs.replace(_back_up(place, tmp_path / "now.tar"), format=archive.FORMAT + 1, members=())
    with tarfile.open(source, "w") as tar:
        text = msgspec.json.encode(made)
        info = tarfile.TarInfo(archive.MANIFEST)
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text))
    with pytest.raises(errors.Rejected, match="has format 2, this program knows 1"):
        _restore(_place(tmp_path / "other"), source)


@pytest.mark.postgresql
def test_postgresql_is_dumped_by_its_own_program_and_restored_by_hand(
    tmp_path: pathlib.Path, postgres_database: postgres.Database
) -> None:
    async def fill() -> None:
        async with sql_store.open_store(str(postgres_database.url)) as store:
            epoch = await rows.lead(store)
            await store.runs.commit(rows.batch(rows.run(1)), epoch)

    asyncio.run(fill())
    place = _place(tmp_path, str(postgres_database.url))
    made = _back_up(place, tmp_path / "one.tar", with_logs=False)
    assert (made.database, [member.name for member in made.members]) == ("postgresql", ["tradewind.dump"])
    assert made.size > 1000
    for target in (place, _place(tmp_path / "other")):
        with pytest.raises(errors.Rejected) as raised:
            _restore(target, tmp_path / "one.tar")
        assert "pg_restore --clean --if-exists" in raised.value.hint


@pytest.mark.postgresql
def test_without_pg_dump_the_command_to_run_is_told(
    tmp_path: pathlib.Path, postgres_database: postgres.Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(errors.Rejected, match="not installed") as raised:
        _back_up(_place(tmp_path, str(postgres_database.url)), tmp_path / "one.tar")
    assert "pg_dump --format=custom" in raised.value.hint
