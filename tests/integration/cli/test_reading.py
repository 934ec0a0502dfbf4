"""Commands that read, without a server, on a home where a DAG ran."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest
import yaml

from tests.integration.cli.conftest import Call
from tests.support import mail_server


def test_dags_are_listed_with_their_last_run(call: Call) -> None:
    [row] = call("dags", "list", "-o", "json").json()
    assert (row["dag_id"], row["tasks"], row["state"]) == ("etl", 3, "failed")


@pytest.mark.parametrize(
    ("options", "found"), [(["--tag", "finance"], 1), (["--tag", "x"], 0), (["e*"], 1), (["x"], 0)]
)
def test_dags_are_filtered(call: Call, options: list[str], found: int) -> None:
    assert len(call("dags", "list", "-o", "json", *options).json()) == found


def test_a_dag_is_shown_with_its_graph(call: Call) -> None:
    shown = call("dags", "show", "etl")
    assert "finance" in shown.out
    assert "double[]" in shown.out


@pytest.mark.parametrize(("form", "start"), [("dot", "digraph"), ("mermaid", "flowchart"), ("text", "●")])
def test_only_the_graph_is_shown_where_that_is_asked(call: Call, form: str, start: str) -> None:
    assert call("dags", "show", "etl", "--graph", form).out.startswith(start)


def test_a_dag_that_is_not_there_is_an_error_with_the_nearest_name(call: Call) -> None:
    shown = call("dags", "show", "elt")
    assert shown.code == 2
    assert "did you mean etl?" in shown.err


def test_the_source_is_that_of_the_version(call: Call) -> None:
    assert 'with DAG("etl"' in call("dags", "source", "etl").out


def test_versions_are_listed_and_one_can_be_named_by_its_beginning(call: Call) -> None:
    [row] = call("dags", "versions", "etl", "-o", "json").json()
    assert row["newest"] is True
    assert call("dags", "source", "etl", "--version", row["version"][:6]).code == 0
    missing = call("dags", "source", "etl", "--version", "zzz")
    assert missing.code == 2
    assert "dags versions etl" in missing.err


def test_a_run_is_shown_with_its_timeline(call: Call) -> None:
    shown = call("runs", "show", "etl", "latest")
    assert "checks.rows" in shown.out
    assert "█" in shown.out
    assert "failed" in shown.out


def test_a_run_as_json_is_what_run_prints(call: Call) -> None:
    told = call("runs", "show", "etl", "latest", "-o", "json", "--with-xcom").json()
    assert told["state"] == "failed"
    assert told["xcom"]["double[1]"] == {"return_value": 4}


def test_runs_are_filtered_by_state(call: Call) -> None:
    assert len(call("runs", "list", "--state", "failed", "-o", "json").json()) == 1
    assert call("runs", "list", "--state", "success", "-o", "json").json() == []
    wrong = call("runs", "list", "--state", "broken")
    assert wrong.code == 2
    assert "one of queued" in wrong.err


def test_tasks_are_listed_page_by_page(call: Call) -> None:
    first = call("tasks", "list", "etl", "latest", "-o", "json", "--limit", "2")
    assert [(row["task_id"], row["map_index"]) for row in first.json()] == [("checks.rows", -1), ("double", 0)]
    assert first.err == "more: --after double:0\n"
    rest = call("tasks", "list", "etl", "latest", "-o", "json", "--after", "double:0")
    assert [(row["task_id"], row["map_index"]) for row in rest.json()] == [
        ("double", 1),
        ("double", 2),
        ("extract", -1),
    ]
    assert rest.err == ""


def test_a_task_is_shown_with_its_attempts_and_its_verdict(call: Call) -> None:
    told = call("tasks", "show", "etl", "latest", "checks.rows", "-o", "json").json()
    assert "exit code 3" in told["verdict"]
    assert [one["try"] for one in told["attempts"]] == [1]


def test_an_element_of_a_mapped_task_must_be_named(call: Call) -> None:
    asked = call("tasks", "show", "etl", "latest", "double")
    assert asked.code == 2
    assert "double[0]" in asked.err
    assert call("tasks", "show", "etl", "latest", "double[1]").code == 0


def test_a_log_is_printed_whole_or_filtered(call: Call) -> None:
    whole = call("tasks", "logs", "etl", "latest", "extract", "--no-timestamps").out
    assert "first line" in whole
    assert "an ERROR line" in whole
    some = call("tasks", "logs", "etl", "latest", "extract", "--grep", "ERR").out
    assert "an ERROR line" in some
    assert "first line" not in some
    assert call("tasks", "logs", "etl", "latest", "extract", "--since", "2099-01-01").out == ""


def test_the_verdict_of_a_log_comes_last_on_stderr(call: Call) -> None:
    assert call("tasks", "logs", "etl", "latest", "checks.rows").err.startswith("-- ")


def test_a_try_that_was_not_made_has_no_log(call: Call) -> None:
    asked = call("tasks", "logs", "etl", "latest", "extract", "--try", "7")
    assert asked.code == 2
    assert "try 7" in asked.err


def test_xcoms_are_listed_and_one_is_printed(call: Call) -> None:
    rows = call("xcom", "list", "etl", "latest", "double", "-o", "json").json()
    assert [(row["map_index"], row["value"]) for row in rows] == [(0, 2), (1, 4), (2, 6)]
    assert call("xcom", "get", "etl", "latest", "extract").json() == [1, 2, 3]
    assert yaml.safe_load(call("xcom", "get", "etl", "latest", "double[2]", "-o", "yaml").out) == 6


def test_an_xcom_that_is_not_there_names_those_that_are(call: Call) -> None:
    asked = call("xcom", "get", "etl", "latest", "extract", "--key", "rows")
    assert asked.code == 2
    assert "it has: return_value" in asked.err


def test_the_default_pool_is_listed_though_nobody_made_it(call: Call) -> None:
    from tradewind.engine import limits

    [row] = call("pools", "list", "-o", "json").json()
    assert (row["name"], row["slots"]) == ("default_pool", limits.Limits().default_pool_slots)


def test_a_pool_that_is_not_there_names_those_that_are(call: Call) -> None:
    asked = call("pools", "get", "database")
    assert asked.code == 2
    assert "there are: default_pool" in asked.err


def test_every_command_has_help_with_an_example(call: Call) -> None:
    import typer.main

    from tradewind.cli import main

    pending: list[tuple[tuple[str, ...], Any]] = [((), typer.main.get_command(main.app))]
    without = []
    while pending:
        path, command = pending.pop()
        if hasattr(command, "list_commands"):
            context = command.make_context("tradewind", [], resilient_parsing=True)
            pending += [((*path, name), command.get_command(context, name)) for name in command.list_commands(context)]
        elif "Examples:" not in (command.epilog or "") or not command.help:
            without.append(" ".join(path))
    assert without == []


def test_a_dag_whose_tasks_ask_for_mail_is_shown_with_a_warning_while_there_is_no_server(
    call: Call, ran_home: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = call("dags", "show", "etl", "--home", str(ran_home), "--output", "json").json()
    assert [one for one in shown["warnings"] if "checks.rows: no mail is sent" in one]
    monkeypatch.setenv("TRADEWIND_MAIL__HOST", "mail.example.com")
    assert "mail" not in str(
        call("dags", "show", "etl", "--home", str(ran_home), "--output", "json").json()["warnings"]
    )
    monkeypatch.setenv("TRADEWIND_MAIL__PASSWORD_FILE", "/nowhere/password")
    shown = call("dags", "show", "etl", "--home", str(ran_home), "--output", "json").json()
    assert [one for one in shown["warnings"] if "/nowhere/password" in one]


def test_doctor_says_that_no_mail_is_sent_or_that_the_server_cannot_be_reached(
    call: Call, ran_home: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mail() -> dict[str, str]:
        told = call("doctor", "--home", str(ran_home), "--output", "json")
        return next(one for one in json.loads(told.out) if one["check"] == "mail")

    assert mail()["state"] == "ok"
    with mail_server.serving() as server:
        monkeypatch.setenv("TRADEWIND_MAIL__HOST", mail_server.HOST)
        monkeypatch.setenv("TRADEWIND_MAIL__PORT", str(server.port))
        monkeypatch.setenv("TRADEWIND_MAIL__STARTTLS", "false")
        assert "lets us in" in mail()["message"]
    away = mail()
    assert (away["state"], "refused" in away["message"], bool(away["hint"])) == ("fail", True, True)
