"""`tradewind vault`, and what all commands say where the key is not the right one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from typer.testing import CliRunner, Result

from tradewind.cli import connections, variables, vault


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def call(app: Any, *words: str) -> Result:
    return CliRunner().invoke(app, words)


def status() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call(vault.app, "status", "-o", "json").stdout)
    return found


def test_a_rotation_is_seen_in_the_status_and_everything_is_still_read() -> None:
    call(variables.app, "set", "a", "1")
    call(connections.app, "set", "db", "--uri", "postgres://u:p@h")
    (before,) = status()["keys"]
    done = call(vault.app, "rotate-key", "-o", "json")
    (after,) = status()["keys"]
    assert (done.exit_code, json.loads(done.stdout)["rows"]) == (0, 2)
    assert before["key"] != after["key"]
    assert (before["rows"], after["rows"]) == (2, 2)
    assert call(variables.app, "get", "a").stdout == "1\n"


def test_a_home_without_secrets_has_no_key_yet(home: Path) -> None:
    assert status()["keys"] == []
    assert not home.with_name("home.key").exists()


def test_status_warns_of_a_key_that_others_can_read_and_of_rows_whose_key_is_gone(home: Path) -> None:
    call(variables.app, "set", "a", "1")
    key = home.with_name("home.key")
    key.write_bytes(Fernet.generate_key())
    key.chmod(0o640)
    warnings = " ".join(status()["warnings"])
    assert "chmod 600" in warnings
    assert "1 rows name key" in warnings


@pytest.mark.parametrize("words", [["get", "a"], ["list", "--show-values"], ["export", "v.json"]])
@pytest.mark.parametrize("code", ["lost", "wrong"])
def test_a_lost_or_wrong_key_is_told_with_its_place(home: Path, words: list[str], code: str) -> None:
    call(variables.app, "set", "a", "1")
    key = home.with_name("home.key")
    key.unlink()
    if code == "wrong":
        key.write_bytes(Fernet.generate_key())
    done = call(variables.app, *words)
    assert done.exit_code == 2
    assert ("is not there" if code == "lost" else "was encrypted with key") in done.stderr
    assert "home.key" in done.stderr
    assert "hint:" in done.stderr
    assert call(variables.app, "list").stdout.split()[-1] == "a", "names are not encrypted"
