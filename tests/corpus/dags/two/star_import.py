"""Star imports and helpers of the module itself."""
from datetime import datetime, timedelta

from airflow.decorators import *
from airflow.models import *
from airflow.operators.python import *

log = __import__("logging").getLogger(__name__)


def hello():
    log.info("hello")


with DAG("star_import", start_date=datetime(2023, 1, 1), schedule_interval=timedelta(days=2)) as dag:
    PythonOperator(task_id="hello", python_callable=hello)
