"""The corpus suite ends with a table: how many files of the Airflow wheels ended here as they ended there."""

from __future__ import annotations

from typing import Any

import pytest

_TEST = "test_a_file_of_the_wheels_ends_as_in_airflow"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table from the tests' own reports."""
    rows = [
        (report, dict(report.user_properties))
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call" and _TEST in report.nodeid
    ]
    if not rows:
        return
    terminalreporter.section("files of the Airflow wheels")
    for report, found in sorted(rows, key=lambda row: row[0].nodeid):
        terminalreporter.write_line(_line(report, found))
    alike = sum(report.passed for report, _ in rows)
    terminalreporter.write_line(f"{alike} of {len(rows)} files end as in Airflow: states, tries and XComs")


def _line(report: Any, found: dict[str, Any]) -> str:
    name = report.nodeid.rpartition("[")[2].rstrip("]")
    size = f"{found['dags']} DAGs, {found['tasks']} tasks" if "dags" in found else ""
    return f"  {'as in Airflow' if report.passed else 'DIFFERS':14} {name:36} {size}"
