"""A run that is late: its callback is called, and everybody can see that it was late."""

from __future__ import annotations

import json
import pathlib

from tests.support import server

DAGS = """
import pathlib
import time
from datetime import datetime, timedelta, timezone
from airflow.sdk import DAG, AsyncCallback, DeadlineAlert, DeadlineReference, SyncCallback, task

TOLD = pathlib.Path({told!r})

async def tell(text, context):
    with TOLD.open("a") as file:
        print(text, context["dag_run"]["dag_run_id"], context["dag_run"]["state"], file=file)

def never():
    TOLD.write_text("in time, and told all the same")

queued = DeadlineReference.DAGRUN_QUEUED_AT
with DAG(
    "late",
    schedule=None,
    deadline=[
        DeadlineAlert(queued, timedelta(seconds=0.5), AsyncCallback(tell, {{"text": "late:"}}), name="soon"),
        DeadlineAlert(queued, timedelta(hours=5), SyncCallback(never)),
    ],
):
    @task
    def load():
        until = time.monotonic() + 20
        while not TOLD.exists() and time.monotonic() < until:
            time.sleep(0.05)
    load()
"""


def test_a_late_run_calls_back_once_while_it_goes_on_and_is_shown_as_late(tmp_path: pathlib.Path) -> None:
    told, home = tmp_path / "told", str(tmp_path / "home")
    (tmp_path / "late.py").write_text(DAGS.format(told=str(told)))
    done = server.tradewind("run", str(tmp_path / "late.py"), "--home", home, "--output", "json")
    document = json.loads(done.stdout)
    assert told.read_text() == f"late: {document['run_id']} running\n"
    assert (document["state"], len(document["missed_deadlines"])) == ("success", 1)
    shown = server.tradewind("runs", "show", "late", "latest", "--home", home).stdout
    assert shown.count("(missed)") == 1
