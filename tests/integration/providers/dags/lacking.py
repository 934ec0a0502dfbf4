"""What an installed provider needs of Airflow and is not here, and a provider that is not installed."""

from airflow.providers.google.cloud.hooks.gcs import GCSHook
from airflow.sdk import DAG, task

with DAG("lacking"):

    @task
    def uses():
        GCSHook()
