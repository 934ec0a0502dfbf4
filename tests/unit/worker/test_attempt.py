"""How each end of a body ends its try, what it pushed, and which callbacks ran."""

from __future__ import annotations

import json
import pathlib
import textwrap
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.worker.children import DagFile
from tradewind.model.outcome import Failed, Rescheduled, Result, Skipped, Success
from tradewind.model.states import EndReason

_HEAD = """
import os, signal, sys, time
from datetime import timedelta
from airflow.sdk import DAG, Param, get_current_context, task, task_group
from airflow.sdk.exceptions import *
from airflow.providers.standard.operators.python import PythonOperator
from airflow.providers.standard.sensors.python import PythonSensor

def said(word):
    def call(context):
        print("callback", word, context["ti"].state, repr(context.get("exception")))
    return call

every = {f"on_{word}_callback": said(word) for word in ("execute", "success", "failure", "retry", "skipped")}
"""


def _task(tmp_path: pathlib.Path, body: str, *, options: str = "**every", head: str = "", dag: str = "") -> DagFile:
    """A file with one task "t" whose function has this body."""
    lines = textwrap.indent(textwrap.dedent(body).strip() or "pass", "    ")
    source = (
        f"{_HEAD}\n{head}\ndef body(**context):\n{lines}\n\n"
        f"with DAG('d', schedule=None{dag}):\n    PythonOperator(task_id='t', python_callable=body, {options})\n"
    )
    file = DagFile(tmp_path, "")
    file.write("one.py", source)
    return file


def _xcoms(result: Result) -> dict[str, Any]:
    return {push.key: json.loads(push.value) for push in result.xcoms}


def _callbacks(file: DagFile) -> list[str]:
    return [line.split()[1] for line in file.output.splitlines() if line.startswith("callback ")]


def test_a_body_that_returns_succeeds_and_its_value_is_pushed(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "context['ti'].xcom_push('k', [1, 2]); return {'a': 1}")
    result = file.run()
    assert result.outcome == Success()
    assert [(one.key, one.kind, one.length) for one in result.xcoms] == [("k", "list", 2), ("return_value", "dict", 1)]
    assert _xcoms(result) == {"k": [1, 2], "return_value": {"a": 1}}
    assert _callbacks(file) == ["execute", "success"]


def test_nothing_returned_is_nothing_pushed(tmp_path: pathlib.Path) -> None:
    assert _task(tmp_path, "return None").run().xcoms == ()


@pytest.mark.parametrize("way", ["operator", "work"])
def test_a_value_that_is_not_wanted_is_not_pushed(tmp_path: pathlib.Path, way: str) -> None:
    file = _task(tmp_path, "return 1", options="do_xcom_push=False" if way == "operator" else "")
    assert file.run(do_xcom_push=way == "operator").xcoms == ()


_FAILED: list[tuple[str, str, Failed, list[str]]] = [
    (
        "an error", "raise ValueError('bad data')",
        Failed(message="ValueError: bad data", error="ValueError"), ["execute", "retry"],
    ),
    (
        "a failure that another try would not help", "raise AirflowFailException('never')",
        Failed(message="AirflowFailException: never", retry=False,
               error="tradewind.sdk.errors.AirflowFailException"), ["execute", "failure"],
    ),
    (
        "a sensor's own timeout", "raise AirflowSensorTimeout('late')",
        Failed(message="AirflowSensorTimeout: late", retry=False,
               error="tradewind.sdk.errors.AirflowSensorTimeout"), ["execute", "failure"],
    ),
    (
        "an exit with a code", "sys.exit(3)",
        Failed(message="it called sys.exit(3)", error="SystemExit", exit_code=3), ["execute", "retry"],
    ),
    (
        "an exit without one", "sys.exit()",
        Failed(message="it called sys.exit(None)", error="SystemExit", exit_code=0), ["execute", "retry"],
    ),
    (
        "an exit with words", "sys.exit('stop')",
        Failed(message="it called sys.exit('stop')", error="SystemExit", exit_code=1), ["execute", "retry"],
    ),
    (
        "a signal", "os.kill(os.getpid(), signal.SIGTERM); time.sleep(30)",
        Failed(message="it was told to stop by SIGTERM", error="tradewind.sdk.errors.AirflowTaskTerminated",
               reason=EndReason.KILLED, signal=15), ["execute", "retry"],
    ),
    (
        "what Airflow 2 names so", "from airflow.exceptions import AirflowException as A; raise A('x')",
        Failed(message="AirflowException: x", error="tradewind.sdk.errors.AirflowException"), ["execute", "retry"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "expected", "callbacks"), [one[1:] for one in _FAILED], ids=[one[0] for one in _FAILED]
)
def test_an_end_by_exception_is_a_failure_of_its_kind(
    tmp_path: pathlib.Path, body: str, expected: Failed, callbacks: list[str]
) -> None:
    file = _task(tmp_path, f"context['ti'].xcom_push('before', 1)\n{body}")
    result = file.run(max_tries=2)
    assert isinstance(result.outcome, Failed)
    assert result.outcome.callbacks_ran
    told = {name: getattr(result.outcome, name) for name in Failed.__struct_fields__ if name != "callbacks_ran"}
    assert told == {name: getattr(expected, name) for name in told}
    assert _xcoms(result) == {"before": 1}
    assert _callbacks(file) == callbacks


def test_the_last_try_is_a_failure_and_the_one_before_a_retry(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "raise ValueError('x')")
    file.run(try_number=2, max_tries=2)
    assert "callback retry up_for_retry ValueError('x')" in file.output
    file.run(try_number=3, max_tries=2)
    assert "callback failure failed ValueError('x')" in file.output


def test_the_log_shows_the_users_frames_only(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "print('begun'); raise ValueError('x')")
    file.run()
    assert "begun" in file.output
    assert "Task failed: Traceback" in file.output
    assert "in body" in file.output
    assert "tradewind/worker" not in file.output


def test_a_skip_is_a_skip_with_its_reason(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "raise AirflowSkipException('not today')")
    assert file.run().outcome == Skipped(message="not today")
    assert _callbacks(file) == ["execute", "skipped"]


@pytest.mark.parametrize("source", ["operator", "work"])
def test_a_body_over_its_execution_timeout_fails_with_the_limit(tmp_path: pathlib.Path, source: str) -> None:
    options = "execution_timeout=timedelta(seconds=0.2)" if source == "operator" else ""
    file = _task(tmp_path, "while True: pass", options=options)
    outcome = file.run(timeout_seconds=None if source == "operator" else 0.2).outcome
    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.retry) == (EndReason.TIMED_OUT, True)
    assert outcome.message == "it ran longer than its execution timeout of 0.2 s"


def test_a_stopped_operator_is_told_to_kill_what_it_started(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "")
    head = "class Op(PythonOperator):\n    def on_kill(self):\n        print('killed what it started')\n"
    body = "def body():\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(30)\n"
    file.write(
        "one.py", f"{_HEAD}\n{head}\n{body}\nwith DAG('d', schedule=None):\n    Op(task_id='t', python_callable=body)\n"
    )
    file.run()
    assert "killed what it started" in file.output


def test_a_sensor_that_gives_its_place_up_says_until_when(tmp_path: pathlib.Path) -> None:
    file = DagFile(
        tmp_path,
        _HEAD + "with DAG('d', schedule=None):\n"
        "    PythonSensor(task_id='t', python_callable=lambda: False, mode='reschedule', poke_interval=3600)\n",
    )
    outcome = file.run().outcome
    assert isinstance(outcome, Rescheduled)
    assert 3500 < (outcome.at - datetime.now(tz=UTC)).total_seconds() <= 3600


def test_a_sensor_that_waited_too_long_in_pieces_times_out(tmp_path: pathlib.Path) -> None:
    source = (
        _HEAD + "with DAG('d', schedule=None):\n"
        "    PythonSensor(task_id='t', python_callable=lambda: False, mode='reschedule', timeout=60 MORE)\n"
    )
    file = DagFile(tmp_path, source.replace("MORE", ""))
    early = datetime(2026, 1, 1, tzinfo=UTC)
    outcome = file.run(row={"first_rescheduled_at": early}).outcome
    assert isinstance(outcome, Failed)
    assert (outcome.retry, "longer than its timeout" in outcome.message) == (False, True)
    file.write("one.py", source.replace("MORE", ", soft_fail=True"))
    assert isinstance(file.run(row={"first_rescheduled_at": early}).outcome, Skipped)


def test_a_value_that_is_no_json_fails_with_its_place_and_a_hint(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "return {'rows': [1, object()]}")
    result = file.run()
    assert isinstance(result.outcome, Failed)
    assert "XCom value at ['rows'][1]" in result.outcome.message
    assert "type builtins.object cannot be written as JSON" in result.outcome.message
    assert "hint: return texts, numbers, lists" in file.output
    assert result.xcoms == ()


def test_a_value_over_the_limit_fails_with_its_size_and_a_hint(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "return 'x' * 5000")
    result = file.run(max_xcom_bytes=2000)
    assert isinstance(result.outcome, Failed)
    assert "XCom 'return_value' is" in result.outcome.message
    assert "over the limit of" in result.outcome.message
    assert "hint: write it to a file or an object store" in file.output


def test_multiple_outputs_are_pushed_one_by_one_and_together(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "return {'a': 1, 'b': 'two'}", options="multiple_outputs=True")
    assert _xcoms(file.run()) == {"a": 1, "b": "two", "return_value": {"a": 1, "b": "two"}}


@pytest.mark.parametrize(("value", "words"), [("[1]", "needs a dict"), ("{1: 2}", "texts as keys")])
def test_multiple_outputs_need_a_dict_of_names(tmp_path: pathlib.Path, value: str, words: str) -> None:
    outcome = _task(tmp_path, f"return {value}", options="multiple_outputs=True").run().outcome
    assert isinstance(outcome, Failed)
    assert words in outcome.message


def test_a_branch_tells_what_it_skips(tmp_path: pathlib.Path) -> None:
    file = DagFile(
        tmp_path,
        _HEAD
        + textwrap.dedent("""
        with DAG("d", schedule=None):
            @task.branch(task_id="t")
            def choose():
                return "left"

            @task
            def left(): ...

            @task
            def right(): ...

            choose() >> [left(), right()]
        """),
    )
    outcome = file.run().outcome
    assert isinstance(outcome, Success)
    assert (outcome.skips, outcome.skip_all_downstream) == (("right",), False)
    file.write("one.py", (file.root / "one.py").read_text().replace('return "left"', 'return "lefft"'))
    failed = file.run().outcome
    assert isinstance(failed, Failed)
    assert "does not have: 'lefft'" in failed.message
    assert "is 'left' meant?" in file.output


def test_a_short_circuit_skips_everything_below(tmp_path: pathlib.Path) -> None:
    file = DagFile(
        tmp_path,
        _HEAD
        + textwrap.dedent("""
        with DAG("d", schedule=None):
            @task.short_circuit(task_id="t")
            def go_on():
                return False

            @task
            def one(): ...

            @task
            def two(): ...

            go_on() >> one() >> two()
        """),
    )
    outcome = file.run().outcome
    assert isinstance(outcome, Success)
    assert (set(outcome.skips), outcome.skip_all_downstream) == ({"one", "two"}, True)


def test_an_element_of_a_mapped_task_gets_its_own_arguments_and_name(tmp_path: pathlib.Path) -> None:
    file = DagFile(
        tmp_path,
        _HEAD
        + textwrap.dedent("""
        with DAG("d", schedule=None):
            @task(task_id="t", map_index_template="{{ label }}")
            def one(a, b):
                get_current_context()["label"] = f"{a}-{b}"
                return [a, b]

            one.expand(a=[1, 2], b=["x", "y"])
        """),
    )
    result = file.run(map_index=2, map_length=4)
    assert result.outcome == Success(rendered_map_index="2-x")
    assert _xcoms(result) == {"return_value": [2, "x"]}


def test_a_result_that_a_task_is_mapped_over_must_be_a_list_or_a_dict(tmp_path: pathlib.Path) -> None:
    source = _HEAD + textwrap.dedent("""
        with DAG("d", schedule=None):
            @task(task_id="t")
            def many():
                return VALUE

            @task
            def one(x): ...

            one.expand(x=many())
        """)
    file = DagFile(tmp_path, source.replace("VALUE", "5"))
    outcome = file.run().outcome
    assert isinstance(outcome, Failed)
    assert "a task is mapped over 't', which returned int" in outcome.message
    file.write("one.py", source.replace("VALUE", "None"))
    outcome = file.run().outcome
    assert isinstance(outcome, Failed)
    assert "which returned nothing" in outcome.message


def test_conf_of_the_run_goes_over_params_and_is_checked(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "return context['params']['n']", dag=", params={'n': Param(1, type='integer')}")
    assert _xcoms(file.run(conf={"n": 7})) == {"return_value": 7}
    outcome = file.run(conf={"n": "many"}).outcome
    assert isinstance(outcome, Failed)
    assert "param 'n'" in outcome.message
    assert "must be a whole number, got str: 'many'" in outcome.message


def test_a_body_does_not_begin_with_a_parameter_against_its_schema(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "print('begun')", dag=", params={'n': Param(1, type='integer')}")
    outcome = file.run(conf={"n": "many"}).outcome
    assert isinstance(outcome, Failed)
    assert "begun" not in file.output


def test_a_failing_callback_changes_nothing_and_the_others_are_called(tmp_path: pathlib.Path) -> None:
    head = "def broken(context):\n    raise RuntimeError('no mail')\n"
    file = _task(tmp_path, "return 1", options="on_success_callback=[broken, said('second')]", head=head)
    assert file.run().outcome == Success()
    assert "on_success_callback failed: Traceback" in file.output
    assert "RuntimeError: no mail" in file.output
    assert _callbacks(file) == ["second"]


def test_a_task_that_the_file_no_longer_has_did_not_begin(tmp_path: pathlib.Path) -> None:
    file = _task(tmp_path, "return 1")
    outcome = file.run("gone").outcome
    assert isinstance(outcome, Failed)
    assert outcome.entered is False
    assert "task 'gone' of DAG 'd'" in outcome.message


def test_a_file_that_no_longer_loads_says_why(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, "import zzqqxx\n")
    outcome = file.run().outcome
    assert isinstance(outcome, Failed)
    assert outcome.entered is False
    assert "DAG 'd'" in outcome.message
    assert "zzqqxx" in outcome.message


def test_programs_that_a_task_starts_know_whose_they_are(tmp_path: pathlib.Path) -> None:
    body = "return {k: v for k, v in os.environ.items() if k.startswith('AIRFLOW_CTX')}"
    assert _xcoms(_task(tmp_path, body, options="owner='ana', email=['a@b.test']").run())["return_value"] == {
        "AIRFLOW_CTX_DAG_OWNER": "ana",
        "AIRFLOW_CTX_DAG_EMAIL": "a@b.test",
        "AIRFLOW_CTX_DAG_ID": "d",
        "AIRFLOW_CTX_TASK_ID": "t",
        "AIRFLOW_CTX_DAG_RUN_ID": "r1",
        "AIRFLOW_CTX_TRY_NUMBER": "1",
        "AIRFLOW_CTX_LOGICAL_DATE": "2026-01-02T03:04:00+00:00",
    }
