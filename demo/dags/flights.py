"""A year of departures from New York: split by a program of one image, summed up month by month by a program of another, and checked.

A DAG file as one writes it for Apache Airflow 3 with its Kubernetes provider, nothing in it knows where it runs. The two images hold
different major versions of pandas: the one that splits still says "M" for a month's end, which pandas 3 refuses; the one that sums up
uses expressions with `pd.col`, which pandas 2 has not.
"""

from __future__ import annotations

import csv
import io
import os
import zipfile
from datetime import datetime, timedelta

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import dag, get_current_context, task
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
        months = list(months)
        return {
            "months": len(months),
            "flights": sum(month["flights"] for month in months),
            "late": sum(month["late"] for month in months),
            "delay_minutes": sum(month["delay_minutes"] for month in months),
            "pandas": sorted({month["pandas"] for month in months}),
        }

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
        flights = late = minutes = 0
        with zipfile.ZipFile(f"{SHARED}/flights.csv.zip") as archive, archive.open("flights.csv") as raw:
            for row in csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8")):
                if int(row["month"]) not in choice["months"]:
                    continue
                flights += 1
                if row["dep_delay"] not in ("", "NA"):
                    delay = int(float(row["dep_delay"]))
                    late += delay > choice["late_minutes"]
                    minutes += delay
        direct = {"flights": flights, "late": late, "delay_minutes": minutes}
        from_pods = {name: total[name] for name in direct}
        assert from_pods == direct, f"the pods say {from_pods}, the data set says {direct}"
        assert parts["pandas"].startswith("2.") and all(version.startswith("3.") for version in total["pandas"])
        assert signed["try_number"] == 2, f"signed at try {signed['try_number']}, the first one should have failed"
        found = (
            f"{flights:,} departures, {late:,} of them more than {choice['late_minutes']} minutes late, "
            f"{minutes:,} minutes of delay: split by pandas {parts['pandas']}, summed up by pandas {', '.join(total['pandas'])}"
        )
        print(found)
        return found

    choice >> split
    total >> sign >> verify
    verify >> check(choice, split.output, total, sign.output)


flights()
