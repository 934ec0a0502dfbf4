from datetime import datetime

from airflow.sdk import DAG, task

with DAG("etl", schedule="@daily", start_date=datetime(2026, 1, 1), catchup=False):

    @task
    def extract():
        return ["a.csv", "b.csv", "c.csv"]

    @task
    def transform(name):
        print("transforming", name)
        return len(name)

    @task
    def load(sizes):
        print("loaded", sum(sizes), "rows")

    load(transform.expand(name=extract()))
