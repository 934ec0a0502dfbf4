"""dag= everywhere, tasks in a dict, edges in a loop."""
from datetime import datetime

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.python import PythonOperator
from airflow.utils.trigger_rule import TriggerRule

dag = DAG(
    dag_id="dag_without_with",
    default_args={"owner": "me", "start_date": datetime(2020, 1, 1), "catchup": False, "schedule_interval": "@daily"},
    schedule_interval="5 4 * * sun",
    catchup=False,
)
STEPS = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}
tasks = {name: BashOperator(task_id=name, bash_command=f"echo {name}", dag=dag) for name in STEPS}
for name, above in STEPS.items():
    for one in above:
        tasks[name].set_upstream(tasks[one])
tasks["d"] >> PythonOperator(task_id="tell", python_callable=print, trigger_rule=TriggerRule.ONE_FAILED, dag=dag)
