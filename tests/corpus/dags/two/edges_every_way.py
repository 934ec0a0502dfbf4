"""Edges, every way they can be written."""
from datetime import datetime

from airflow import DAG
from airflow.models.baseoperator import chain, chain_linear, cross_downstream
from airflow.operators.empty import EmptyOperator

with DAG("edges_every_way", start_date=datetime(2023, 1, 1), schedule=None) as dag:
    t = [EmptyOperator(task_id=f"t{n}") for n in range(14)]
    t[0].set_downstream(t[1])
    t[2].set_upstream([t[1], t[0]])
    t[2] >> [t[3], t[4]] >> t[5]
    t[6] << t[5]
    [t[7], t[8]] << t[6]
    cross_downstream([t[7], t[8]], [t[9], t[10]])
    chain([t[9], t[10]], [t[11], t[12]])
    chain_linear([t[11], t[12]], t[13])
