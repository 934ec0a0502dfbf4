"""`tradewind config`: what it prints, what it hides, what it refuses."""

from __future__ import annotations

import json
import pathlib

import pytest
import yaml
from typer.testing import CliRunner, Result

from tradewind.cli import config

URL = "postgresql://ana:hunter2@db.test:5432/sales?sslmode=require"


@pytest.fixture(autouse=True)
def home(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> pathlib.Path:
    for folder in ("home", "here"):
        (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TRADEWIND_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def call(*words: str) -> Result:
    return CliRunner().invoke(config.app, words)


def rows(*words: str) -> dict[str, dict[str, object]]:
    return {row["key"]: row for row in json.loads(call(*words, "--output", "json").stdout)}


def test_show_tells_every_value_and_where_it_comes_from(home: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "tradewind.toml").write_text("[scheduler]\nparallelism = 4\n")
    monkeypatch.setenv("TRADEWIND_SERVER__HEALTH_PORT", "8080")
    found = rows("show", "--set", "dags.airflow=2")
    assert found["scheduler.parallelism"] == {
        "key": "scheduler.parallelism",
        "value": 4,
        "unit": "attempts",
        "from": f"{home / 'tradewind.toml'}:2",
    }
    assert (found["server.health_port"]["value"], found["server.health_port"]["from"]) == (
        8080,
        "TRADEWIND_SERVER__HEALTH_PORT",
    )
    assert (found["dags.airflow"]["value"], found["dags.airflow"]["from"]) == ("2", "--set dags.airflow")
    assert found["scheduler.max_map_length"]["from"] == "default"


def test_show_of_what_is_changed_has_nothing_else() -> None:
    assert rows("show", "--changed") == {}
    assert list(rows("show", "--changed", "--set", "xcom.max_mb=3")) == ["xcom.max_mb"]
    assert "every setting has its default" in call("show", "--changed").output


def test_a_setting_that_is_not_set_is_shown_as_such() -> None:
    assert rows("show")["dags.defaults.catchup"]["value"] is None
    assert call("get", "dags.defaults.catchup").stdout == "\n"
    assert "not set" in call("explain", "dags.defaults.catchup").stdout


def test_every_form_of_show_has_the_same_values() -> None:
    found = rows("show")
    assert {row["key"]: row for row in yaml.safe_load(call("show", "-o", "yaml").stdout)} == found
    plain = [line.split("\t") for line in call("show", "-o", "plain").stdout.splitlines()]
    assert plain[0] == ["key", "value", "unit", "from"]
    assert [line[0] for line in plain[1:]] == list(found)
    table = call("show").stdout
    assert all(key in table for key in found)


@pytest.mark.parametrize("output", ["table", "json", "yaml", "plain"])
def test_no_form_of_show_or_explain_gives_a_password_away(output: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_DATABASE__URL", URL)
    for words in (("show",), ("explain", "database.url"), ("explain",)):
        printed = call(*words, "-o", output)
        assert printed.exit_code == 0
        assert "hunter2" not in printed.output
    assert "ana:***@" in call("show", "-o", "json").stdout


def test_get_prints_the_value_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call("get", "scheduler.parallelism").stdout == "32\n"
    assert call("get", "runtime.local.images").stdout == "[]\n"
    assert call("get", "dags.folder").stdout == "\n"
    monkeypatch.setenv("TRADEWIND_DAGS__AIRFLOW", "2")
    assert call("get", "dags.airflow").stdout == "2\n"


def test_get_masks_a_password_unless_told_to_reveal_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_DATABASE__URL", URL)
    masked = call("get", "database.url")
    assert masked.stdout == URL.replace("hunter2", "***") + "\n"
    assert "--reveal" in masked.stderr
    assert call("get", "database.url", "--reveal").stdout == URL + "\n"


def test_explain_tells_default_unit_reason_names_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "5")
    told = json.loads(call("explain", "scheduler.parallelism", "-o", "json").stdout)
    assert told["default"] == 32
    assert told["unit"] == "attempts"
    assert told["why"]
    assert told["variable"] == "TRADEWIND_SCHEDULER__PARALLELISM"
    assert told["airflow"] == "core.parallelism"
    assert told["type"] == "a whole number, at least 1"
    assert (told["value"], told["from"]) == (5, "AIRFLOW__CORE__PARALLELISM")


def test_explain_of_a_section_lists_it_and_of_nothing_lists_all() -> None:
    section = rows("explain", "scheduler")
    assert "scheduler.parallelism" in section
    assert all(key.startswith("scheduler.") for key in section)
    assert set(rows("explain")) == set(rows("show"))


def test_explain_of_a_list_of_tables_tells_what_a_table_holds() -> None:
    told = json.loads(call("explain", "runtime.local.images", "-o", "json").stdout)
    assert [one["key"] for one in told["holds"]] == ["pattern", "venv", "root", "path", "entrypoint"]
    assert "entrypoint" in call("explain", "runtime.local.images").stdout


def test_explain_works_while_a_setting_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADEWIND_SCHEDULER__PARALLELISM", "many")
    told = call("explain", "scheduler.parallelism")
    assert told.exit_code == 0
    assert 'is "many"' in told.stdout
    assert call("show").exit_code == 2


@pytest.mark.parametrize("command", ["get", "explain"])
def test_an_unknown_key_is_refused_with_the_nearest(command: str) -> None:
    refused = call(command, "scheduler.paralelism")
    assert refused.exit_code == 2
    assert refused.stdout == ""
    assert "unknown key scheduler.paralelism" in refused.stderr
    assert "did you mean scheduler.parallelism?" in refused.stderr


def test_get_of_a_section_names_its_keys() -> None:
    refused = call("get", "xcom")
    assert refused.exit_code == 2
    assert "xcom.max_mb" in refused.stderr


def test_show_says_which_file_is_not_read(home: pathlib.Path) -> None:
    here = pathlib.Path.cwd() / "tradewind.toml"
    here.write_text("[scheduler]\nparallelism = 7\n")
    assert rows("show")["scheduler.parallelism"]["value"] == 7
    (home / "tradewind.toml").write_text("[scheduler]\nparallelism = 4\n")
    shown = call("show", "-o", "json")
    assert f"not read: {here}" in shown.stderr
    assert rows("show")["scheduler.parallelism"]["value"] == 4


def test_show_says_which_variables_of_airflow_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "hunter2")
    shown = call("show")
    assert "not used: AIRFLOW__CORE__FERNET_KEY: " in shown.stderr
    assert "hunter2" not in shown.output
