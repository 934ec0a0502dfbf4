"""Variables and Connections: who answers first, and how they are kept."""

from __future__ import annotations

import asyncio
import os
import pathlib
import stat

import pytest

from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.ports import vault as vault_port
from tradewind.testing.clock import ManualClock
from tradewind.testing.memory_store import MemoryStore
from tradewind.vault import backends, connections, keys, vault


def make_vault(
    folder: pathlib.Path, environment: dict[str, str] | None = None
) -> tuple[vault.StoreVault, store_port.VaultRows]:
    rows = MemoryStore(ManualClock()).vault
    chain: list[vault_port.SecretBackend] = [
        backends.EnvironmentBackend(environment or {}),
        backends.FileBackend(folder),
    ]
    return vault.StoreVault(backends=chain, rows=rows, key=keys.KeyFile(folder / "home.key")), rows


def test_the_environment_answers_before_files_and_rows(tmp_path: pathlib.Path) -> None:
    (tmp_path / "variables.json").write_text('{"place": "file", "n": 3}')
    made, _ = make_vault(tmp_path, {"AIRFLOW_VAR_PLACE": "environment"})

    async def ask() -> list[str | None]:
        await made.set_variable("place", "row")
        await made.set_variable("only_row", "row")
        return [await made.find_variable(key) for key in ("place", "n", "only_row", "none")]

    assert asyncio.run(ask()) == ["environment", "3", "row", None]


def test_our_own_prefix_wins_over_airflows(tmp_path: pathlib.Path) -> None:
    made, _ = make_vault(tmp_path, {"AIRFLOW_VAR_X": "theirs", "TRADEWIND_VAR_X": "ours"})
    assert asyncio.run(made.find_variable("x")) == "ours"


def test_what_is_kept_is_encrypted_and_the_key_is_private(tmp_path: pathlib.Path) -> None:
    made, rows = make_vault(tmp_path)
    asyncio.run(made.set_connection(vault_port.Connection(conn_id="db", conn_type="postgres", password="open sesame")))
    (row,) = asyncio.run(rows.list("connection"))
    assert b"sesame" not in row.sealed
    assert stat.S_IMODE((tmp_path / "home.key").stat().st_mode) == 0o600
    found = asyncio.run(made.find_connection("db"))
    assert found is not None
    assert found.password == "open sesame"
    assert "password" not in asyncio.run(made.list_connections())[0]


def test_a_lost_key_names_its_place(tmp_path: pathlib.Path) -> None:
    made, rows = make_vault(tmp_path)
    asyncio.run(made.set_variable("x", "1"))
    (tmp_path / "home.key").unlink()
    again = vault.StoreVault(backends=[], rows=rows, key=keys.KeyFile(tmp_path / "home.key"))
    with pytest.raises(errors.Rejected) as caught:
        asyncio.run(again.find_variable("x"))
    assert caught.value.code == "lost-key"
    assert "home.key" in str(caught.value)


def test_a_wrong_key_is_told_apart_from_a_lost_one(tmp_path: pathlib.Path) -> None:
    made, rows = make_vault(tmp_path)
    asyncio.run(made.set_variable("x", "1"))
    other = keys.KeyFile(tmp_path / "other.key")
    other.make(other.path)
    again = vault.StoreVault(backends=[], rows=rows, key=other)
    with pytest.raises(errors.Rejected) as caught:
        asyncio.run(again.find_variable("x"))
    assert caught.value.code == "wrong-key"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgres://u:p%40ss@h:5432/db?sslmode=on", ("postgres", "u", "p@ss", "h", 5432, "db", '{"sslmode": "on"}')),
        ("postgresql://h/db", ("postgres", None, None, "h", None, "db", None)),
        ("http://https://api.example.com", ("http", None, None, "https://api.example.com", None, "", None)),
        ("google-cloud-platform://", ("google_cloud_platform", None, None, "", None, "", None)),
        (
            '{"conn_type": "s3", "login": "k", "extra": {"region": "eu"}}',
            ("s3", "k", None, None, None, None, '{"region": "eu"}'),
        ),
        ("x://?__extra__=%7B%22a%22%3A+%5B1%5D%7D", ("x", None, None, "", None, "", '{"a": [1]}')),
    ],
)
def test_connections_are_read_in_airflows_forms(text: str, expected: tuple[object, ...]) -> None:
    made = connections.parse("c", text)
    assert (made.conn_type, made.login, made.password, made.host, made.port, made.schema, made.extra) == expected


@pytest.mark.parametrize("text", ["no scheme", "{not json", "x://h:port/"])
def test_a_malformed_connection_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        connections.parse("warehouse", text)
    assert "warehouse" in str(caught.value)
    assert text not in str(caught.value)


def test_a_secrets_file_is_read_again_when_it_changes(tmp_path: pathlib.Path) -> None:
    made, _ = make_vault(tmp_path)
    file = tmp_path / "connections.yaml"
    file.write_text("db:\n  conn_type: postgres\n  port: 1\n")
    first = asyncio.run(made.find_connection("db"))
    file.write_text("db: postgres://h:2/x\n")
    os.utime(file, ns=(1, 1))
    second = asyncio.run(made.find_connection("db"))
    assert first is not None
    assert second is not None
    assert (first.port, second.port) == (1, 2)


def test_a_broken_secrets_file_is_named(tmp_path: pathlib.Path) -> None:
    made, _ = make_vault(tmp_path)
    (tmp_path / "variables.yaml").write_text("a: [1")
    with pytest.raises(errors.Rejected, match=r"variables\.yaml"):
        asyncio.run(made.find_variable("a"))


def test_a_connection_that_settings_stand_for_gives_way_to_one_that_somebody_made(tmp_path: pathlib.Path) -> None:
    told = vault_port.Connection(conn_id="smtp_default", host="of.settings", login="a", password="b")
    rows = MemoryStore(ManualClock()).vault
    made = vault.StoreVault(
        backends=[backends.FileBackend(tmp_path)],
        rows=rows,
        key=keys.KeyFile(tmp_path / "home.key"),
        of_settings={"smtp_default": told}.get,
    )

    async def ask() -> list[vault_port.Connection | None]:
        found = [await made.find_connection("smtp_default"), await made.find_connection("other")]
        await made.set_connection(vault_port.Connection(conn_id="smtp_default", login="me", password="mine"))
        found.append(await made.find_connection("smtp_default"))
        await made.set_connection(vault_port.Connection(conn_id="smtp_default", host="own"))
        return [*found, await made.find_connection("smtp_default")]

    alone, other, under, over = asyncio.run(ask())
    assert (alone, other) == (told, None)
    assert under is not None
    assert (under.host, under.login, under.password) == ("of.settings", "me", "mine")
    assert over is not None
    assert (over.host, over.login) == ("own", None)
