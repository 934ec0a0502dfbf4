"""Templates: files, native, filters, nested fields."""
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, literal

with DAG(
    "sdk_templates",
    template_searchpath=["/a", "/b"],
    user_defined_macros={"one": 1},
    user_defined_filters={"twice": lambda v: v * 2},
    jinja_environment_kwargs={"trim_blocks": True},
):
    BashOperator(task_id="file", bash_command="run.sh")
    BashOperator(task_id="verbatim", bash_command=literal("echo {{ not }}"))
    PythonOperator(
        task_id="nested", python_callable=print, op_kwargs={"a": ["{{ one }}", {"b": "{{ 'x' | twice }}"}]}, templates_exts=[".sql"]
    )
