"""What `tradewind doctor` finds in homes that are in order and in homes that are not."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import sqlite3
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime

import pytest

from tradewind import settings as settings_tree
from tradewind.cli import doctor
from tradewind.model.finding import Finding
from tradewind.model.problem import Problem
from tradewind.ports import store as store_port
from tradewind.wiring import homes, housekeeping, secret_store, storage


@pytest.fixture
def home(tmp_path: pathlib.Path) -> homes.Home:
    (tmp_path / "home" / "dags").mkdir(parents=True)
    return homes.Home(tmp_path / "home")


@contextlib.asynccontextmanager
async def opened(home: homes.Home) -> AsyncIterator[store_port.Store]:
    async with storage.open_store(home, settings_tree.Settings()) as store:
        yield store


def make_database(home: homes.Home) -> None:
    async def make() -> None:
        async with opened(home):
            pass

    asyncio.run(make())


def keep_a_secret(home: homes.Home) -> None:
    async def keep() -> None:
        async with opened(home) as store:
            sealed, key_id = secret_store.find_key(home).seal("secret")
            await store.vault.put(store_port.VaultRow(kind="variable", key="a", sealed=sealed, key_id=key_id))

    asyncio.run(keep())


def find(home: homes.Home, check: str, environment: Mapping[str, str] | None = None) -> Finding:
    request = doctor.Request(home=home.path, settings_file=None, dags=None)
    found = [one for one in doctor.examine(request, environment or {}) if one.check == check]
    assert len(found) == 1, found
    return found[0]


def test_whatever_is_not_in_order_has_a_hint(home: homes.Home) -> None:
    (home.path / "tradewind.toml").write_text("[nothing]\nx = 1\n")
    findings = doctor.examine(
        doctor.Request(home=home.path, settings_file=None, dags=None), {"AIRFLOW__API__PORT": "1"}
    )
    assert [one for one in findings if one.state != "ok" and not one.hint] == []


def test_a_home_that_is_not_there_is_looked_at_and_not_made(tmp_path: pathlib.Path) -> None:
    home = homes.Home(tmp_path / "none")
    assert find(home, "database").state == "ok"
    assert find(home, "server").state == "warn"
    assert find(home, "DAG folder").state == "warn"
    assert list(tmp_path.iterdir()) == []


def test_settings_that_cannot_be_read_are_a_finding_and_the_rest_is_looked_at(home: homes.Home) -> None:
    (home.path / "tradewind.toml").write_text("[scheduler]\nparallelism = 'many'\n")
    found = find(home, "settings")
    assert (found.state, "parallelism" in found.message) == ("fail", True)
    assert find(home, "DAG folder").state == "ok"


def test_a_current_database_is_in_order(home: homes.Home) -> None:
    make_database(home)
    found = find(home, "database")
    assert (found.state, housekeeping.SCHEMA in found.message) == ("ok", True)
    assert find(home, "DAG files").state == "ok"
    assert find(home, "encryption key").state == "ok"


@pytest.mark.parametrize(("revision", "state"), [("9999", "fail"), ("0001", "warn")])
def test_a_database_of_another_release_is_told_and_left_as_it_is(home: homes.Home, revision: str, state: str) -> None:
    make_database(home)
    with contextlib.closing(sqlite3.connect(home.database)) as database:
        database.execute("update alembic_version set version_num = ?", (revision,))
        database.commit()
    found = find(home, "database")
    assert (found.state, revision in found.message) == (state, True)
    with contextlib.closing(sqlite3.connect(home.database)) as database:
        assert database.execute("select version_num from alembic_version").fetchone() == (revision,)


def test_a_file_that_is_no_database_fails(home: homes.Home) -> None:
    home.database.write_text("this is no database, however long it may be " * 100)
    assert find(home, "database").state == "fail"


def test_a_key_that_others_may_read_fails_and_so_does_a_lost_one(home: homes.Home) -> None:
    keep_a_secret(home)
    assert find(home, "encryption key").state == "ok"
    home.key.chmod(0o644)
    found = find(home, "encryption key")
    assert (found.state, "chmod 600" in found.hint) == ("fail", True)
    home.key.unlink()
    assert find(home, "encryption key").state == "fail"


def test_broken_files_are_named(home: homes.Home) -> None:
    async def record() -> None:
        async with opened(home) as store:
            problem = Problem(code="syntax", message="invalid syntax")
            broken = store_port.FileStatus(bundle="dags", path="b.py", fingerprint="1", problems=(problem,))
            good = store_port.FileStatus(bundle="dags", path="a.py", fingerprint="1")
            await store.versions.put([], [good, broken], [], datetime(2026, 1, 1, tzinfo=UTC))

    asyncio.run(record())
    found = find(home, "DAG files")
    assert (found.state, found.message) == ("warn", "1 of 2 do not load: b.py")


def test_stand_ins_for_images_that_are_not_there_fail(home: homes.Home, tmp_path: pathlib.Path) -> None:
    (home.path / "tradewind.toml").write_text(
        f'[[runtime.local.images]]\npattern = "spark*"\nvenv = "{tmp_path}/nowhere"\n'
        f'[[runtime.local.images]]\npattern = "plain*"\nroot = "{tmp_path}"\n'
    )
    assert find(home, "image spark*").state == "fail"
    assert find(home, "image plain*").state == "ok"


def test_a_server_that_gives_no_answer_fails_and_one_that_is_gone_is_none(home: homes.Home) -> None:
    homes.tell_server(home, {"health": "http://127.0.0.1:1/health"})
    assert find(home, "server").state == "fail"
    told = json.loads(home.server_file.read_text())
    home.server_file.write_text(json.dumps({**told, "holder": "here:1:00000000:1"}))
    assert "none runs" in find(home, "server").message


def test_what_airflows_environment_means_here_is_told(home: homes.Home) -> None:
    found = find(home, "environment", {"AIRFLOW_CONN_DB": "x", "AIRFLOW_VAR_A": "1", "TRADEWIND_VAR_B": "2"})
    assert (found.state, found.message) == ("ok", "1 Connections and 2 Variables come from the environment")
    found = find(home, "environment", {"AIRFLOW__WEBSERVER__PORT": "8080"})
    assert (found.state, "AIRFLOW__WEBSERVER__PORT" in found.message) == ("warn", True)
