"""`@task.kubernetes` and `@task.kubernetes_cmd`: what their functions become as pods, and how they run.

The command of the pod is run here as its container would run it, by `sh` and a Python that knows nothing of ours.
"""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.unit.worker.children import DagFile
from tradewind.model.dagspec import PodBody, TaskSpec
from tradewind.model.outcome import Failed, Skipped
from tradewind.protocol.work import RenderReport

_HEAD = """
from airflow.sdk import DAG, task, setup
from airflow.providers.cncf.kubernetes.decorators.kubernetes import kubernetes_task
"""


@pytest.fixture(name="file")
def _file(tmp_path: pathlib.Path) -> DagFile:
    return DagFile(tmp_path, "")


def write(file: DagFile, tasks: str, *, dag: str = "") -> None:
    body = textwrap.indent(textwrap.dedent(tasks).strip(), "    ")
    file.write("one.py", f"{_HEAD}\nwith DAG('d', schedule=None{dag}):\n{body}\n")


def loaded(file: DagFile, task_id: str = "t") -> TaskSpec:
    report = file.load()
    assert report.problems == ()
    return next(task for task in report.specs[0].tasks if task.task_id == task_id)


class Ran:
    """A container's command, run to its end."""

    def __init__(self, fields: dict[str, Any], folder: pathlib.Path, *, python: str | None = None) -> None:
        tools = folder / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "python").unlink(missing_ok=True)
        (tools / "python").symlink_to(python or sys.executable)
        self._result = folder / "xcom" / "return.json"
        self._result.unlink(missing_ok=True)
        variables = fields["env_vars"]
        if isinstance(variables, list):
            variables = {one["name"]: one["value"] for one in variables}
        cmds = [str(self._result) if word == "/airflow/xcom/return.json" else word for word in fields["cmds"]]
        path = f"{tools}:/usr/bin:/bin"
        done = subprocess.run(
            cmds, env={"PATH": path, **variables}, cwd=folder, capture_output=True, text=True, check=False, timeout=15
        )
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    @property
    def value(self) -> Any:
        """What it left as its result."""
        return json.loads(self._result.read_text()) if self._result.exists() else None


def fields(report: RenderReport) -> dict[str, Any]:
    assert report.problem is None, report.problem
    return report.fields


# -- @task.kubernetes ----------------------------------------------------------------------------------------------


def test_a_function_runs_by_the_image_s_own_python_with_its_arguments(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", do_xcom_push=True)
        def t(a, b, *, when):
            import platform
            print("by", platform.python_implementation())
            return {"sum": a + b, "when": when}

        t(1, 2, when="{{ ds }}")
    """,
    )
    ran = Ran(fields(file.render()), tmp_path)
    assert (ran.code, ran.out, ran.value) == (0, "by CPython\n", {"sum": 3, "when": "2026-01-02"}), ran.err


def test_without_arguments_everything_is_data_when_the_file_is_loaded(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", namespace="jobs", env_vars={"A": "1"}, do_xcom_push=True)
        def t():
            import os
            return os.environ["A"]

        t()
    """,
    )
    task = loaded(file)
    assert isinstance(task.body, PodBody)
    assert (task.body.templated, task.operator) == (False, "@task.kubernetes")
    assert task.body.arguments["name"] == "k8s-airflow-pod-t"
    assert Ran(task.body.arguments, tmp_path).value == "1"


def test_the_same_file_is_the_same_version_however_often_it_is_loaded(file: DagFile) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1")
        def t(names):
            print(sorted(names))

        t({"a", "b", "c", "d"})
    """,
    )
    assert loaded(file) == loaded(file)
    body = loaded(file).body
    assert isinstance(body, PodBody)
    assert body.templated
    assert not [one for one in body.arguments["env_vars"] if one["name"].startswith("__PYTHON_INPUT")]


def test_another_task_s_value_is_an_argument(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task
        def first():
            return [1, 2]

        @task.kubernetes(image="tools:1", do_xcom_push=True)
        def t(numbers):
            return sum(numbers)

        t(first())
    """,
    )
    file.asked.xcoms["first", "return_value", -1] = b"[1, 2]"
    assert loaded(file).upstream == ("first",)
    assert Ran(fields(file.render()), tmp_path).value == 3


def test_a_mapped_function_gets_its_element(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", do_xcom_push=True)
        def t(a, b):
            return a * b

        t.partial(b=10).expand(a=[1, 2, 3])
    """,
    )
    assert [Ran(fields(file.render(map_index=index)), tmp_path).value for index in range(3)] == [10, 20, 30]


def test_override_gives_other_arguments_of_the_task(file: DagFile) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", name="mine")
        def t():
            pass

        t.override(task_id="other", image="tools:2")()
    """,
    )
    body = loaded(file, "other").body
    assert isinstance(body, PodBody)
    assert (body.arguments["image"], body.arguments["name"]) == ("tools:2", "mine")


@pytest.mark.parametrize(
    "head",
    [
        "@task.kubernetes(\n    image='tools:1',\n    do_xcom_push=True,\n)",
        "@setup\n@task.kubernetes(image='tools:1', do_xcom_push=True)",
        "@kubernetes_task(image='tools:1', do_xcom_push=True)",
    ],
    ids=["over several lines", "with setup", "by its other name"],
)
def test_decorators_of_tasks_stay_behind(file: DagFile, tmp_path: pathlib.Path, head: str) -> None:
    write(file, f"{head}\ndef t():\n    return 'ran'\n\nt()\n")
    assert Ran(fields(file.render()), tmp_path).value == "ran"


def test_an_exception_is_told_with_the_function_s_own_lines(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1")
        def t():
            raise ValueError("no luck")

        t()
    """,
    )
    ran = Ran(fields(file.render()), tmp_path)
    assert ran.code == 1
    lines = ran.err.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "<function t>" in lines[1]
    assert 'raise ValueError("no luck")' in ran.err
    assert lines[-1] == "ValueError: no luck"
    assert "_run" not in ran.err


def test_its_exit_code_is_the_container_s(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", skip_on_exit_code=42)
        def t():
            import sys
            sys.exit(42)

        t()
    """,
    )
    assert Ran(fields(file.render()), tmp_path).code == 42


def test_no_value_is_written_where_none_is_wanted_or_returned(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1")
        def t():
            return 5

        @task.kubernetes(image="tools:1", do_xcom_push=True)
        def none():
            return None

        t()
        none()
    """,
    )
    assert Ran(fields(file.render()), tmp_path).value is None
    assert Ran(fields(file.render("none")), tmp_path).value is None


def test_a_coroutine_is_run_to_its_end(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", do_xcom_push=True)
        async def t():
            import asyncio
            await asyncio.sleep(0)
            return "awaited"

        t()
    """,
    )
    assert Ran(fields(file.render()), tmp_path).value == "awaited"


def test_arguments_longer_than_one_variable_arrive_whole(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", do_xcom_push=True)
        def t(text):
            import hashlib
            return [len(text), hashlib.sha256(text.encode()).hexdigest()]

        t("x" * 300_000)
    """,
    )
    found = fields(file.render())
    assert max(len(one["value"]) for one in found["env_vars"]) < 128 * 1024
    assert Ran(found, tmp_path).value[0] == 300_000


def test_more_than_a_pod_can_carry_is_refused_with_a_way_out(file: DagFile) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1")
        def t(text):
            pass

        t("x" * 900_000)
    """,
    )
    problem = file.render().problem
    assert problem is not None
    assert "over the 768 KiB that a pod can carry" in problem.message


def test_an_image_without_python_says_so(file: DagFile, tmp_path: pathlib.Path) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1")
        def t():
            pass

        t()
    """,
    )
    found = fields(file.render())
    done = subprocess.run(
        ["/bin/sh", *found["cmds"][1:]], env={"PATH": "/nowhere"}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (127, "there is no python in this image\n")


def test_a_command_beside_the_function_is_refused(file: DagFile) -> None:
    write(
        file,
        """
        @task.kubernetes(image="tools:1", cmds=["true"])
        def t():
            pass

        t()
    """,
    )
    (problem,) = file.load().problems
    assert "cmds and arguments are its own" in problem.message


def test_a_function_without_a_def_cannot_be_sent(file: DagFile) -> None:
    write(
        file,
        """
        task.kubernetes(lambda: 1, image="tools:1", task_id="t")()
    """,
    )
    (problem,) = file.load().problems
    assert (problem.object, problem.code) == ("function '<lambda>'", "no-source")


# -- @task.kubernetes_cmd ------------------------------------------------------------------------------------------


def test_a_function_s_words_are_the_command_and_their_templates_are_rendered(file: DagFile) -> None:
    write(
        file,
        """
        @task.kubernetes_cmd(image="tools:1")
        def t(name, ds=None):
            return ["echo", name, ds, "{{ run_id }}"]

        t("{{ dag.dag_id }}")
    """,
    )
    task = loaded(file)
    assert isinstance(task.body, PodBody)
    assert (task.body.templated, task.operator) == (True, "@task.kubernetes_cmd")
    found = fields(file.render())
    assert found["cmds"] == ["echo", "d", "2026-01-02", "r1"]
    assert "arguments" not in found or found["arguments"] == []


def test_with_args_only_they_are_arguments_of_the_image_s_own_command(file: DagFile) -> None:
    write(
        file,
        """
        @task.kubernetes_cmd(image="tools:1", args_only=True)
        def t(n):
            return ["--count", str(n)]

        t.expand(n=[1, 2])
    """,
    )
    found = fields(file.render(map_index=1))
    assert found["arguments"] == ["--count", "2"]
    assert found.get("cmds", []) == []


@pytest.mark.parametrize(
    ("returned", "words"),
    [("'echo hi'", "must return a list of texts"), ("['a', 1]", "must return a list"), ("[]", "an empty list")],
)
def test_what_is_no_command_fails_the_try_and_says_so(file: DagFile, returned: str, words: str) -> None:
    write(file, f"@task.kubernetes_cmd(image='tools:1')\ndef t():\n    return {returned}\n\nt()\n")
    problem = file.render().problem
    assert problem is not None
    assert words in problem.message


@pytest.mark.parametrize(
    ("raised", "outcome"),
    [
        ("AirflowSkipException('nothing to do')", Skipped(message="nothing to do")),
        (
            "AirflowFailException('never')",
            Failed(
                message="AirflowFailException: never", retry=False, error="tradewind.sdk.errors.AirflowFailException"
            ),
        ),
        ("KeyError('x')", None),
    ],
)
def test_a_function_that_skips_or_fails_for_good_ends_its_task_so(file: DagFile, raised: str, outcome: Any) -> None:
    write(
        file,
        f"""
        from airflow.exceptions import AirflowFailException, AirflowSkipException

        @task.kubernetes_cmd(image="tools:1")
        def t():
            raise {raised}

        t()
    """,
    )
    report = file.render()
    assert report.problem is not None
    assert report.outcome == outcome


def test_words_that_would_not_be_used_are_told(file: DagFile) -> None:
    write(
        file,
        """
        @task.kubernetes_cmd(image="tools:1", cmds=["true"])
        def t():
            return ["echo"]

        t()
    """,
    )
    report = file.load()
    assert "not used by @task.kubernetes_cmd" in " ".join(report.specs[0].warnings + report.warnings)
    assert fields(file.render())["cmds"] == ["echo"]


def test_dill_that_is_not_installed_is_told(file: DagFile) -> None:
    write(
        file,
        """
        import sys
        sys.modules["dill"] = None

        @task.kubernetes(image="tools:1", use_dill=True)
        def t(a):
            return a

        t(1)
    """,
    )
    problem = file.render().problem
    assert problem is not None
    assert "use_dill needs the package dill" in problem.message


def test_the_runner_keeps_to_old_syntax() -> None:
    import ast

    from tradewind.sdk.operators import pod_function

    text = pod_function._runner()
    ast.parse(text, feature_version=(3, 7))
    assert "$(" not in text
    assert os.linesep not in pod_function._SHELL
