"""Callbacks, notifiers and what ends a task: what they saw is told by a task that comes last."""

from __future__ import annotations

import datetime
import os
import tempfile

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, BaseNotifier, task
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException


def note(context, text):
    name = context["run_id"].replace("/", "_").replace(":", "_").replace("+", "_")
    with open(os.path.join(tempfile.gettempdir(), f"tradewind-corpus-callbacks-{os.path.basename(FOLDER)}-{name}"), "a") as file:
        file.write(text + "\n")
    return file.name


FOLDER = os.environ.get("AIRFLOW_HOME", "") or "ours"


def said(word):
    def call(context):
        error = context.get("exception")
        note(context, f"{context['ti'].task_id} {word} {type(error).__name__ if error else '-'} {context['ti'].try_number}")

    return call


def broken(context):
    raise RuntimeError("a callback that fails changes nothing")


class Notifier(BaseNotifier):
    template_fields = ("message",)

    def __init__(self, message):
        super().__init__()
        self.message = message

    def notify(self, context):
        note(context, f"{context['ti'].task_id} notified {self.message}")


EVERY = {f"on_{kind}_callback": [broken, said(kind), said(kind + "2")] for kind in ("execute", "success", "failure", "skipped")}


def fails():
    raise ValueError("no")


def never():
    raise AirflowFailException("never again")


def skips():
    raise AirflowSkipException("not today")


with DAG("callbacks", schedule=None, start_date=datetime.datetime(2026, 1, 1)) as dag:
    good = PythonOperator(task_id="good", python_callable=lambda: 1, **EVERY)
    bad = PythonOperator(task_id="bad", python_callable=fails, **EVERY)
    retried = PythonOperator(
        task_id="retried", python_callable=fails, retries=1, retry_delay=datetime.timedelta(0),
        on_retry_callback=said("retry"), on_failure_callback=said("failure"),
    )
    final = PythonOperator(task_id="final", python_callable=never, retries=3, on_failure_callback=said("failure"))
    skipped = PythonOperator(task_id="skipped", python_callable=skips, **EVERY)
    noticed = PythonOperator(
        task_id="noticed", python_callable=lambda: 1, on_success_callback=Notifier("of {{ ti.task_id }} {{ 1 + 1 }}")
    )

    @task(on_success_callback=said("success"))
    def mapped(n, ti=None):
        return n

    @task(trigger_rule="all_done")
    def told():
        from airflow.sdk import get_current_context

        with open(note(get_current_context(), "end")) as file:
            return sorted(line.strip() for line in file)

    [good, bad, retried, final, skipped, noticed, mapped.expand(n=[1, 2])] >> told()

assert AirflowException
