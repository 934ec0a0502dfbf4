"""What lint makes of what a bundle holds: the lines that names are imported on, and the text for people."""

from __future__ import annotations

import pytest

from tradewind.cli import lint, lint_places

SOURCE = """
import os
from airflow.providers.one.operators.a import AOperator

import airflow.providers.two.operators.b as b
from airflow.providers.three.operators import c
if os.sep:
    from airflow.contrib.operators.d import DOperator
"""


@pytest.mark.parametrize(
    ("classpath", "line"),
    [
        ("airflow.providers.one.operators.a.AOperator", 3),
        ("airflow.providers.two.operators.b.BOperator", 5),
        ("airflow.providers.three.operators.c.COperator", 6),
        ("airflow.providers.four.operators.d.DOperator", 8),
        ("airflow.providers.five.operators.e.EOperator", 0),
    ],
)
def test_an_operator_is_found_on_the_line_that_imports_it_or_its_module(classpath: str, line: int) -> None:
    assert lint_places.line_of(classpath, lint_places.imports(SOURCE.encode())) == line


def test_what_is_no_python_imports_nothing() -> None:
    assert lint_places.imports(b"def \xff(:\0") == {}


def report(path: str, loaded: str, *reasons: lint.Reason) -> lint.FileReport:
    return lint.FileReport(
        path=path,
        loaded=loaded,
        reasons=reasons,
        airflow="2",
        airflow_from="imports",
        warnings=("a remark",),
        specs=(),
        seconds=0.01,
    )


def test_the_text_names_lines_other_files_hints_and_what_is_lacking_most(capsys: pytest.CaptureFixture[str]) -> None:
    lacking = lint.Reason(
        object="file b.py line 1", message="no zz", hint="", line=1, code="module-not-found", lacks="package:zz"
    )
    other = lint.Reason(object="task 'x'", message="is odd", hint="mend it", line=7, code="odd", file="lib/names.py")
    lint.show([report("a.py", lint.ENVIRONMENT, lacking), report("b.py", lint.REFUSED, lacking, other)])
    assert capsys.readouterr().out.splitlines() == [
        "a.py: environment (Airflow 2, its imports tell): no DAG",
        "  line 1: no zz",
        "  warning: a remark",
        "b.py: refused (Airflow 2, its imports tell): no DAG",
        "  line 1: no zz",
        "  lib/names.py line 7: task 'x': is odd",
        "    hint: mend it",
        "  warning: a remark",
        "2 files: 1 environment, 1 refused",
        "lacking here: package:zz (2)",
    ]
