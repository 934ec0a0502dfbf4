"""A pod by the path of 1.10."""
from datetime import datetime, timedelta

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.utils.helpers import chain

default_args = {"owner": "science", "retries": 2, "retry_delay": timedelta(minutes=5)}

with DAG("pod_contrib", default_args=default_args, start_date=datetime(2022, 9, 1), schedule_interval="0 1 * * 1") as dag:
    steps = [
        KubernetesPodOperator(
            task_id=name,
            name=f"job-{name}",
            namespace="science",
            image="registry.example.com/science:1.2",
            cmds=["python", "-m", "science"],
            arguments=[name, "--day", "{{ ds }}"],
            env_vars={"STAGE": "prod"},
            labels={"app": "science"},
            is_delete_operator_pod=True,
            get_logs=True,
            in_cluster=True,
            startup_timeout_seconds=600,
        )
        for name in ("fetch", "clean", "train")
    ]
    chain(*steps)
