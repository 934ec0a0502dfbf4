"""Assets: conditions, aliases, with time."""
from datetime import datetime

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG, Asset, AssetAlias, AssetAll, AssetAny, AssetOrTimeSchedule, CronTriggerTimetable

a, b = Asset("s3://bucket/a"), Asset(name="b", uri="s3://bucket/b", group="files", extra={"x": 1})

with DAG("sdk_assets_write", schedule=None, start_date=datetime(2025, 1, 1)):
    BashOperator(task_id="write", bash_command="true", outlets=[a, b], inlets=[Asset("in")])
with DAG("sdk_assets_all", schedule=[a, b], start_date=datetime(2025, 1, 1)):
    BashOperator(task_id="read", bash_command="true")
with DAG("sdk_assets_nested", schedule=AssetAny(a, AssetAll(b, Asset("c"))), start_date=datetime(2025, 1, 1)):
    BashOperator(task_id="read", bash_command="true")
with DAG("sdk_assets_alias", schedule=(AssetAlias("al") | a), start_date=datetime(2025, 1, 1)):
    BashOperator(task_id="read", bash_command="true")
with DAG(
    "sdk_assets_or_time",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("0 0 * * *", timezone="UTC"), assets=(a & b)),
    start_date=datetime(2025, 1, 1),
):
    BashOperator(task_id="read", bash_command="true")
