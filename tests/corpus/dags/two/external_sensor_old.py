"""The same by the path of 1.10."""
from datetime import datetime

from airflow import DAG
from airflow.sensors.external_task_sensor import ExternalTaskSensor

dag = DAG("external_sensor_old", start_date=datetime(2023, 1, 1), schedule_interval="@daily", catchup=False)
ExternalTaskSensor(
    task_id="wait",
    external_dag_id="upstream",
    external_task_id="done",
    execution_date_fn=lambda dt: dt,
    soft_fail=True,
    dag=dag,
)
