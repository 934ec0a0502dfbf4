"""Wide: 40 tasks, in by one, out by one."""
from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator

dag = DAG("fan_in_out", start_date=datetime(2023, 1, 1), schedule_interval="@hourly", catchup=False, max_active_tasks=8)
start = EmptyOperator(task_id="start", dag=dag)
end = EmptyOperator(task_id="end", dag=dag)
for number in range(40):
    start >> BashOperator(task_id=f"work_{number:02d}", bash_command=f"echo {number}", dag=dag) >> end
