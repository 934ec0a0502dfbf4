"""Hooks and operators of real provider packages: in Python tasks, as sensors, at the top of the file only imported."""

from __future__ import annotations

from datetime import datetime

from airflow.hooks.base import BaseHook
from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.providers.amazon.aws.operators.redshift_data import RedshiftDataOperator
from airflow.providers.amazon.aws.operators.s3 import S3CreateObjectOperator
from airflow.providers.amazon.aws.sensors.s3 import S3KeySensor
from airflow.providers.common.sql.operators.sql import SQLExecuteQueryOperator
from airflow.providers.http.hooks.http import HttpHook
from airflow.providers.http.operators.http import HttpOperator
from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import DAG, ObjectStoragePath, task

base = ObjectStoragePath("s3://aws@landing/day")

with DAG("hooks", schedule=None, start_date=datetime(2026, 1, 1)):

    @task
    def fill():
        hook = PostgresHook(postgres_conn_id="pg")
        hook.run("create table sold (day date, amount int)")
        hook.insert_rows("sold", [("2026-01-01", 3), ("2026-01-02", 4)], target_fields=["day", "amount"])
        return hook.get_first("select sum(amount) from sold")[0]

    @task
    def by_type():
        hook = BaseHook.get_hook("pg")
        return [type(hook).__name__, hook.get_records("select amount from sold order by day")]

    asked = SQLExecuteQueryOperator(
        task_id="asked", conn_id="pg", sql="select amount from sold where day = '{{ ds }}'", show_return_value_in_logs=True
    )

    @task.sql(conn_id="pg")
    def composed(ds=None):
        return f"select amount + 10 from sold where day = '{ds}'"

    @task
    def land():
        hook = S3Hook(aws_conn_id="aws")
        hook.create_bucket(bucket_name="landing")
        hook.load_string("1,2\n", key="day/a.csv", bucket_name="landing")
        return hook.list_keys("landing")

    written = S3CreateObjectOperator(
        task_id="written", aws_conn_id="aws", s3_bucket="landing", s3_key="day/{{ ds }}.csv", data="of {{ ds }}"
    )
    there = S3KeySensor(
        task_id="there", aws_conn_id="aws", bucket_name="landing", bucket_key="day/{{ ds }}.csv", poke_interval=0.1, timeout=20
    )

    @task
    def through_paths():
        (base / "c.csv").write_text("c")
        found = {one.name: one.read_text() for one in base.iterdir()}
        copied = base / "d.csv"
        (base / "c.csv").copy(copied)
        return [found, copied.stat().st_size, copied]

    @task
    def path_of_a_task(values):
        return values[2].read_text(), S3Hook(aws_conn_id="aws").read_key("day/d.csv", "landing")

    @task
    def fetch():
        answer = HttpHook(method="GET", http_conn_id="web").run("rates", data={"day": "x"})
        return answer.json()

    posted = HttpOperator(
        task_id="posted", http_conn_id="web", endpoint="rates", method="POST", data='{"day": "{{ ds }}"}',
        headers={"X-Run": "{{ run_id }}"}, response_filter=lambda response: response.json()["got"],
    )

    # One that waits for a job of another system: made, and never run here.
    unloaded = RedshiftDataOperator(
        task_id="unloaded", database="d", cluster_identifier="c", sql="unload", aws_conn_id="aws", trigger_rule="all_failed"
    )

    fill() >> [by_type(), asked, composed()]
    landed = land() >> written >> there
    paths = through_paths()
    there >> paths
    path_of_a_task(paths)
    fetch() >> posted >> unloaded
