"""SQL files as templates, parameters in a dict; the operator is a stand-in of the team's own."""
from datetime import datetime

from airflow import DAG
from airflow.models import BaseOperator


class Sql(BaseOperator):
    template_fields = ("sql", "parameters")
    template_ext = (".sql",)
    template_fields_renderers = {"sql": "sql"}

    def __init__(self, *, sql, parameters=None, **kwargs):
        super().__init__(**kwargs)
        self.sql = sql
        self.parameters = parameters

    def execute(self, context):
        print(self.sql)


with DAG("sqls", start_date=datetime(2023, 1, 1), schedule_interval="@daily", catchup=False, template_searchpath="/sql") as dag:
    Sql(task_id="inline", sql="select '{{ ds }}'", parameters={"day": "{{ ds }}"})
    Sql(task_id="several", sql=["select 1", "select {{ params.n }}"], params={"n": 2})
