"""Plugins and policies of a bundle: what they bring, what they change, and what happens when one fails."""

from __future__ import annotations

import json
import pathlib

import pytest

from tests.unit.worker.children import DagFile
from tradewind.model.outcome import Success

_FILE = """
from airflow.sdk import DAG
from airflow.providers.standard.operators.python import PythonOperator
from my_operators import Greet
with DAG("d", schedule=None):
    Greet(task_id="t", word="{{ macros.mine.shout('hi') }}")
    PythonOperator(task_id="u", python_callable=lambda: 1 / 0, retries=0)
"""
_PLUGIN = """
from airflow.plugins_manager import AirflowPlugin
import my_listener

def shout(word):
    return word.upper()

class Mine(AirflowPlugin):
    name = "mine"
    macros = [shout]
    listeners = [my_listener]
"""
_OPERATORS = """
from airflow.models import BaseOperator

class Greet(BaseOperator):
    template_fields = ("word",)
    def __init__(self, word, **kwargs):
        super().__init__(**kwargs)
        self.word = word
    def execute(self, context):
        from airflow.macros.mine import shout
        return self.word + shout("!a")
"""
_LISTENER = """
from airflow.listeners import hookimpl

@hookimpl
def on_task_instance_running(previous_state, task_instance):
    print("heard", previous_state, task_instance.task_id)

@hookimpl
def on_task_instance_success(previous_state, task_instance):
    print("heard success", task_instance.task_id)

@hookimpl
def on_task_instance_failed(previous_state, task_instance, error, session=None):
    print("heard", type(error).__name__)
    raise RuntimeError("a listener that fails changes nothing")
"""


def _bundle(tmp_path: pathlib.Path, source: str = _FILE, **files: str) -> DagFile:
    file = DagFile(tmp_path, source)
    for name, text in files.items():
        file.write(name.replace("__", "/") + ".py", text)
    return file


def _with_plugin(tmp_path: pathlib.Path) -> DagFile:
    return _bundle(
        tmp_path, plugins__my_plugin=_PLUGIN, plugins__my_operators=_OPERATORS, plugins__my_listener=_LISTENER
    )


def test_macros_and_operators_of_the_plugins_folder_are_there(tmp_path: pathlib.Path) -> None:
    result = _with_plugin(tmp_path).run()
    assert isinstance(result.outcome, Success)
    assert json.loads(result.xcoms[0].value) == "HI!A"


def test_listeners_hear_of_attempts_and_cannot_change_them(tmp_path: pathlib.Path) -> None:
    file = _with_plugin(tmp_path)
    file.run()
    assert [line for line in file.output.splitlines() if line.startswith("heard")] == [
        "heard queued t",
        "heard success t",
    ]
    result = file.run("u")
    assert "ZeroDivisionError" in str(result.outcome)
    assert "heard ZeroDivisionError" in file.output


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("AirflowPlugin = 1; 1 / 0", "plugin-failed", "it raised ZeroDivisionError"),
        (
            "from airflow.plugins_manager import AirflowPlugin\nclass A(AirflowPlugin):\n    pass\n",
            "plugin-without-name", "",
        ),
        (
            "from airflow.plugins_manager import AirflowPlugin\nclass Twin(AirflowPlugin):\n    name = 'mine'\n",
            "two-plugins", "its name 'mine' is that of Mine of plugins/my_plugin.py too",
        ),
    ],
)  # fmt: skip
def test_a_plugin_that_cannot_be_taken_is_a_problem_that_names_it(
    tmp_path: pathlib.Path, text: str, code: str, said: str
) -> None:
    file = _with_plugin(tmp_path)
    file.write("plugins/other.py", text)
    (problem,) = file.load().problems
    assert (problem.code, said in problem.message, "plugins/other.py" in problem.object) == (code, True, True)


_VIEWS = """
from typing import Annotated
from airflow.plugins_manager import AirflowPlugin
from airflow.security import permissions
from airflow.www.auth import has_access
from airflow.www.views import AirflowBaseView
from airflow.api_fastapi.app import get_auth_manager
from flask import Blueprint, jsonify
from flask_appbuilder import BaseView, expose
from fastapi import Depends, FastAPI
from starlette.requests import Request

class Panel(BaseView):
    default_view = "index"
    @expose("/")
    @has_access([(permissions.ACTION_CAN_READ, permissions.RESOURCE_WEBSITE)])
    def index(self, request: Annotated[Request, Depends(get_auth_manager)] = None) -> "Request | None":
        return jsonify({})

app = FastAPI(title="panel")

@app.get("/panel")
async def panel():
    return {}

blueprint = Blueprint("panel", __name__, static_folder="static")

@blueprint.route("/panel", methods=["GET"])
def route():
    return "panel"

def shout(word):
    return word.upper()

class Mine(AirflowPlugin):
    name = "mine"
    macros = [shout]
    appbuilder_views = [{"name": "Panel", "view": Panel()}]
    flask_blueprints = [blueprint]
"""


def test_a_plugin_with_views_brings_its_macros_where_no_web_framework_is_installed(tmp_path: pathlib.Path) -> None:
    file = _bundle(tmp_path, plugins__my_plugin=_VIEWS, plugins__my_operators=_OPERATORS)
    report = file.load()
    assert [one.dag_id for one in report.specs] == ["d"], report.problems
    said = "plugin file plugins/my_plugin.py: its views have no effect: there is no flask, flask_appbuilder, fastapi"
    assert any(text.startswith(said) for text in report.warnings)
    result = file.run()
    assert json.loads(result.xcoms[0].value) == "HI!A"


def test_a_dag_file_that_needs_a_web_framework_is_told_that_it_is_not_installed(tmp_path: pathlib.Path) -> None:
    file = _bundle(tmp_path, "import flask\n" + _FILE, plugins__my_plugin=_VIEWS, plugins__my_operators=_OPERATORS)
    (problem,) = file.load().problems
    assert problem.lacks == "package:flask"


_POLICIES = """
from airflow.exceptions import AirflowClusterPolicyViolation
try:
    from airflow.exceptions import AirflowClusterPolicySkipDag
except ImportError:
    AirflowClusterPolicySkipDag = None

def task_policy(task):
    task.retries = max(task.retries, 2)
    if task.task_id == "bad":
        raise AirflowClusterPolicyViolation("no task is called bad")

def dag_policy(dag):
    dag.tags.add("checked")
    if dag.dag_id == "away":
        raise AirflowClusterPolicySkipDag("not here")

def task_instance_mutation_hook(ti):
    pass
"""
_DAGS = """
from airflow.models import DAG
from airflow.operators.bash import BashOperator
for dag_id, task_id in (("d", "t"), ("refused", "bad"), ("away", "t")):
    with DAG(dag_id, schedule=None):
        BashOperator(task_id=task_id, bash_command="true")
"""


@pytest.mark.parametrize("place", ["airflow_local_settings", "config__airflow_local_settings"])
def test_policies_change_refuse_and_leave_out_dags(tmp_path: pathlib.Path, place: str) -> None:
    report = _bundle(tmp_path, _DAGS, **{place: _POLICIES}).load()
    assert [(one.dag_id, one.tags, one.tasks[0].retries) for one in report.specs] == [("d", ("checked",), 2)]
    (problem,) = report.problems
    assert (problem.code, problem.object) == ("policy", "DAG 'refused'")
    assert "no task is called bad" in problem.message
    assert any("left out" in one for one in report.warnings)
    assert any("task_instance_mutation_hook has no effect" in one for one in report.warnings)


def test_local_settings_that_raise_are_told(tmp_path: pathlib.Path) -> None:
    (problem,) = _bundle(tmp_path, _DAGS, airflow_local_settings="1 / 0").load().problems
    assert (problem.code, problem.object) == ("plugin-failed", "airflow_local_settings")
