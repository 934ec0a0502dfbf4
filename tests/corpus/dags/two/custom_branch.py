"""A branch of the team's own."""
from datetime import datetime

from airflow import DAG
from airflow.operators.branch_operator import BaseBranchOperator
from airflow.operators.empty import EmptyOperator


class ByConf(BaseBranchOperator):
    def choose_branch(self, context):
        return context["dag_run"].conf.get("side", "left")


with DAG("custom_branch", start_date=datetime(2023, 1, 1), schedule_interval=None) as dag:
    ByConf(task_id="choose") >> [EmptyOperator(task_id="left"), EmptyOperator(task_id="right")]
