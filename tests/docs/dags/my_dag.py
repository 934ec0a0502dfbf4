from airflow.sdk import DAG, task

with DAG("my_dag", schedule="@daily", catchup=False):

    @task
    def my_task(logical_date=None):
        print("hello from", logical_date)
        return 42

    my_task()
