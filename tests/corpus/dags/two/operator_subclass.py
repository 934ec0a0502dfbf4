"""An operator of the team's own, with apply_defaults and template fields."""
from datetime import datetime

from airflow import DAG
from airflow.models.baseoperator import BaseOperator
from airflow.utils.decorators import apply_defaults


class CopyTable(BaseOperator):
    template_fields = ("table", "target")
    template_ext = (".sql",)
    ui_color = "#e4f0e8"

    @apply_defaults
    def __init__(self, table, target="lake", *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.table = table
        self.target = target

    def execute(self, context):
        self.log.info("%s to %s", self.table, self.target)
        return self.target


default_args = {"owner": "own", "target": "warehouse", "start_date": datetime(2023, 1, 1)}

with DAG("operator_subclass", default_args=default_args, schedule_interval="@daily", catchup=False) as dag:
    CopyTable(task_id="copy", table="orders_{{ ds_nodash }}") >> CopyTable(task_id="again", table="x", target="y")
    CopyTable.partial(task_id="many").expand(table=["a", "b"])
