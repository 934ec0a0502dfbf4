"""Paths in stores as values, template fields, elements of mapped tasks, and what is in them."""

from __future__ import annotations

import tempfile
from datetime import datetime

from airflow.sdk import DAG, BaseOperator, ObjectStoragePath, task

base = ObjectStoragePath(f"file://{tempfile.gettempdir()}/store")


def shown(path):
    return [type(path).__name__, str(path).replace(tempfile.gettempdir(), "TMP"), path.conn_id]


class Shows(BaseOperator):
    template_fields = ("source", "many")
    template_ext = (".sql",)

    def __init__(self, source, many=(), **kwargs):
        super().__init__(**kwargs)
        self.source = source
        self.many = many

    def execute(self, context):
        return [shown(self.source), [shown(one) for one in self.many]]


with DAG("storage", schedule=None, start_date=datetime(2026, 1, 1)):

    @task
    def write(ds=None):
        base.mkdir(parents=True, exist_ok=True)
        path = base / ds / "x.txt"
        path.parent.mkdir(exist_ok=True)
        with path.open("w") as file:
            file.write("what it holds")
        return path

    @task
    def read(path):
        copied = path.parent / "y.txt"
        path.copy(copied)
        return [shown(path), path.read_text(), path.size(), sorted(one.name for one in path.parent.iterdir())]

    @task
    def many():
        return [base / "a", ObjectStoragePath("file://conn@/b")]

    @task
    def each(path):
        return shown(path)

    Shows(task_id="templated", source=base / "{{ ds }}" / "q.sql", many=[base / "a{{ 1 + 1 }}", base])
    Shows(task_id="plain", source=base)
    Shows(task_id="from_a_task", source=write())
    read(write.override(task_id="first")())
    each.expand(path=many())
    Shows.partial(task_id="mapped").expand(source=[base / "{{ ds }}", base / "c"])
