"""Pod operators with code of their own whose pods are in a real cluster: values, logs, clients, ends of either side."""

from __future__ import annotations

import os
import pathlib
import signal
from collections.abc import Iterator

import pytest

from tests.support import cluster_runs
from tests.support import server as servers
from tests.support.cluster_api import Namespace, wait_until

pytestmark = pytest.mark.cluster

_HEAD = """
import os
from datetime import datetime
from airflow import DAG
from airflow.exceptions import AirflowException
from airflow.providers.cncf.kubernetes.callbacks import KubernetesPodOperatorCallback
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

class Sized(KubernetesPodOperator):
    template_fields = (*KubernetesPodOperator.template_fields, "size")

    def __init__(self, *, script, size="small", **kwargs):
        super().__init__(image={image!r}, termination_grace_period=1, **kwargs)
        self.script, self.size = script, size

    def execute(self, context):
        print("before, in", os.getpid(), flush=True)
        self.cmds = ["sh", "-c", self.script]
        self.env_vars = {{"SIZE": self.size}}
        self.labels["size"] = self.size
        result = super().execute(context)
        print("after", result, self.remote_pod.status.container_statuses[0].state.terminated.exit_code)
        return result

    def on_kill(self):
        print("on_kill")
        super().on_kill()

class Looks(KubernetesPodOperatorCallback):
    @staticmethod
    def on_pod_creation(*, pod, client, **kwargs):
        found = client.read_namespaced_pod(pod.metadata.name, pod.metadata.namespace)
        print("client found", found.metadata.uid == pod.metadata.uid)

    @staticmethod
    def progress_callback(*, line, container_name, **kwargs):
        print("progress", container_name, line)

with DAG("pods", start_date=datetime(2026, 1, 1), schedule=None):
"""


class Place(cluster_runs.Place):
    """The same for pods with values, whose helpers have the cluster's own image."""

    head = _HEAD

    def __init__(self, folder: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, image: str) -> None:
        super().__init__(folder, kubeconfig, namespace, image)
        self.options += ["--set", f"runtime.kubernetes.result.image={image}"]

    def log(self, task_id: str) -> list[str]:
        """What was printed, also where a restart left a gap."""
        return [line[3] for line in self.raw_log(task_id) if line[1] != "event"]

    def live(self) -> str:
        """What was logged until now."""
        return "".join(file.read_text() for file in self.home.glob("attempts/*/log"))


@pytest.fixture
def place(tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> Place:
    return Place(tmp_path, kubeconfig, namespace, busybox)


@pytest.fixture
def server(place: Place) -> Iterator[servers.Server]:
    made = servers.Server(place.home, place.dags, *place.options)
    yield made
    made.stop()


def test_code_around_a_pod_runs_here_and_its_pod_there_and_they_are_one_task(place: Place) -> None:
    run = place.run(
        """
        Sized(task_id="good", size="{{ 'b' + 'ig' }}", do_xcom_push=True,
              script="echo pod of $SIZE; echo '[1, 2]' > /airflow/xcom/return.json; true")
        Sized(task_id="fails", script="echo no; exit 3")
        Sized(task_id="skips", script="exit 99", skip_on_exit_code=99)
        Sized.partial(task_id="mapped").expand(script=["echo a", "exit 1"])
        lines = ["sh", "-c", "echo a line; sleep 1"]
        KubernetesPodOperator(task_id="looks", image=IMAGE, cmds=lines, callbacks=[Looks])
    """.replace("IMAGE", repr(place._image))
    )
    assert [run[name]["state"] for name in ("good", "fails", "skips")] == ["success", "failed", "skipped"]
    assert run["xcom"]["good"]["return_value"] == [1, 2]
    assert run["fails"]["verdict"] == "Container 'base' failed with exit code 3."
    good = place.log("good")
    assert (good[0].split(",")[0], good[-2:]) == ("before", ["pod of big", "after [1, 2] 0"])
    assert sorted(task["state"] for task in run["tasks"] if task["task_id"] == "mapped") == ["failed", "success"]
    assert run["looks"]["state"] == "success", run["looks"]
    assert {"client found True", "a line", "progress base a line"} <= set(place.log("looks"))
    wait_until(lambda: not place.namespace.pods(), "the pods are deleted")


def test_a_worker_that_was_killed_leaves_its_pod_to_its_end_also_after_a_restart(
    place: Place, server: servers.Server
) -> None:
    place.write('Sized(task_id="t", script="echo in the pod; sleep 8; echo done")')
    server.start()
    server.trigger("pods", "r")
    wait_until(lambda: "in the pod" in place.live() and "before, in " in place.live(), "the pod's line is read")
    pods = place.namespace.pods()
    attempt_id = next(file.name for file in place.home.glob("attempts/*") if not file.name.endswith(".pod"))
    assert [pod["metadata"]["labels"]["tradewind/attempt-id"] for pod in pods] == [attempt_id]
    os.kill(int(place.live().split("before, in ")[1].split()[0]), signal.SIGKILL)
    server.kill()
    server.start()
    task = server.wait_run("pods", "r")["tasks"][0]
    assert task["state"] == "failed"
    assert "was followed to its end: Container 'base' completed." in task["verdict"]
    wait_until(lambda: not list(place.home.glob("attempts/*/log")), "the log is at rest")
    assert [line for line in place.log("t") if line in ("in the pod", "done")] == ["in the pod", "done"]
    wait_until(lambda: not place.namespace.pods(), "the pod is deleted")


def test_a_control_plane_that_was_killed_finds_both_and_no_second_pod_is_made(
    place: Place, server: servers.Server
) -> None:
    place.write('Sized(task_id="t", script="echo in the pod; sleep 6; echo done")')
    server.start()
    server.trigger("pods", "r")
    wait_until(lambda: "in the pod" in place.live(), "the pod's line is read")
    server.kill()
    before = [pod["metadata"]["uid"] for pod in place.namespace.pods()]
    server.start()
    assert [pod["metadata"]["uid"] for pod in place.namespace.pods()] == before
    assert len(before) == 1
    assert server.wait_run("pods", "r")["state"] == "success"
    wait_until(lambda: not list(place.home.glob("attempts/*/log")), "the log is at rest")
    assert place.log("t")[1:] == ["in the pod", "done", "after None 0"]


def test_a_task_that_is_cancelled_takes_its_pod_along(place: Place, server: servers.Server) -> None:
    place.write('Sized(task_id="t", script="echo in the pod; sleep 600")')
    server.start()
    server.trigger("pods", "r")
    wait_until(lambda: "in the pod" in place.live(), "the pod's line is read")
    servers.tradewind("runs", "cancel", "pods", "r", "--home", str(place.home))
    server.wait_run("pods", "r")
    wait_until(lambda: not place.namespace.pods(), "the pod is deleted")
    wait_until(lambda: not list(place.home.glob("attempts/*/log")), "the log is at rest")
    assert "on_kill" in place.log("t")
