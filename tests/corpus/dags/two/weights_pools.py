"""Priorities, weight rules, pools."""
from datetime import datetime

from airflow import DAG
from airflow.operators.empty import EmptyOperator
from airflow.utils.weight_rule import WeightRule

with DAG(
    "weights_pools",
    start_date=datetime(2023, 1, 1),
    schedule_interval=None,
    default_args={"pool": "shared", "weight_rule": WeightRule.UPSTREAM},
) as dag:
    a = EmptyOperator(task_id="a", priority_weight=10)
    b = EmptyOperator(task_id="b", weight_rule="absolute", pool=None)
    c = EmptyOperator(task_id="c", weight_rule=WeightRule.DOWNSTREAM, pool_slots=3)
    a >> b >> c
