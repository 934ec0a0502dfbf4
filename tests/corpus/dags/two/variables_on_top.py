"""Variables, connections and options at the top of a file, with what stands in for them."""
import os
from datetime import datetime

from airflow import DAG
from airflow.configuration import conf
from airflow.models import Variable
from airflow.operators.bash import BashOperator

SETTINGS = Variable.get("settings_of_nothing", default_var={"schedule": "0 4 * * *", "targets": ["a", "b"]}, deserialize_json=True)
PARALLELISM = conf.getint("core", "parallelism", fallback=32)
STAGE = os.environ.get("STAGE_OF_NOTHING", "dev")

with DAG(f"variables_on_top_{STAGE}", schedule_interval=SETTINGS["schedule"], start_date=datetime(2023, 1, 1)) as dag:
    for target in SETTINGS["targets"]:
        BashOperator(task_id=f"to_{target}", bash_command="echo {{ var.value.get('x', 'none') }}", pool_slots=1)
