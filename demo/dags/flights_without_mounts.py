"""The flights of flights.py where no pod can have mounts: the same programs, images and secret, fewer comforts.

Three things are gone: the pods work in the node's folder itself and not at /shared, what they found comes back as files
there and not by /airflow/xcom (so a task reads each one), and both pods get the secret in their environment, none as a file.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from pathlib import Path

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import dag, get_current_context, task
from departures import compared, year_of

CLASSIC = "registry.example.com/demo/etl-classic:2.3"
MODERN = "registry.example.com/demo/etl-modern:3.1"

SHARED = os.environ.get("FLIGHTS_DIR", "/tmp/tradewind-demo-flights")
# A folder of each run's own: nothing that an earlier run found can be taken for this one's. The results in it are JSON
# but do not end in .json: the operator takes such an argument for the name of a template file.
RUN = SHARED + "/runs/{{ run_id }}"

signing_key = Secret(deploy_type="env", deploy_target="SIGNING_KEY", secret="flights-signing", key="key")


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["demo"],
    default_args={"retries": 0, "retry_delay": timedelta(seconds=1)},
)
def flights_without_mounts():
    @task
    def choose(folder: str) -> dict:
        """Say what the run is about; a trigger may pass other months or another lateness."""
        conf = get_current_context()["dag_run"].conf or {}
        Path(folder).mkdir(parents=True, exist_ok=True)
        return {
            "months": conf.get("months", list(range(1, 13))),
            "late_minutes": conf.get("late_minutes", 15),
            "folder": folder,
        }

    @task
    def read(path: str) -> dict:
        """Take what a pod left in the folder."""
        return json.loads(Path(path).read_text())

    split = KubernetesPodOperator(
        task_id="split",
        name="flights-split",
        image=CLASSIC,
        cmds=["split-flights"],
        arguments=[
            *("--months", "{{ ti.xcom_pull(task_ids='choose')['months'] | join(',') }}"),
            *("--into", RUN, "--result", f"{RUN}/split.result"),
        ],
    )

    @task
    def plan(choice: dict, parts: dict) -> list[list[str]]:
        """Turn what was split into the arguments of one pod per month."""
        print(f"{parts['rows']} departures in {len(parts['files'])} files, split by pandas {parts['pandas']}")
        late, folder = str(choice["late_minutes"]), choice["folder"]
        return [
            ["--late-minutes", late, "--file", f"{folder}/{name}", "--result", f"{folder}/{name}.result"]
            for name in parts["files"]
        ]

    @task
    def results(plan: list[list[str]]) -> list[str]:
        """Where the pods of the months leave what they found."""
        return [arguments[-1] for arguments in plan]

    choice = choose(RUN)
    parts = read.override(task_id="split_result")(f"{RUN}/split.result")
    plan_of_months = plan(choice, parts)

    summarise = KubernetesPodOperator.partial(
        task_id="summarise",
        name="flights-summarise",
        image=MODERN,
        cmds=["summarise-flights"],
    ).expand(arguments=plan_of_months)

    months = read.override(task_id="summarise_result").expand(path=results(plan_of_months))

    @task
    def add_up(months: list[dict]) -> dict:
        """Add the months to a year."""
        return year_of(list(months))

    total = add_up(months)

    sign = KubernetesPodOperator(
        task_id="sign",
        name="flights-sign",
        image=MODERN,
        cmds=["sign-report"],
        arguments=["--result", f"{RUN}/sign.result"],
        env_vars={"REPORT": "{{ ti.xcom_pull(task_ids='add_up') | tojson }}", "TRY_NUMBER": "{{ ti.try_number }}"},
        secrets=[signing_key],
        retries=1,
    )
    signed = read.override(task_id="sign_result")(f"{RUN}/sign.result")

    verify = KubernetesPodOperator(
        task_id="verify",
        name="flights-verify",
        image=CLASSIC,
        cmds=["verify-report"],
        env_vars={
            "REPORT": "{{ ti.xcom_pull(task_ids='add_up') | tojson }}",
            "SIGNATURE": "{{ ti.xcom_pull(task_ids='sign_result')['signature'] }}",
        },
        secrets=[signing_key],
    )

    @task
    def check(choice: dict, parts: dict, total: dict, signed: dict) -> str:
        """Count the year once more, straight from the data set and without pandas, and compare."""
        found = compared(choice, parts, total, signed, f"{choice['folder']}/flights.csv.zip")
        print(found)
        return found

    choice >> split >> parts
    summarise >> months
    total >> sign >> signed >> verify
    verify >> check(choice, parts, total, signed)


flights_without_mounts()
