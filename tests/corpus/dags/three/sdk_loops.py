"""Many DAGs of one file, by a function and by a dict."""
from airflow.sdk import DAG, dag, task


def make(n):
    @dag(dag_id=f"sdk_loops_{n}", schedule="@daily" if n % 2 else None)
    def inner():
        @task
        def only():
            return n

        only()

    return inner()


for n in range(5):
    globals()[f"d{n}"] = make(n)

with DAG("sdk_loops_last"):


    @task
    def last():
        return "x"

    last()
