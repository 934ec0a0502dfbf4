"""Operators as teams write them on top of `KubernetesPodOperator`: what their code sees and does around its pod."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys
import textwrap
from typing import Any

import pytest

from tests.support import server

pytestmark = pytest.mark.namespaces

SETTINGS = """
[[runtime.local.images]]
pattern = "tools:*"
path = "/usr/local/bin:/usr/bin:/bin"
"""
HEAD = """
from __future__ import annotations
from datetime import datetime, timedelta
from airflow import DAG
from airflow.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from kubernetes.client import models as k8s

def sh(script, **more):
    return {"image": "tools:1", "cmds": ["sh", "-c", script], **more}
"""


class Place:
    """A folder with a DAG file, what it imports, and a home."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        self.dags = folder / "dags"
        self.dags.mkdir()
        (folder / "tradewind.toml").write_text(SETTINGS)
        self.home = folder / "home"
        self.options = ("--settings", str(folder / "tradewind.toml"))

    def write(self, classes: str, tasks: str) -> pathlib.Path:
        """A DAG `pods` of these tasks."""
        body = textwrap.dedent(classes) + '\nwith DAG("pods", start_date=datetime(2026, 1, 1), schedule=None):\n'
        file = self.dags / "dag.py"
        file.write_text(HEAD + body + textwrap.indent(textwrap.dedent(tasks), "    "))
        return file

    def run(self, classes: str, tasks: str) -> Run:
        """One run of it."""
        file = self.write(classes, tasks)
        at = ("--home", str(self.home), *self.options)
        done = server.tradewind("run", str(file), *at, "--output", "json", "--with-xcom", check=False)
        assert done.stdout, done.stderr
        return Run(self, json.loads(done.stdout))


class Run:
    """What a run told."""

    def __init__(self, place: Place, told: dict[str, Any]) -> None:
        self._place = place
        self._told = told
        self.xcom: dict[str, Any] = told.get("xcom") or {}

    def task(self, task_id: str, map_index: int = -1) -> dict[str, Any]:
        """One task instance."""
        found = [one for one in self._told["tasks"] if one["task_id"] == task_id]
        return next(one for one in found if one.get("map_index", -1) == map_index)

    def states(self) -> dict[str, str]:
        """State by task id."""
        return {one["task_id"]: one["state"] for one in self._told["tasks"]}

    def log(self, task_id: str) -> list[str]:
        """Its log at rest, without times."""
        files = sorted((self._place.home / "logs").glob(f"run=*/{task_id}/*.log"))
        return [line.split(" ", 3)[3] for file in files for line in file.read_text().splitlines()]


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path)


def test_code_that_sets_its_pod_from_rendered_fields_and_gives_back_what_the_pod_gave(place: Place) -> None:
    run = place.run(
        """
        class Sized(KubernetesPodOperator):
            template_fields = (*KubernetesPodOperator.template_fields, "size")

            def __init__(self, *, size, **kwargs):
                super().__init__(image="tools:1", **kwargs)
                self.size = size

            def execute(self, context):
                if self.size == "none":
                    raise AirflowSkipException("nothing to do")
                self.log.info("building for %s", self.size)
                self.env_vars = {"SIZE": self.size}
                self.volumes.append(k8s.V1Volume(name="tmp", empty_dir=k8s.V1EmptyDirVolumeSource()))
                self.volume_mounts.append(k8s.V1VolumeMount(name="tmp", mount_path="/scratch"))
                self.labels["size"] = self.size
                self.cmds = ["sh", "-c"]
                value = '[\\\\"$SIZE\\\\", 2]'
                self.arguments = [f"touch /scratch/x; echo pod $SIZE; echo {value} > /airflow/xcom/return.json"]
                result = super().execute(context)
                self.log.info("got %s from %s, which %s", result, self.pod.metadata.name, self.remote_pod.status.phase)
                return [*result, 3]
        """,
        """
        Sized(task_id="big", size="{{ 'b' + 'ig' }}", do_xcom_push=True)
        Sized(task_id="skips", size="none")
        """,
    )
    assert run.states() == {"big": "success", "skips": "skipped"}
    assert run.xcom["big"]["return_value"] == ["big", 2, 3]
    assert run.xcom["big"]["pod_name"].startswith("big-")
    log = run.log("big")
    told = [line.partition(" INFO - ")[2] or line for line in log]
    assert told[0] == "building for big"
    assert told[-2:] == ["pod big", f"got ['big', 2] from {run.xcom['big']['pod_name']}, which Succeeded"]


def test_how_its_pod_failed_is_how_the_task_failed(place: Place) -> None:
    run = place.run(
        """
        class Ours(KubernetesPodOperator):
            def execute(self, context):
                return super().execute(context)

        class Catches(Ours):
            def execute(self, context):
                try:
                    return super().execute(context)
                except AirflowException as error:
                    print("caught:", error)
                    return "went on"

        class Fails(Ours):
            def execute(self, context):
                try:
                    super().execute(context)
                except AirflowException as error:
                    raise AirflowFailException(f"no use: {error}")
        """,
        """
        Ours(task_id="fails", **sh("exit 7"))
        Ours(task_id="skips", **sh("exit 99", skip_on_exit_code=99))
        Catches(task_id="catches", **sh("exit 8"))
        Fails(task_id="gives_up", retries=3, **sh("exit 9"))
        Ours(task_id="refused", image="nobody:1", cmds=["true"])
        Ours(task_id="no_pod", **sh("true", env_vars=[{"name": "NO VALUE", "valu": 1}], hostname="Bad Name"))
        """,
    )
    assert run.task("fails")["verdict"] == "Container 'base' failed with exit code 7."
    assert run.states()["skips"] == "skipped"
    assert run.states()["catches"] == "success"
    assert "caught: Container 'base' failed with exit code 8." in run.log("catches")
    assert run.task("gives_up")["try_number"] == 1
    assert "no use: Container 'base' failed with exit code 9" in run.task("gives_up")["verdict"]
    assert "nothing stands in for image 'nobody:1'" in run.task("refused")["verdict"]
    assert run.states()["no_pod"] == "failed"


def test_steps_that_are_overridden_are_called_where_the_provider_calls_them(place: Place) -> None:
    run = place.run(
        """
        class Steps(KubernetesPodOperator):
            def pre_execute(self, context):
                print("1 pre_execute")

            def build_pod_request_obj(self, context=None):
                pod = super().build_pod_request_obj(context)
                assert isinstance(pod, k8s.V1Pod), pod
                print("2 build", pod.spec.containers[0].name, pod.spec.restart_policy)
                pod.spec.containers[0].env = [k8s.V1EnvVar(name="SAID", value="by the pod")]
                pod.metadata.labels["team"] = "blue"
                return pod

            def get_or_create_pod(self, pod_request_obj, context):
                print("3 get_or_create", pod_request_obj.metadata.labels["team"])
                return super().get_or_create_pod(pod_request_obj, context)

            def post_complete_action(self, *, pod, remote_pod, context, result, **kwargs):
                print("5 post_complete", pod.metadata.name == self.pod.metadata.name, result)
                super().post_complete_action(
                    pod=pod, remote_pod=remote_pod, context=context, result=result, **kwargs
                )

            def cleanup(self, pod, remote_pod, xcom_result=None, context=None):
                state = remote_pod.status.container_statuses[0].state.terminated
                print("6 cleanup", remote_pod.status.phase, state.exit_code)
                super().cleanup(pod, remote_pod, xcom_result, context)

            def process_pod_deletion(self, pod, *, reraise=True):
                print("deletion", pod.metadata.name == self.pod.metadata.name)
                return super().process_pod_deletion(pod, reraise=reraise)

            def post_execute(self, context, result=None):
                print("7 post_execute", result)
        """,
        """
        Steps(task_id="steps", do_xcom_push=True, **sh("echo 4 $SAID; echo 5 > /airflow/xcom/return.json; true"))
        Steps(task_id="fails", **sh("exit 3"))
        """,
    )
    assert [line for line in run.log("steps") if line[:1].isdigit()] == [
        "1 pre_execute",
        "2 build base Never",
        "3 get_or_create blue",
        "4 by the pod",
        "5 post_complete True 5",
        "6 cleanup Succeeded 0",
        "7 post_execute 5",
    ]
    assert run.task("fails")["verdict"] == "Container 'base' failed with exit code 3."
    assert {"6 cleanup Failed 3", "deletion True"} <= set(run.log("fails"))


def test_callbacks_of_a_plain_operator_are_called_in_order_in_a_worker(place: Place) -> None:
    run = place.run(
        """
        class Tells(KubernetesPodOperatorCallback):
            @staticmethod
            def on_sync_client_creation(*, client, operator, **kwargs):
                print("client of", operator.task_id)

            @staticmethod
            def on_pod_manifest_created(*, pod_request, client, mode, **kwargs):
                pod_request.spec.containers[0].env = [k8s.V1EnvVar(name="FROM", value="a callback")]
                print("manifest", mode.value)

            @staticmethod
            def on_pod_creation(*, pod, **kwargs):
                print("creation", pod.metadata.name == kwargs["operator"].pod.metadata.name)

            @staticmethod
            def on_pod_starting(*, pod, **kwargs):
                print("starting", pod.status.phase in ("Running", "Succeeded"))

            @staticmethod
            def progress_callback(*, line, container_name, timestamp, **kwargs):
                print("progress", container_name, line, timestamp.year > 2000)

            @staticmethod
            def on_pod_completion(*, pod, **kwargs):
                print("completion", pod.status.phase)

            @staticmethod
            def on_pod_teardown(*, pod, **kwargs):
                print("teardown")

            @staticmethod
            def on_pod_cleanup(*, pod, context, **kwargs):
                print("cleanup", context["ti"].task_id)

            @staticmethod
            def on_operator_resuming(*, event, **kwargs):
                print("resuming", event["status"])

        class Breaks(KubernetesPodOperatorCallback):
            @staticmethod
            def progress_callback(*, line, **kwargs):
                raise ValueError("no")
        """,
        """
        KubernetesPodOperator(task_id="plain", callbacks=[Tells], **sh("sleep 0.3; echo $FROM"))
        KubernetesPodOperator(task_id="waits", callbacks=Tells, deferrable=True, **sh("echo $FROM"))
        KubernetesPodOperator(task_id="breaks", callbacks=[Breaks], **sh("echo x"))
        KubernetesPodOperator(task_id="line", progress_callback=lambda line: print("saw", line), **sh("echo x"))
        """,
    )
    assert set(run.states().values()) == {"success"}
    told = ["client of", "manifest", "creation", "starting", "progress base a", "completion", "teardown"]
    assert [line for line in run.log("plain") if line.startswith((*told, "cleanup"))] == [
        "client of plain",
        "manifest sync",
        "creation True",
        "starting True",
        "progress base a callback True",
        "completion Succeeded",
        "teardown",
        "cleanup plain",
    ]
    assert "a callback" in run.log("plain")
    assert "resuming success" in run.log("waits")
    assert any("ValueError: no" in line for line in run.log("breaks"))
    assert "saw x" in run.log("line")


def test_a_callback_that_raises_fails_the_task_as_with_the_provider_and_its_pod_ends(place: Place) -> None:
    run = place.run(
        """
        class Raises(KubernetesPodOperatorCallback):
            @staticmethod
            def on_pod_creation(**kwargs):
                raise RuntimeError("not like this")
        """,
        'KubernetesPodOperator(task_id="t", callbacks=[Raises], **sh("sleep 60", termination_grace_period=1))',
    )
    assert run.states() == {"t": "failed"}
    assert "not like this" in run.task("t")["verdict"]


def test_a_log_formatter_gives_each_line_its_form_and_none_is_there_twice(place: Place) -> None:
    run = place.run(
        "def shout(container, line):\n    return f'<{container}> {line.upper()}'\n",
        'KubernetesPodOperator(task_id="t", log_formatter=shout, **sh("echo one; sleep 0.3; echo two"))',
    )
    lines = [line.partition(" INFO - ")[2] or line for line in run.log("t")]
    assert [line for line in lines if "one" in line.lower() or "two" in line.lower()] == ["<base> ONE", "<base> TWO"]


def test_a_deferrable_subclass_goes_on_in_trigger_reentry(place: Place) -> None:
    run = place.run(
        """
        class Waits(KubernetesPodOperator):
            def execute(self, context):
                super().execute(context)
                print("never reached, as in Airflow")

            def trigger_reentry(self, context, event):
                print("event", event["status"], event["name"] == self.pod.metadata.name)
                return super().trigger_reentry(context, event)
        """,
        """
        Waits(task_id="good", deferrable=True, do_xcom_push=True, **sh("echo '{}' > /airflow/xcom/return.json; true"))
        Waits(task_id="bad", deferrable=True, **sh("exit 4"))
        """,
    )
    assert run.log("good")[-1] == "event success True"
    assert run.xcom["good"]["return_value"] == {}
    assert run.task("bad")["verdict"] == "Container 'base' failed with exit code 4."


def test_two_pods_of_one_execute_are_an_error_and_none_is_told(place: Place) -> None:
    run = place.run(
        """
        class Twice(KubernetesPodOperator):
            def execute(self, context):
                super().execute(context)
                self.pod = self.pod_request_obj = None
                return super().execute(context)

        class Never(KubernetesPodOperator):
            def execute(self, context):
                return "no pod"
        """,
        """
        Twice(task_id="twice", **sh("echo pod"))
        Never(task_id="never", do_xcom_push=True, **sh("echo pod"))
        """,
    )
    assert run.states() == {"twice": "failed", "never": "success"}
    assert "is the second one of this execute(); a task has one pod" in run.task("twice")["verdict"]
    assert run.log("twice").count("pod") == 1
    assert any("no pod was started" in line for line in run.log("never"))


def test_shapes_of_teams(place: Place) -> None:
    (place.dags / "lib").mkdir()
    (place.dags / "lib" / "__init__.py").write_text("")
    (place.dags / "lib" / "operators.py").write_text(
        textwrap.dedent("""
        from airflow.providers.cncf.kubernetes.operators.kubernetes_pod import KubernetesPodOperator

        class TeamOperator(KubernetesPodOperator):
            def __init__(self, *, steps, **kwargs):
                kwargs.setdefault("image", "tools:1")
                super().__init__(**kwargs)
                self.steps = steps

            def execute(self, context):
                self.cmds, self.arguments = ["sh", "-c"], ["; ".join(self.steps)]
                return super().execute(context)
        """)
    )
    (place.dags / "plugins" / "operators").mkdir(parents=True)
    (place.dags / "plugins" / "operators" / "node.py").write_text(
        textwrap.dedent("""
        from airflow.contrib.operators.kubernetes_pod_operator import KubernetesPodOperator

        class NodeOperator(KubernetesPodOperator):
            def execute(self, context):
                context["ti"].xcom_push(key="mine", value=context["task"].task_id)
                self.env_vars = [*self.env_vars, {"name": "DS", "value": str(context["ti"].try_number)}]
                super().execute(context)
        """)
    )
    run = place.run(
        """
        from lib.operators import TeamOperator
        from operators.node import NodeOperator

        class Tagged:
            def execute(self, context):
                self.labels = {**self.labels, "tagged": "yes"}
                print("tagged")
                return super().execute(context)

        class Mixed(Tagged, TeamOperator):
            pass

        class Retries(KubernetesPodOperator):
            def execute(self, context):
                self.arguments = [f"exit {0 if context['ti'].try_number > 1 else 5}"]
                return super().execute(context)

        class Conditional(KubernetesPodOperator):
            def execute(self, context):
                if not self.arguments:
                    return "decided without a pod"
                return super().execute(context)

        class Timed(KubernetesPodOperator):
            def on_kill(self):
                print("on_kill of", self.pod.metadata.name)
                super().on_kill()

            def execute(self, context):
                return super().execute(context)
        """,
        """
        TeamOperator(task_id="helper", steps=["echo from a helper", "true"])
        NodeOperator(task_id="plugin", **sh("echo try $DS"))
        Mixed(task_id="mixed", steps=["echo mixed in"])
        Retries(task_id="retries", image="tools:1", cmds=["sh", "-c"], retries=2, retry_delay=timedelta(0))
        Conditional(task_id="conditional", image="tools:1", cmds=["sh", "-c"], do_xcom_push=True)
        Timed(
            task_id="timed",
            execution_timeout=timedelta(seconds=1.5),
            **sh("echo began; sleep 60", termination_grace_period=1),
        )
        TeamOperator.partial(task_id="mapped", do_xcom_push=True).expand(
            steps=[["echo 1 > /airflow/xcom/return.json"], ["echo 2 > /airflow/xcom/return.json"], ["exit 1"]]
        )
        """,
    )
    states = run.states()
    assert {name: states[name] for name in ("helper", "plugin", "mixed", "retries", "conditional", "timed")} == {
        "helper": "success",
        "plugin": "success",
        "mixed": "success",
        "retries": "success",
        "conditional": "success",
        "timed": "failed",
    }
    assert "from a helper" in run.log("helper")
    assert "try 1" in run.log("plugin")
    assert run.xcom["plugin"]["mine"] == "plugin"
    assert run.log("mixed")[0] == "tagged"
    assert run.log("mixed")[-1] == "mixed in"
    assert run.task("retries")["try_number"] == 2
    assert run.xcom["conditional"] == {"return_value": "decided without a pod"}
    assert "execution timeout" in run.task("timed")["verdict"]
    assert any(line.startswith("on_kill of timed-") for line in run.log("timed"))
    assert [run.task("mapped", index)["state"] for index in range(3)] == ["success", "success", "failed"]


def test_default_args_and_templates_reach_a_subclass_as_they_reach_any_operator(place: Place) -> None:
    run = place.run(
        """
        class Ours(KubernetesPodOperator):
            def execute(self, context):
                print(self.image, self.labels, self.env_vars[0].value, self.get_logs)
                return super().execute(context)
        defaults = {"image": "tools:2", "labels": {"team": "{{ dag.dag_id }}"}, "get_logs": False}
        """,
        """
        from airflow.utils.task_group import TaskGroup
        with TaskGroup("group", default_args=defaults):
            said = k8s.V1EnvVar(name="A", value="{{ ti.task_id }}")
            Ours(task_id="t", cmds=["sh", "-c", "echo hidden"], env_vars=[said])
        """,
    )
    assert run.states() == {"group.t": "success"}
    assert "tools:2 {'team': 'pods'} group.t False" in run.log("group.t")
    assert "hidden" not in run.log("group.t")


def test_a_pod_that_does_not_start_in_time_says_so(place: Place) -> None:
    run = place.run(
        """
        class Ours(KubernetesPodOperator):
            def execute(self, context):
                self.init_containers = [k8s.V1Container(name="first", image="tools:1", command=["sleep", "60"])]
                return super().execute(context)
        """,
        'Ours(task_id="t", startup_timeout_seconds=1, termination_grace_period=1, **sh("true"))',
    )
    assert run.task("t")["verdict"].startswith("It did not start in time.")


def test_a_file_that_tests_itself_runs_its_subclasses_in_its_own_process_and_shows_what_their_pods_print(
    place: Place,
) -> None:
    file = place.write(
        """
        class Ours(KubernetesPodOperator):
            def execute(self, context):
                self.env_vars = {"A": "b"}
                print("gave", super().execute(context))
        """,
        'Ours(task_id="t", do_xcom_push=True, **sh("echo in pod $A; echo 3 > /airflow/xcom/return.json; true"))',
    )
    file.write_text(
        file.read_text().replace("schedule=None):", "schedule=None) as dag:")
        + "\n\nif __name__ == '__main__':\n    dag.test()\n"
    )
    (place.dags / "tradewind.toml").write_text(SETTINGS)
    command = [sys.executable, "-m", "tradewind.compat", file.name]
    done = subprocess.run(command, cwd=place.dags, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = [line.partition(" INFO - ")[2] or line for line in (done.stdout + done.stderr).splitlines()]
    assert told.count("[base] in pod b") == 1
    assert "gave 3" in told
