"""`tradewind connections`: what is printed, what is hidden, what is tested, and that a bad file changes nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tradewind.cli import connections

URI = "postgres://ana:hun%2Fter2@db.test:5432/sales?api_key=k-123&mode=on"

FIELDS = ["--conn-type", "postgres", "--login", "ana", "--host", "db.test", "--port", "5432", "--schema", "sales"]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def call(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(connections.app, words, input=given)


def told(conn_id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("get", conn_id, "--show-secrets", "-o", "json").stdout)
    return found


@pytest.mark.parametrize(
    ("words", "given"),
    [
        (["--uri", "-"], URI),
        (["--uri", URI], None),
        (
            ["--json", "-"],
            json.dumps(
                {
                    "conn_type": "postgres",
                    "login": "ana",
                    "password": "hun/ter2",
                    "host": "db.test",
                    "port": "5432",
                    "schema": "sales",
                    "extra": {"api_key": "k-123", "mode": "on"},
                }
            ),
        ),
        (
            [*FIELDS, "--password", "-", "--extra", '{"api_key": "k-123", "mode": "on"}'],
            "hun/ter2\n",
        ),
    ],
)
def test_a_connection_is_set_from_each_form(words: list[str], given: str | None) -> None:
    assert call("set", "db", *words, given=given).exit_code == 0
    found = told("db")
    assert (found["password"], found["port"], found["schema"]) == ("hun/ter2", 5432, "sales")
    assert found["extra"] == {"api_key": "k-123", "mode": "on"}
    assert found["uri"] == URI
    assert found["source"] == "store"


@pytest.mark.parametrize("words", [["list"], ["list", "-o", "json"], ["get", "db"], ["get", "db", "-o", "yaml"]])
def test_secrets_are_hidden_unless_asked_for(words: list[str]) -> None:
    call("set", "db", "--uri", URI)
    hidden, shown = call(*words).stdout, call(*words, "--show-secrets").stdout
    for secret in ("hun/ter2", "hun%2Fter2", "k-123"):
        assert secret not in hidden
    assert "mode" in hidden
    assert "k-123" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["set", "a"], "is not given"),
        (["set", "a", "--host", "h"], "has no --conn-type"),
        (["set", "a", "--uri", "http://h", "--host", "h"], "as --uri and as fields"),
        (["set", "a", "--uri", "hunter2"], "neither a URI"),
        (["set", "a", "--json", "{hunter2"], "is not JSON"),
        (["set", "a b", "--uri", "http://h"], "other characters"),
        (["set", "a", "--conn-type", "http", "--extra", "[1]"], "not a JSON object"),
        (["get", "a"], "is not there"),
        (["delete", "a"], "is not there"),
        (["test", "a"], "is not there"),
    ],
)
def test_bad_use_is_told_with_a_hint_and_without_the_text(words: list[str], said: str) -> None:
    done = call(*words)
    assert done.exit_code == 2
    assert said in done.stderr
    assert "hint:" in done.stderr
    assert "hunter2" not in done.stderr


@pytest.mark.parametrize("name", ["c.json", "c.yaml", "c.env"])
def test_what_was_exported_is_imported_as_it_was(name: str) -> None:
    call("set", "db", "--uri", URI)
    call("set", "api", "--uri", "http://https://h:8080/?a=%7B%22b%22%3A+1%7D")
    before = [told("db"), told("api")]
    assert call("export", name).exit_code == 0
    for conn_id in ("db", "api"):
        call("delete", conn_id)
    assert call("import", name).exit_code == 0
    assert [told("db"), told("api")] == before


def test_what_is_there_stays_unless_it_is_to_be_replaced(tmp_path: Path) -> None:
    call("set", "db", "--uri", URI)
    (tmp_path / "c.env").write_text("db=http://new\nother=http://h\n")
    assert "1 were there and stay" in call("import", "c.env").stderr
    assert told("db")["uri"] == URI
    assert call("import", "c.env", "-a", "fail").exit_code == 2
    assert call("import", "c.env", "--overwrite").exit_code == 0
    assert told("db")["host"] == "new"


def test_each_bad_entry_of_a_file_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    entries = {"good": "http://h", "typo": {"conn_tpe": "x"}, "list": [1], "text": "hunter2", "port": {"port": "x"}}
    (tmp_path / "c.json").write_text(json.dumps(entries))
    done = call("import", "c.json")
    assert done.exit_code == 2
    for said in ("4 of 5 entries", "'typo'", "conn_tpe", "'list'", "'text'", "'port'"):
        assert said in done.stderr
    assert "hunter2" not in done.stderr
    assert json.loads(call("list", "-o", "json").stdout) == []


def test_a_test_says_that_something_accepts_connections(port: int) -> None:
    call("set", "here", "--uri", f"http://127.0.0.1:{port}")
    done = call("test", "here", "-o", "json")
    assert done.exit_code == 0
    assert [(step["step"], step["ok"]) for step in json.loads(done.stdout)] == [
        ("read", True),
        ("name", True),
        ("TCP", True),
    ]
    assert "Not tested: login" in done.stderr


@pytest.mark.parametrize(
    ("uri", "failed", "said"),
    [
        ("http://", "name", "no host"),
        ("http://no-such-host.invalid", "name", "no-such-host.invalid"),
        ("strange://127.0.0.1", "TCP", "no port is known"),
        ("http://127.0.0.1:1", "TCP", "connection refused"),
    ],
)
def test_a_test_ends_at_the_first_step_that_fails(uri: str, failed: str, said: str) -> None:
    call("set", "there", "--uri", uri)
    done = call("test", "there", "-o", "json")
    assert done.exit_code == 1
    last = json.loads(done.stdout)[-1]
    assert (last["step"], last["ok"]) == (failed, False)
    assert said in last["detail"]
