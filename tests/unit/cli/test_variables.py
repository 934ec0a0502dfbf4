"""`tradewind variables`: what is printed, what is hidden, and that a bad file changes nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tradewind.cli import variables


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def call(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(variables.app, words, input=given)


def values() -> dict[str, str]:
    listed = json.loads(call("list", "--show-secrets", "-o", "json").stdout)
    return {row["key"]: row["value"] for row in listed}


def test_a_value_is_set_printed_and_deleted() -> None:
    assert call("set", "region", "eu").exit_code == 0
    assert call("get", "region").stdout == "eu\n"
    assert call("delete", "region").exit_code == 0
    gone = call("get", "region")
    assert (gone.exit_code, gone.stdout) == (2, "")
    assert "'region'" in gone.stderr
    assert call("get", "region", "--default", "none").stdout == "none\n"


def test_a_value_comes_from_stdin_or_a_file_without_being_an_argument(tmp_path: Path) -> None:
    call("set", "token", "-", given="from a pipe\n")
    (tmp_path / "value").write_text("two\nlines\n")
    call("set", "text", "--from-file", "value")
    assert values() == {"token": "from a pipe", "text": "two\nlines\n"}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["set", "a"], "is not given"),
        (["set", "a", "x", "--from-file", "y"], "is given twice"),
        (["set", "a", "--from-file", "none"], "No such file"),
        (["set", " a", "x"], "is not a name"),
        (["delete", "a"], "is not kept here"),
        (["import", "none.json"], "No such file"),
        (["import", "none.txt"], "no suffix"),
        (["import", "none.json", "-a", "replace"], "overwrite, fail, skip"),
    ],
)
def test_bad_use_is_told_with_a_hint(words: list[str], told: str) -> None:
    done = call(*words)
    assert done.exit_code == 2
    assert told in done.stderr
    assert "hint:" in done.stderr


def test_a_list_shows_values_only_when_asked_and_secrets_only_when_asked_for_them() -> None:
    call("set", "region", "eu-1")
    call("set", "api_key", "k-123", "--description", "of the shop")
    assert "eu-1" not in call("list").stdout
    shown = call("list", "--show-values").stdout
    assert "eu-1" in shown
    assert "k-123" not in shown
    assert "k-123" in call("list", "--show-secrets").stdout


def test_get_tells_which_back_end_answered_and_set_that_another_hides_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_REGION", "from outside")
    done = call("set", "region", "eu")
    assert "asked first" in done.stderr
    told = json.loads(call("get", "region", "-o", "json").stdout)
    assert told == {"key": "region", "value": "from outside", "source": "environment"}


@pytest.mark.parametrize("name", ["v.json", "v.yaml"])
def test_what_was_exported_is_imported_as_it_was(home: Path, tmp_path: Path, name: str) -> None:
    for key, value in {
        "text": "a\nb",
        "number": "5",
        "object": '{"a":1}',
        "spaced": '{ "a": 1}',
        "quoted": '"q"',
    }.items():
        call("set", key, value)
    call("set", "told", "x", "--description", "what it is")
    before = values()
    assert call("export", name).exit_code == 0
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    for key in before:
        call("delete", key)
    assert call("import", name).exit_code == 0
    assert values() == before
    assert "what it is" in call("list").stdout


def test_a_form_that_cannot_hold_a_value_names_it() -> None:
    call("set", "text", "a\nb")
    done = call("export", "v.env")
    assert done.exit_code == 2
    assert "cannot hold text" in done.stderr


@pytest.mark.parametrize(("action", "code", "kept"), [("overwrite", 0, "new"), ("skip", 0, "old"), ("fail", 2, "old")])
def test_what_is_there_is_replaced_left_or_a_reason_to_write_nothing(
    tmp_path: Path, action: str, code: int, kept: str
) -> None:
    call("set", "a", "old")
    (tmp_path / "v.json").write_text('{"a": "new", "b": "new"}')
    done = call("import", "v.json", "--action-on-existing-key", action)
    assert done.exit_code == code
    assert values() == {"a": kept, **({} if code else {"b": "new"})}


def test_a_bad_entry_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_text(json.dumps({"good": "x", " bad": "y", "": "z"}))
    done = call("import", "v.json")
    assert done.exit_code == 2
    assert "2 of 3 entries" in done.stderr
    assert "' bad'" in done.stderr
    assert values() == {}
