"""XComs in every form of pull; parts of dicts; what mapped tasks gather; unmappable values."""

from __future__ import annotations

import datetime
from typing import Any, Dict

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, XComArg, get_current_context, task, task_group


def shape(value):
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    if isinstance(value, dict):
        return {str(key): shape(item) for key, item in value.items()}
    return [type(value).__name__.replace("LazyXComSequence", "lazy"), [shape(one) for one in value]]


with DAG("xcoms", schedule=None, start_date=datetime.datetime(2026, 1, 1)) as dag:

    @task
    def pushes(ti=None):
        ti.xcom_push("a", 1)
        ti.xcom_push(key="b", value={"c": (1, 2)})
        ti.xcom_push("none", None)
        return "returned"

    @task
    def again(ti=None):
        return [ti.xcom_pull(task_ids="pushes"), ti.xcom_pull("pushes", key="a")]

    @task
    def nothing():
        return None

    @task
    def three():
        return [7, 8, 9]

    @task
    def double(n):
        return None if n == 2 else n * 2

    @task
    def pulls(ti=None):
        return {
            "one": shape(ti.xcom_pull(task_ids="pushes")),
            "key": shape(ti.xcom_pull(task_ids="pushes", key="b")),
            "list": shape(ti.xcom_pull(task_ids=["pushes", "again"])),
            "list of one": shape(ti.xcom_pull(task_ids=["pushes"])),
            "absent": shape(ti.xcom_pull(task_ids="nobody")),
            "absent key": shape(ti.xcom_pull(task_ids="pushes", key="z")),
            "absent in list": shape(ti.xcom_pull(task_ids=["pushes", "nobody"])),
            "none": shape(ti.xcom_pull(task_ids="pushes", key="none")),
            "mapped": shape(ti.xcom_pull(task_ids="double")),
            "mapped index": shape(ti.xcom_pull(task_ids="double", map_indexes=0)),
            "mapped indexes": shape(ti.xcom_pull(task_ids="double", map_indexes=[2, 0])),
            "mapped index of nothing": shape(ti.xcom_pull(task_ids="double", map_indexes=1)),
            "mapped list": shape(ti.xcom_pull(task_ids=["pushes", "double"])),
            "index of unmapped": shape(ti.xcom_pull(task_ids="pushes", map_indexes=0)),
            "other dag": shape(ti.xcom_pull(task_ids="pushes", dag_id="nobody")),
            "prior": shape(ti.xcom_pull(task_ids="pushes", include_prior_dates=True)),
            "own": shape(ti.xcom_pull(key="nothing of mine")),
        }

    @task
    def all_of(values):
        return [len(values), values[0], values[-1], values[1:], list(reversed(values)), 4 in values, bool(values)]

    @task
    def plain(value):
        return [type(value).__name__, shape(value)]

    @task
    def typed() -> dict[str, int]:
        return {"x": 1, "y": 2}

    @task
    def old_typed() -> Dict[str, int]:
        return {"x": 1}

    @task
    def text_typed() -> "dict":
        return {"x": 1}

    @task(multiple_outputs=True)
    def not_a_dict():
        return [1]

    @task(multiple_outputs=True)
    def bad_keys():
        return {1: 2}

    @task(multiple_outputs=False)
    def whole() -> dict:
        return {"x": 1}

    @task
    def takes(x, y=None):
        return [x, y]

    @task
    def kinds():
        return [
            pendulum.datetime(2026, 1, 2, tz="Europe/Paris"), datetime.timedelta(hours=1), {1, 2}, (1, "a"),
            datetime.date(2026, 1, 2),
        ]

    @task
    def read(values):
        return [f"{type(one).__module__.split('.')[0]}.{type(one).__name__}" for one in values]

    @task
    def no_value():
        return object()

    @task
    def context_of():
        context = get_current_context()
        return sorted(key for key in ("ds", "ts", "run_id", "logical_date", "params", "ti") if key in context)

    @task
    async def later(n):
        return n + 1

    @task_group
    def steps(n):
        @task
        def first(n):
            return n + 1

        @task
        def second(n, ti=None):
            return [n, ti.xcom_pull(task_ids="steps.first", map_indexes=ti.map_index)]

        return second(first(n))

    pushed = pushes()
    doubled = double.expand(n=[1, 2, 3])
    [pushed >> again(), nothing(), doubled] >> pulls()
    all_of(double.override(task_id="all_double").expand(n=[1, 3, 5]))
    plain.override(task_id="list_of_lazy")(steps.expand(n=[10, 20]))
    parts = typed()
    takes(parts["x"], parts["y"])
    takes.override(task_id="of_old")(old_typed()["x"])
    takes.override(task_id="of_text")(text_typed()["x"])
    takes.override(task_id="of_whole")(whole())
    not_a_dict(), bad_keys(), no_value(), context_of(), later(1)
    read(kinds())

    mapped = double.override(task_id="numbers").expand(n=[1, 3])
    plain.override(task_id="of_map").expand(value=mapped.map(lambda n: n + 1))
    plain.override(task_id="of_zip").expand(value=mapped.zip(three(), fillvalue=0))
    plain.override(task_id="of_concat").expand(value=mapped.concat(three()))
    takes.override(task_id="product").expand(x=[1, 2], y=["a", "b"])
    takes.partial(x=5).override(task_id="by_kwargs").expand_kwargs([{"y": 1}, {"y": 2}])
    plain.override(task_id="over_dict").expand(value={"a": 1, "b": 2})
    double.override(task_id="over_none").expand(n=nothing.override(task_id="no_list")())
    double.override(task_id="over_text").expand(n=pushes.override(task_id="text")())

    classic = PythonOperator(task_id="classic", python_callable=lambda: {"k": [1, {"d": 2}]})
    BashOperator(task_id="templated", bash_command="echo {{ ti.xcom_pull('classic')['k'][1]['d'] }}").set_upstream(classic)
    takes.override(task_id="of_output")(classic.output, XComArg(classic, key="absent"))
    PythonOperator(task_id="in_dict", python_callable=lambda x: x, op_kwargs={"x": {"v": classic.output["k"]}})
