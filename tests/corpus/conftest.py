"""The corpus suite ends with tables: how files loaded, whether models and ends are those of Airflow."""

from __future__ import annotations

from typing import Any

import pytest

_ENDED = "test_a_file_of_the_wheels_ends_as_in_airflow"
_MODELS = {
    "test_the_model_of_a_file_of_the_wheels_is_airflows": "files of the Airflow wheels",
    "test_the_model_of_a_file_written_for_the_tests_is_airflows": "files written for the tests",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables from the tests' own reports."""
    ended = {_name(report): report for report in _reports(terminalreporter, _ENDED)}
    for test, title in _MODELS.items():
        if rows := _reports(terminalreporter, test):
            terminalreporter.section(f"{title}: loaded as, model, states")
            for report in rows:
                terminalreporter.write_line(_line(report, ended.get(_name(report))))
            _totals(terminalreporter, rows)
    if ended:
        tasks = sum(int(dict(report.user_properties).get("tasks", 0)) for report in ended.values())
        alike = sum(report.passed for report in ended.values())
        terminalreporter.write_line(
            f"{alike} of {len(ended)} files that were run end as in Airflow ({tasks} tasks): states, tries and XComs"
        )


def _reports(terminalreporter: pytest.TerminalReporter, test: str) -> list[Any]:
    found = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call" and f"::{test}[" in report.nodeid
    ]
    return sorted(found, key=_name)


def _name(report: Any) -> str:
    return str(report.nodeid.rpartition("[")[2].rstrip("]"))


def _line(report: Any, ended: Any) -> str:
    found = dict(report.user_properties)
    model = found.get("model", "equal") if report.passed else "DIFFERS"
    states = found.get("not_run", "-") if ended is None else "equal" if ended.passed else "DIFFER"
    return f"  {_name(report):52} {found.get('loaded', ''):32} {model:44} {states}"


def _totals(terminalreporter: pytest.TerminalReporter, rows: list[Any]) -> None:
    found = [dict(report.user_properties) for report in rows if report.passed]
    equal = sum(one.get("model") == "equal" for one in found)
    others = [one for one in found if one.get("model") != "equal"]
    terminalreporter.write_line(
        f"{len(rows)} files, {sum(int(one.get('dags', 0)) for one in found)} DAGs: {equal} models equal, "
        f"{len(others)} not compared, {len(rows) - len(found)} differ"
    )
