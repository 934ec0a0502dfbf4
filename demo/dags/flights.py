"""A year of departures from New York: split by a program of one image, summed up month by month by a program of another, and checked.

A DAG file as one writes it for Apache Airflow 3 with its Kubernetes provider, nothing in it knows where it runs. The two images hold
different major versions of pandas: the one that splits still says "M" for a month's end, which pandas 3 refuses; the one that sums up
uses expressions with `pd.col`, which pandas 2 has not.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import dag, get_current_context, task
from departures import compared, year_of
from kubernetes.client import models as k8s

CLASSIC = "registry.example.com/demo/etl-classic:2.3"
MODERN = "registry.example.com/demo/etl-modern:3.1"

# The folder on the node that the pods share, as a team would mount its NFS export.
SHARED = os.environ.get("FLIGHTS_DIR", "/tmp/tradewind-demo-flights")

shared = k8s.V1Volume(name="shared", host_path=k8s.V1HostPathVolumeSource(path=SHARED, type="DirectoryOrCreate"))
mount = k8s.V1VolumeMount(name="shared", mount_path="/shared")

signing_key = Secret(deploy_type="env", deploy_target="SIGNING_KEY", secret="flights-signing", key="key")
signing_key_file = Secret(deploy_type="volume", deploy_target="/etc/flights-signing", secret="flights-signing", key="key")


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1),
    catchup=False,
    tags=["demo"],
    default_args={"retries": 0, "retry_delay": timedelta(seconds=1)},
)
def flights():
    @task
    def choose() -> dict:
        """Say what the run is about; a trigger may pass other months or another lateness."""
        conf = get_current_context()["dag_run"].conf or {}
        return {"months": conf.get("months", list(range(1, 13))), "late_minutes": conf.get("late_minutes", 15)}

    split = KubernetesPodOperator(
        task_id="split",
        name="flights-split",
        image=CLASSIC,
        cmds=["split-flights"],
        arguments=["--months", "{{ ti.xcom_pull(task_ids='choose')['months'] | join(',') }}", "--into", "/shared"],
        volumes=[shared],
        volume_mounts=[mount],
        do_xcom_push=True,
    )

    @task
    def plan(choice: dict, parts: dict) -> list[list[str]]:
        """Turn what was split into the arguments of one pod per month."""
        print(f"{parts['rows']} departures in {len(parts['files'])} files, split by pandas {parts['pandas']}")
        return [["--late-minutes", str(choice["late_minutes"]), "--file", f"/shared/{name}"] for name in parts["files"]]

    choice = choose()
    plan_of_months = plan(choice, split.output)

    summarise = KubernetesPodOperator.partial(
        task_id="summarise",
        name="flights-summarise",
        image=MODERN,
        cmds=["summarise-flights"],
        volumes=[shared],
        volume_mounts=[mount],
        do_xcom_push=True,
    ).expand(arguments=plan_of_months)

    @task
    def add_up(months: list[dict]) -> dict:
        """Add the months to a year."""
        return year_of(list(months))

    total = add_up(summarise.output)

    sign = KubernetesPodOperator(
        task_id="sign",
        name="flights-sign",
        image=MODERN,
        cmds=["sign-report"],
        env_vars={"REPORT": "{{ ti.xcom_pull(task_ids='add_up') | tojson }}", "TRY_NUMBER": "{{ ti.try_number }}"},
        secrets=[signing_key],
        do_xcom_push=True,
        retries=1,
    )

    verify = KubernetesPodOperator(
        task_id="verify",
        name="flights-verify",
        image=CLASSIC,
        cmds=["verify-report"],
        env_vars={
            "REPORT": "{{ ti.xcom_pull(task_ids='add_up') | tojson }}",
            "SIGNATURE": "{{ ti.xcom_pull(task_ids='sign')['signature'] }}",
        },
        secrets=[signing_key_file],
    )

    @task
    def check(choice: dict, parts: dict, total: dict, signed: dict) -> str:
        """Count the year once more, straight from the data set and without pandas, and compare."""
        found = compared(choice, parts, total, signed, f"{SHARED}/flights.csv.zip")
        print(found)
        return found

    choice >> split
    total >> sign >> verify
    verify >> check(choice, split.output, total, sign.output)


flights()
