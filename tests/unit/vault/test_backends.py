"""Back ends: which forms of files are read, and a mounted directory that is swapped beneath the reader."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tradewind.ports import errors
from tradewind.vault import backends

pytestmark = pytest.mark.anyio

SLASHED = "postgres://u:p%2Fw@h:5432/db"


def mount(directory: Path, version: str, **content: str) -> None:
    """Write as the kubelet does: a folder per version, `..data` swapped by a rename, names that point through it."""
    (directory / version).mkdir(parents=True)
    for name, value in content.items():
        (directory / version / name).write_text(value)
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")
    (directory / "..data_tmp").symlink_to(version)
    (directory / "..data_tmp").rename(directory / "..data")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("connections.json", f'{{"db": "{SLASHED}"}}'),
        (
            "connections.yaml",
            "db:\n  conn_type: postgres\n  login: u\n  password: p/w\n  host: h\n  port: '5432'\n  schema: db\n",
        ),
        ("connections.yml", f"db: {SLASHED}\n"),
        ("connections.env", f"# a comment\n\ndb={SLASHED}\n"),
    ],
)
async def test_connections_are_read_from_each_form_of_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = await backends.FileBackend(tmp_path).find_connection("db")
    assert found is not None
    assert (found.password, found.port, found.schema) == ("p/w", 5432, "db")


async def test_a_line_of_an_env_file_may_hold_equal_signs_in_its_value(tmp_path: Path) -> None:
    (tmp_path / "variables.env").write_text("a=b=c\n")
    assert await backends.FileBackend(tmp_path).find_variable("a") == "b=c"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a=1\na=2\n", "line 2 gives 'a' again"),
        ("hunter2\n", "line 1 has not an equal sign"),
        ("=hunter2\n", "line 1 has not a name"),
        ("a=\n", "line 1 has not a value"),
    ],
)
async def test_a_bad_line_of_an_env_file_is_named_by_number_and_not_shown(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "variables.env").write_text(text)
    with pytest.raises(errors.Rejected, match=told) as caught:
        await backends.FileBackend(tmp_path).find_variable("a")
    assert "hunter2" not in str(caught.value)


async def test_two_files_for_the_same_thing_are_refused(tmp_path: Path) -> None:
    for suffix in ("json", "yaml"):
        (tmp_path / f"variables.{suffix}").write_text("{}")
    with pytest.raises(errors.Rejected, match=r"both variables\.json and variables\.yaml"):
        await backends.FileBackend(tmp_path).find_variable("a")


async def test_a_bad_entry_does_not_hide_the_good_ones(tmp_path: Path) -> None:
    (tmp_path / "connections.json").write_text('{"bad": {"prot": 1}, "good": "http://h"}')
    backend = backends.FileBackend(tmp_path)
    assert await backend.find_connection("good") is not None
    with pytest.raises(errors.Rejected, match="prot"):
        await backend.find_connection("bad")


async def test_a_mounted_directory_gives_a_file_per_key(tmp_path: Path) -> None:
    mount(tmp_path / "variables", "..1", colour="green\n")
    mount(tmp_path / "connections", "..1", db=SLASHED, api='{"conn_type": "http", "host": "h"}\n')
    backend = backends.DirectoryBackend(tmp_path)
    assert await backend.find_variable("colour") == "green"
    assert await backend.find_variable("size") is None
    db, api = await backend.find_connection("db"), await backend.find_connection("api")
    assert db is not None
    assert api is not None
    assert (db.password, api.host) == ("p/w", "h")


async def test_an_updated_volume_is_seen_at_once(tmp_path: Path) -> None:
    mount(tmp_path / "variables", "..1", colour="green")
    backend = backends.DirectoryBackend(tmp_path)
    before = await backend.find_variable("colour")
    mount(tmp_path / "variables", "..2", colour="blue")
    after = await backend.find_variable("colour")
    assert (before, after) == ("green", "blue")


async def test_a_missing_directory_is_an_empty_one(tmp_path: Path) -> None:
    assert await backends.DirectoryBackend(tmp_path / "none").find_variable("a") is None


@pytest.mark.parametrize("key", ["../secret", "a/b", "..data", "..", "", "a\0b"])
async def test_a_key_never_leaves_the_directory(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret").write_text("x")
    mount(tmp_path / "variables", "..1", a="1")
    assert await backends.DirectoryBackend(tmp_path).find_variable(key) is None


def test_what_a_mounted_file_holds_is_not_in_the_error(tmp_path: Path) -> None:
    mount(tmp_path / "connections", "..1", db="hunter2 without a scheme")
    with pytest.raises(errors.Rejected) as caught:
        asyncio.run(backends.DirectoryBackend(tmp_path).find_connection("db"))
    assert "hunter2" not in str(caught.value)
