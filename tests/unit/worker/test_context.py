"""What a body sees: the keys of its context, XComs of other tasks, and how it goes on after it gave its place up."""

from __future__ import annotations

import json
import pathlib
import textwrap
from typing import Any

import pytest

from tests.unit.worker.children import DagFile
from tradewind.model.outcome import Deferred, Failed, Success

_HEAD = """
from airflow.sdk import DAG, task
from airflow.sdk.exceptions import *
from airflow.providers.standard.operators.python import PythonOperator
"""


def _returns(tmp_path: pathlib.Path, expression: str, *, meaning: str = "3", asked: Any = None) -> Any:
    """What an expression over `ctx` and `ti` gives inside a body."""
    source = (
        f"{_HEAD}\ndef body(**ctx):\n    ti = ctx['ti']\n    return {expression}\n\n"
        "with DAG('d', schedule=None) as dag:\n    PythonOperator(task_id='t', python_callable=body)\n"
    )
    file = DagFile(tmp_path, source, meaning=meaning)
    file.asked.xcoms.update(asked or {})
    result = file.run()
    assert isinstance(result.outcome, Success), file.output
    return next((json.loads(one.value) for one in result.xcoms if one.key == "return_value"), None)


_OF_BOTH = {
    "ds": "2026-01-02",
    "ds_nodash": "20260102",
    "ts": "2026-01-02T03:04:00+00:00",
    "ts_nodash": "20260102T030400",
    "ts_nodash_with_tz": "20260102T030400+0000",
    "run_id": "r1",
    "task_instance_key_str": "d__t__20260102",
    "try_number": 1,
    "test_mode": False,
}
_OF_2 = {"tomorrow_ds": "2026-01-03", "yesterday_ds_nodash": "20260101", "prev_ds": "2026-01-02"}


@pytest.mark.parametrize("meaning", ["2", "3"])
def test_keys_of_the_run_hold_what_airflow_holds(tmp_path: pathlib.Path, meaning: str) -> None:
    expected = {**_OF_BOTH, **(_OF_2 if meaning == "2" else {})}
    names = tuple(expected)
    assert _returns(tmp_path, f"{{name: ctx[name] for name in {names!r}}}", meaning=meaning) == expected


def test_keys_of_airflow_2_are_not_there_in_a_file_of_3(tmp_path: pathlib.Path) -> None:
    names = ("execution_date", "next_ds", "conf", "tomorrow_ds")
    assert _returns(tmp_path, f"[name for name in {names!r} if name in ctx]") == []
    (tmp_path / "two").mkdir()
    assert _returns(tmp_path / "two", f"[name in ctx for name in {names!r}]", meaning="2") == [True] * 4


def test_a_body_asks_for_the_keys_that_it_names(tmp_path: pathlib.Path) -> None:
    source = _HEAD + textwrap.dedent("""
        with DAG("d", schedule=None):
            @task(task_id="t")
            def body(n, ds=None, ti=None, **rest):
                return [n, ds, ti.task_id, "run_id" in rest]

            body(5)
        """)
    (push,) = DagFile(tmp_path, source).run().xcoms
    assert json.loads(push.value) == [5, "2026-01-02", "t", True]


_ONE = {("up", "return_value", -1): b"5"}
_MAPPED = {("up", "return_value", 0): b'"a"', ("up", "return_value", 1): b'"b"'}
_PULLS: list[tuple[str, str, dict[Any, bytes], Any]] = [
    ("one value", "ti.xcom_pull('up')", _ONE, 5),
    ("several tasks", "ti.xcom_pull(['up', 'none'])", _ONE, [5, None]),
    ("nothing there", "ti.xcom_pull('none', default='x')", _ONE, "x"),
    ("another key", "ti.xcom_pull('up', key='k')", {("up", "k", -1): b"[1]"}, [1]),
    ("all elements", "ti.xcom_pull('up')", _MAPPED, ["a", "b"]),
    ("one element", "ti.xcom_pull('up', map_indexes=1)", _MAPPED, "b"),
    ("some elements", "ti.xcom_pull('up', map_indexes=[1, 0])", _MAPPED, ["b", "a"]),
    ("what it pushed itself", "(ti.xcom_push('k', 7), ti.xcom_pull('t', key='k'))[1]", {}, 7),
]


@pytest.mark.parametrize(("pull", "asked", "found"), [one[1:] for one in _PULLS], ids=[one[0] for one in _PULLS])
def test_xcoms_are_pulled_as_in_airflow(tmp_path: pathlib.Path, pull: str, asked: dict[Any, bytes], found: Any) -> None:
    assert _returns(tmp_path, pull, asked=asked) == found


def test_a_result_of_another_task_is_read_as_an_argument(tmp_path: pathlib.Path) -> None:
    source = _HEAD + textwrap.dedent("""
        with DAG("d", schedule=None):
            @task
            def up(): ...

            @task(task_id="t")
            def body(given):
                return given + 1

            body(up())
        """)
    file = DagFile(tmp_path, source)
    file.asked.xcoms.update(_ONE)
    (push,) = file.run().xcoms
    assert json.loads(push.value) == 6
    file.asked.xcoms.clear()
    outcome = file.run().outcome
    assert isinstance(outcome, Failed)


_DEFERRING = (
    _HEAD
    + """
from airflow.sdk import BaseOperator

class Trigger:
    def serialize(self):
        return "own.Trigger", {"n": 1}

class Op(BaseOperator):
    def execute(self, context):
        raise TaskDeferred(trigger=Trigger(), method_name="go_on", kwargs={"k": 2}, timeout=60)

    def go_on(self, context, event=None, k=0):
        return [event, k]

with DAG("d", schedule=None):
    Op(task_id="t")
"""
)


def test_a_body_that_defers_says_to_what(tmp_path: pathlib.Path) -> None:
    assert DagFile(tmp_path, _DEFERRING).run().outcome == Deferred(
        classpath="own.Trigger", kwargs={"n": 1}, next_method="go_on", next_kwargs={"k": 2}, timeout_seconds=60
    )


def test_after_a_deferral_its_method_goes_on_with_the_event(tmp_path: pathlib.Path) -> None:
    row = {"next_method": "go_on", "next_kwargs": {"k": 2, "event": "fired"}}
    (push,) = DagFile(tmp_path, _DEFERRING).run(row=row).xcoms
    assert json.loads(push.value) == ["fired", 2]


def test_a_trigger_that_failed_fails_the_task(tmp_path: pathlib.Path) -> None:
    row = {"next_method": "__fail__", "next_kwargs": {"error": "Trigger timeout"}}
    outcome = DagFile(tmp_path, _DEFERRING).run(row=row).outcome
    assert isinstance(outcome, Failed)
    assert outcome.message == "TaskDeferralTimeout: Trigger timeout"
