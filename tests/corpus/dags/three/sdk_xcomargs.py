"""References to values, in every place."""
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, XComArg, task

with DAG("sdk_xcomargs"):
    made = PythonOperator(task_id="made", python_callable=dict, multiple_outputs=True)

    @task
    def use(*args, **kwargs):
        return args

    use([made.output, {"k": made.output["a"]}])
    use.override(task_id="by_class")(XComArg(made, key="other"))
    BashOperator(task_id="env", bash_command="env", env={"A": made.output})
    made.output >> use.override(task_id="after")()
