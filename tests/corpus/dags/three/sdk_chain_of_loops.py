"""A long chain and a wide middle."""
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, chain

with DAG("sdk_chain_of_loops", max_active_tasks=3):
    line = [PythonOperator(task_id=f"line_{n:02d}", python_callable=int) for n in range(15)]
    wide = [PythonOperator(task_id=f"wide_{n:02d}", python_callable=int) for n in range(20)]
    chain(*line, wide, PythonOperator(task_id="last", python_callable=int, trigger_rule="none_failed"))
