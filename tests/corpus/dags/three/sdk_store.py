"""Paths in object stores, as fields of the file."""
from airflow.sdk import DAG, ObjectStoragePath, task

base = ObjectStoragePath("file:///tmp/store")

with DAG("sdk_store"):

    @task
    def write():
        path = base / "x.txt"
        path.write_text("x")
        return path

    @task
    def read(path):
        return path.read_text()

    read(write())
