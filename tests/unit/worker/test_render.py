"""Rendering a task's fields: values of the run, and a problem with the field, the name and a hint where it fails."""

from __future__ import annotations

import pathlib
import textwrap
from typing import Any

import pytest

from tests.unit.worker.children import DagFile
from tradewind.model.problem import Problem

_HEAD = """
from airflow.sdk import DAG, task
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
"""


def _file(tmp_path: pathlib.Path, tasks: str, *, dag: str = "", head: str = "") -> DagFile:
    lines = textwrap.indent(textwrap.dedent(tasks).strip(), "    ")
    file = DagFile(tmp_path, "")
    file.write("one.py", f"{_HEAD}\n{head}\nwith DAG('d', schedule=None{dag}):\n{lines}\n")
    return file


def _bash(tmp_path: pathlib.Path, command: str, **more: str) -> DagFile:
    return _file(tmp_path, f"BashOperator(task_id='t', bash_command={command!r})", **more)


def _problem(file: DagFile, **options: Any) -> Problem:
    report = file.render(**options)
    assert report.fields == {}
    assert report.problem is not None
    assert report.problem.object == "task 't' of DAG 'd'"
    return report.problem


def test_fields_hold_values_of_the_run(tmp_path: pathlib.Path) -> None:
    file = _bash(
        tmp_path,
        "{{ ds }} {{ run_id }} {{ params.n }} {{ ti.try_number }} {{ twice(3) }} {{ macros.ds_add(ds, 1) }}",
        dag=", params={'n': 5}, user_defined_macros={'twice': lambda n: 2 * n}",
    )
    report = file.render()
    assert report.problem is None
    assert report.fields["bash_command"] == "2026-01-02 r1 5 1 6 2026-01-03"


def test_variables_and_connections_are_read_and_their_secrets_told(tmp_path: pathlib.Path) -> None:
    file = _bash(tmp_path, "{{ var.value.api_token }} {{ conn.db.password }} {{ var.json.spec.n }}")
    file.asked.variables.update(api_token="t0k3n", spec='{"n": 3}')
    file.asked.connections["db"] = {"conn_type": "postgres", "password": "hunter2"}
    report = file.render()
    assert report.fields["bash_command"] == "t0k3n hunter2 3"
    assert {"t0k3n", "hunter2"} <= set(report.masked)


def test_a_template_file_is_found_beside_the_dag_file(tmp_path: pathlib.Path) -> None:
    file = _bash(tmp_path, "sql/do.sh")
    file.write("sql/do.sh", "echo {{ ds }}\n")
    assert file.render().fields["bash_command"] == "echo 2026-01-02"


def test_native_rendering_gives_values(tmp_path: pathlib.Path) -> None:
    tasks = """
        from airflow.providers.standard.operators.python import PythonOperator
        PythonOperator(task_id='t', python_callable=print, op_kwargs={'n': '{{ params.n }}', 'd': '{{ [1, ds] }}'})
    """
    text = _file(tmp_path, tasks, dag=", params={'n': 5}")
    assert text.render().fields["op_kwargs"] == {"n": "5", "d": "[1, '2026-01-02']"}
    text.write(
        "one.py",
        (text.root / "one.py")
        .read_text()
        .replace("schedule=None", "schedule=None, render_template_as_native_obj=True"),
    )
    assert text.render().fields["op_kwargs"] == {"n": 5, "d": [1, "2026-01-02"]}


def test_an_element_of_a_mapped_task_is_rendered_with_its_own_arguments(tmp_path: pathlib.Path) -> None:
    tasks = """
        BashOperator.partial(task_id='t', map_index_template='number {{ task.env.n }}').expand(
            env=[{'n': 'a'}, {'n': 'b'}], bash_command=['echo {{ ds }} {{ task.env.n }}']
        )
    """
    report = _file(tmp_path, tasks).render(map_index=1)
    assert report.problem is None
    assert report.fields["bash_command"] == "echo 2026-01-02 b"
    assert report.rendered_map_index == "number b"


@pytest.mark.parametrize(
    ("command", "message", "hint"),
    [
        ("echo {{ dss }}", "'dss' is undefined", "is 'ds' meant?"),
        ("{{ conn.none.host }}", "The conn_id `none` isn't defined", "AIRFLOW_CONN_NONE"),
        ("echo {{ params.m }}", "has no attribute 'm'", "default("),
        ("echo {{ ds", "bash_command", "check the braces"),
        ("none/do.sh", "none/do.sh", "template_searchpath"),
        ("{{ var.value.none }}", "there is no Variable 'none'", "AIRFLOW_VAR_NONE"),
    ],
)
def test_a_field_that_cannot_be_rendered_is_named_with_the_reason(
    tmp_path: pathlib.Path, command: str, message: str, hint: str
) -> None:
    problem = _problem(_bash(tmp_path, command, dag=", params={'n': 5}"))
    assert problem.code == "render-error"
    assert message in problem.message
    assert hint in problem.hint
    assert "field 'bash_command'" in problem.message


def test_a_failed_body_whose_field_cannot_be_rendered_says_so_in_its_log(tmp_path: pathlib.Path) -> None:
    file = _bash(tmp_path, "echo {{ dss }}")
    outcome: Any = file.run().outcome
    assert "bash_command" in outcome.message
    assert "hint: " in file.output


def test_rendering_that_takes_too_long_is_ended(tmp_path: pathlib.Path) -> None:
    head = "def forever():\n    while True: pass\n"
    problem = _problem(
        _bash(tmp_path, "{{ forever() }}", head=head, dag=", user_defined_macros={'forever': forever}"), seconds=0.3
    )
    assert (problem.code, problem.message) == ("render-timeout", "rendering took longer than 0.3 s")


# -- pods ----------------------------------------------------------------------------------------------------------


def test_a_pod_is_rendered_whole(tmp_path: pathlib.Path) -> None:
    tasks = """
        KubernetesPodOperator(
            task_id='t', image='i:{{ ds_nodash }}', cmds=['echo', '{{ run_id }}'], env_vars={'DAY': '{{ ds }}'},
            security_context={'runAsUser': 5},
        )
    """
    report = _file(tmp_path, tasks).render()
    assert report.problem is None
    assert report.fields == {
        "image": "i:20260102",
        "cmds": ["echo", "r1"],
        "env_vars": [{"name": "DAY", "value": "2026-01-02"}],
        "security_context": {"runAsUser": 5},
    }


@pytest.mark.parametrize("place", ["relative", "absolute"])
def test_the_path_of_a_pod_template_file_is_rendered_and_not_what_it_holds(tmp_path: pathlib.Path, place: str) -> None:
    path = "pods/{{ ds }}.yaml" if place == "relative" else str(tmp_path / "bundle" / "pods" / "{{ ds }}.yaml")
    file = _file(tmp_path, f"KubernetesPodOperator(task_id='t', pod_template_file={path!r}, name='n-{{{{ ds }}}}')")
    file.write("pods/2026-01-02.yaml", "spec: {containers: [{name: base, image: 'i:{{ ds_nodash }}'}]}")
    report = file.render()
    assert report.problem is None
    assert report.fields["name"] == "n-2026-01-02"
    assert report.fields["pod_template_file"] == {
        "spec": {"containers": [{"name": "base", "image": "i:{{ ds_nodash }}"}]}
    }


def test_an_element_of_a_mapped_pod_is_rendered_with_its_own_arguments(tmp_path: pathlib.Path) -> None:
    file = _file(
        tmp_path, "KubernetesPodOperator.partial(task_id='t', image='i').expand(arguments=[['a'], ['{{ ds }}']])"
    )
    assert file.render(map_index=1).fields == {"image": "i", "arguments": ["2026-01-02"]}
