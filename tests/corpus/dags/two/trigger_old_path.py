"""The same by the path of 1.10."""
from datetime import datetime

from airflow import DAG
from airflow.operators.dagrun_operator import TriggerDagRunOperator

dag = DAG("trigger_old_path", start_date=datetime(2023, 1, 1), schedule_interval=None)
TriggerDagRunOperator(task_id="fire", trigger_dag_id="target", dag=dag)
