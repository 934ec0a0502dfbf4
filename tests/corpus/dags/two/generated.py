"""DAGs by a factory from a table of settings, as many teams have them."""
import json
from datetime import datetime, timedelta

from airflow import DAG
from airflow.operators.bash import BashOperator
from airflow.operators.empty import EmptyOperator
from airflow.utils.task_group import TaskGroup

CONFIG = json.loads("""
{"sales": {"cron": "0 3 * * *", "tables": ["orders", "refunds"], "retries": 2},
 "web": {"cron": "*/15 * * * *", "tables": ["visits"], "retries": 0}}
""")


def build(name, config):
    dag = DAG(
        dag_id=f"generated_{name}",
        schedule_interval=config["cron"],
        start_date=datetime(2024, 1, 1),
        catchup=False,
        default_args={"owner": name, "retries": config["retries"], "retry_delay": timedelta(minutes=1)},
    )
    with dag:
        end = EmptyOperator(task_id="end")
        with TaskGroup("tables") as tables:
            for table in config["tables"]:
                BashOperator(task_id=table, bash_command=f"echo {table} {{{{ ds }}}}")
        tables >> end
    return dag


for name, config in CONFIG.items():
    globals()[f"dag_{name}"] = build(name, config)
