"""Callbacks that run in a process of their own: of tasks and of DAGs, and what is told where one fails."""

from __future__ import annotations

import pathlib

from tests.unit.worker.children import DagFile

_SOURCE = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.empty import EmptyOperator

def tell(context):
    print("told", context["dag_run"].run_id, context["reason"], getattr(context.get("ti"), "task_id", None))

def broken(context):
    raise RuntimeError("no mail")

async def slow(context):
    print("awaited")

with DAG("d", schedule=None, on_success_callback=[tell, slow], on_failure_callback=[broken, tell]):
    EmptyOperator(task_id="t", on_failure_callback=tell, on_retry_callback=broken)
"""


def test_all_callbacks_of_a_dag_are_called_with_the_run_and_the_reason(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, _SOURCE)
    assert file.call_back("on_success", reason="success") is None
    assert file.output.splitlines() == ["told r1 success None", "awaited"]


def test_a_callback_of_a_task_sees_its_task(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, _SOURCE)
    assert file.call_back("on_failure", "t", reason="timed_out") is None
    assert file.output.splitlines() == ["told r1 timed_out t"]


def test_a_failing_callback_is_told_with_its_object_and_the_others_are_called(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, _SOURCE)
    problem = file.call_back("on_failure", reason="x")
    assert problem is not None
    assert (problem.code, problem.object) == ("callback-failed", "on_failure_callback of DAG 'd'")
    assert problem.message == "RuntimeError: no mail"
    assert "in broken" in problem.traceback
    assert "told r1 x None" in file.output


def test_a_failing_callback_of_a_task_names_the_task(tmp_path: pathlib.Path) -> None:
    problem = DagFile(tmp_path, _SOURCE).call_back("on_retry", "t")
    assert problem is not None
    assert problem.object == "on_retry_callback of task 't' of DAG 'd'"


def test_what_has_no_callback_is_done_at_once(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, _SOURCE)
    assert file.call_back("on_skipped", "t") is None
    assert file.output == ""


def test_a_task_that_is_gone_is_a_problem(tmp_path: pathlib.Path) -> None:
    problem = DagFile(tmp_path, _SOURCE).call_back("on_failure", "gone")
    assert problem is not None
    assert "the DAG has no such task" in problem.message


def test_the_context_of_a_dags_callback_is_about_no_task(tmp_path: pathlib.Path) -> None:
    walk = "print('ti' in context, 'task' in context, dict(context)['prev_start_date_success'], len(context) > 10)"
    file = DagFile(tmp_path, _SOURCE.replace('print("awaited")', walk))
    assert file.call_back("on_success") is None
    assert file.output.splitlines()[-1] == "False False None True"


_DEADLINES = """
from datetime import datetime, timedelta
from airflow.sdk import DAG, AsyncCallback, BaseNotifier, DeadlineAlert, DeadlineReference, SyncCallback
from airflow.providers.standard.operators.empty import EmptyOperator

async def late(text, context):
    print(text, context["dag_run"]["dag_run_id"], context["deadline"]["deadline_time"].year, context["reason"])

def plain(text):
    print("plain", text)

class Message(BaseNotifier):
    template_fields = ("text",)
    def __init__(self, text, **more):
        super().__init__(**more)
        self.text = text
    async def async_notify(self, context):
        print("message", self.text)

def sla(dag, task_list, blocking_task_list, slas, blocking_tis):
    print(dag.dag_id, task_list.split()[0], [one.task_id for one in slas], [one.task_id for one in blocking_tis])

when = DeadlineReference.DAGRUN_QUEUED_AT
with DAG(
    "d",
    sla_miss_callback=sla,
    deadline=[
        DeadlineAlert(when, timedelta(1), AsyncCallback(late, {"text": "async"}), name="first"),
        DeadlineAlert(when, timedelta(1), SyncCallback(plain, kwargs={"text": "sync"})),
        DeadlineAlert(when, timedelta(1), AsyncCallback(Message, {"text": "of {{ dag_run.dag_id }}"})),
        DeadlineAlert(when, timedelta(1), SyncCallback("no.such.module.function")),
    ],
):
    EmptyOperator(task_id="t", sla=timedelta(hours=1))
"""


def test_callbacks_of_missed_deadlines_get_their_arguments_and_the_run_as_data(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, _DEADLINES)
    assert file.call_back("deadline", reason="late", deadlines=(0, 1, 2)) is None
    assert file.output.splitlines() == ["async r1 2026 late", "plain sync", "message of d"]


def test_a_callback_of_a_deadline_that_cannot_be_found_is_told(tmp_path: pathlib.Path) -> None:
    problem = DagFile(tmp_path, _DEADLINES).call_back("deadline", deadlines=(3,))
    assert problem is not None
    assert (problem.object, problem.message) == (
        "deadline_callback of DAG 'd'", "ModuleNotFoundError: No module named 'no'"
    )  # fmt: skip


def test_the_callback_of_an_sla_gets_what_airflow_2_gave_it(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, _DEADLINES)
    file.asked.tasks = [{"task_id": "t", "state": "running"}, {"task_id": "u", "state": "success"}]
    assert file.call_back("sla_miss", deadlines=(4,)) is None
    assert file.output.splitlines() == ["d t ['t'] ['t']"]
