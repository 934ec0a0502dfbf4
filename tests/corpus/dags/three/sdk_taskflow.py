"""TaskFlow of the SDK."""
from datetime import datetime

from airflow.sdk import dag, task


@dag(schedule="0 12 * * mon-fri", start_date=datetime(2025, 1, 1), catchup=True)
def sdk_taskflow():
    @task
    def extract() -> dict[str, int]:
        return {"a": 1, "b": 2}

    @task(retries=3)
    def transform(a: int, b: int):
        return a + b

    @task
    async def load(total):
        print(total)

    data = extract()
    load(transform(data["a"], data["b"]))


sdk_taskflow()
