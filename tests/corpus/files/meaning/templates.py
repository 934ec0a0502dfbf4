"""What templates and functions see: keys, macros, filters, params, files, native rendering."""

from __future__ import annotations

import datetime
import json
import os

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, BaseOperator, Param, Variable, get_current_context, task
from airflow.sdk.exceptions import AirflowRuntimeError

os.environ["AIRFLOW_VAR_WORD"] = "hello"
os.environ["AIRFLOW_VAR_DATA"] = '{"a": {"b": [1, 2]}}'
os.environ["AIRFLOW_CONN_SOME"] = "postgres://user:p%40ss@host.example:5432/db?sslmode=require"
os.environ["AIRFLOW_CONN_AS_JSON"] = '{"conn_type": "http", "host": "h", "extra": {"k": "v"}}'

FOLDER = os.path.dirname(__file__)
EXPRESSIONS = [
    "ds|length", "ds_nodash|length", "ts_nodash|length", "ts_nodash_with_tz|length", "run_id[:8]", "dag.dag_id",
    "task.task_id", "ti.task_id", "task_instance.try_number", "test_mode", "params.n", "params['text']",
    "dag_run.run_type", "dag_run.conf", "dag_run.external_trigger is defined", "var.value.WORD", "var.json.DATA.a.b[1]",
    "var.value.get('ABSENT', 'fallback')", "var.json.get('ABSENT', {'x': 1})", "conn.some.host", "conn.some.password",
    "conn.some.port + 1", "conn.some.extra_dejson.sslmode", "conn.as_json.extra_dejson['k']",
    "conn.get('absent', 'none').lower()", "macros.ds_add('2026-01-31', 1)", "macros.ds_add('2026-03-01', -1)",
    "macros.ds_format('2026-01-02', '%Y-%m-%d', '%d.%m.%y')", "macros.datetime(2026, 1, 2).year",
    "macros.timedelta(days=1).total_seconds()", "macros.dateutil.parser.parse('2026-01-02').day",
    "macros.json.dumps({'a': 1})", "macros.uuid.UUID(int=1)", "macros.time.gmtime(0).tm_year",
    "macros.datetime_diff_for_humans(macros.datetime(2026, 1, 1), macros.datetime(2026, 1, 3))",
    "logical_date | ds | length", "logical_date | ts_nodash | length", "data_interval_end >= data_interval_start",
    "data_interval_start.timezone_name", "logical_date.in_timezone('Europe/Paris').timezone_name",
    "prev_data_interval_start_success", "prev_start_date_success", "inlets", "outlets", "expanded_ti_count is defined",
    "task_instance_key_str.startswith('templates__')", "own_macro(2)", "own_value", "3 | doubled", "'a' ~ 1 + 1",
    "execution_date is defined", "next_ds is defined", "conf is defined", "triggering_asset_events | length", "ts[10]",
    "ti.xcom_pull('absent')", "{'a': [1, 2]}['a'] | join('-')", "dag.tags | sort", "task.owner", "task.retries",
]  # fmt: skip
# Keys of Airflow 2 are Airflow 3's errors: one task each.
WRONG = ["{{ execution_date }}", "{{ nobody }}", "{{ var.value.ABSENT }}", "{{ 1 / 0 }}", "{{ params.absent }}", "{% if %}"]

with DAG(
    "templates",
    schedule=None,
    start_date=datetime.datetime(2026, 1, 1),
    params={"n": 3, "text": Param("x", type="string", minLength=1), "list": [1, 2]},
    user_defined_macros={"own_macro": lambda n: n + 1, "own_value": "mine"},
    user_defined_filters={"doubled": lambda n: n * 2},
    tags={"b", "a"},
    default_args={"owner": "me", "retries": 0},
) as dag:
    PythonOperator(
        task_id="rendered", python_callable=lambda **kwargs: kwargs["templates_dict"],
        templates_dict={expression: "{{ %s }}" % expression for expression in EXPRESSIONS},
    )
    for number, wrong in enumerate(WRONG):
        PythonOperator(task_id=f"wrong_{number}", python_callable=print, op_args=[wrong])

    class Box:
        template_fields = ("inside",)

        def __init__(self, inside):
            self.inside = inside

    class Fields(BaseOperator):
        template_fields = ("text", "nested", "box")
        template_ext = (".tmpl",)

        def __init__(self, text, nested, box, **kwargs):
            super().__init__(**kwargs)
            self.text, self.nested, self.box = text, nested, box

        def execute(self, context):
            return [self.text, self.nested, self.box.inside, context["task"] is self]

    Fields(
        task_id="nested", text="{{ params.n }}", box=Box("{{ 1 + 1 }}"), params={"n": 5},
        nested={"k": ["{{ params.n }}", ("{{ 'a' }}", 1)], "{{ key }}": {"x": None, "y": "no template"}},
    )

    @task(templates_dict={"q": "{{ params.n + 1 }}"})
    def with_dict(templates_dict=None, params=None):
        return [templates_dict, params["n"], params["list"]]

    @task
    def keys(**context):
        ours = {"expanded_ti_count", "test_mode", "try_number"}  # Airflow 2 has them always
        return sorted(key for key in context if key not in ours)

    @task
    def named(ds, ti, params, dag_run=None, logical_date=None, run_id=None):
        return [
            len(ds), ti.task_id, dict(params), dag_run.run_id == run_id, isinstance(logical_date, pendulum.DateTime),
            get_current_context()["ti"] is ti,
        ]

    @task
    def variables():
        found = [Variable.get("word"), Variable.get("data", deserialize_json=True), Variable.get("absent", default=None)]
        try:
            Variable.get("absent")
        except AirflowRuntimeError:
            found.append("no such Variable")
        return found

    with_dict(), keys(), named(), variables()
    BashOperator(task_id="json", bash_command="echo '{{ params.list | tojson }}'")

with DAG(
    "native_templates", schedule=None, start_date=datetime.datetime(2026, 1, 1), render_template_as_native_obj=True,
    params={"n": 3, "list": [1, {"a": 2}]},
) as native:
    PythonOperator(
        task_id="native", python_callable=lambda *values: [[type(one).__name__, repr(one)] for one in values],
        op_args=[
            "{{ params.n }}", "{{ params.list }}", "x{{ params.n }}", "{{ 1 + 1 }}", "{{ '01' }}", "{{ none }}", "[1, 2]",
            "{{ params.list[1] }}", "{{ ds[:0] }}", "{{ 'true' }}", "{{ 'True' }}", '{"a": {{ params.n }}}', "007", " 1",
        ],
    )

assert json
