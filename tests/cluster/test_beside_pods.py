"""Objects made and deleted, commands in pods that are there, and functions as pods, on a real cluster."""

from __future__ import annotations

import pathlib
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import cluster_runs
from tests.support.cluster_api import Api, Namespace, wait_until

pytestmark = pytest.mark.cluster

_HEAD = """
from datetime import datetime, timedelta
from airflow import DAG
from airflow.decorators import task
from airflow.providers.cncf.kubernetes.operators.pod_exec import KubernetesPodExecOperator
from airflow.providers.cncf.kubernetes.operators.resource import (
    KubernetesCreateResourceOperator, KubernetesDeleteResourceOperator,
)

NAMESPACE = {namespace!r}
BUSYBOX = {image!r}
PYTHON = {python!r}
KUBECONFIG = {kubeconfig!r}

def run(task_id, *command, **more):
    return KubernetesPodExecOperator(
        task_id=task_id, pod_name="target", namespace=NAMESPACE, command=list(command), **more)

with DAG("beside", start_date=datetime(2026, 1, 1), schedule=None):
"""
_TASKS = '''
MAPS = "\\n---\\n".join([
    '{apiVersion: v1, kind: ConfigMap, metadata: {name: "made-{{ ds_nodash }}"}, data: {day: "{{ ds }}"}}',
    '{apiVersion: v1, kind: ConfigMapList, items: [{metadata: {name: second}, data: {a: b}}]}',
])
TARGET = """
apiVersion: v1
kind: Pod
metadata: {name: target}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - {name: main, image: "%s", imagePullPolicy: IfNotPresent, command: [sleep, "600"]}
  - {name: other, image: "%s", imagePullPolicy: IfNotPresent, command: [sleep, "600"]}
""" % (BUSYBOX, BUSYBOX)

makes = KubernetesCreateResourceOperator(task_id="makes", yaml_conf=MAPS, namespace=NAMESPACE)
takes = KubernetesDeleteResourceOperator(
    task_id="takes", yaml_conf=MAPS.replace("made-", "gone-"), namespace=NAMESPACE)
twice = KubernetesCreateResourceOperator(
    task_id="twice", yaml_conf="{apiVersion: v1, kind: ConfigMap, metadata: {name: twice}}", namespace=NAMESPACE)
again = KubernetesCreateResourceOperator(
    task_id="again", yaml_conf="{apiVersion: v1, kind: ConfigMap, metadata: {name: twice}}", namespace=NAMESPACE)
unknown = KubernetesCreateResourceOperator(
    task_id="unknown", yaml_conf="{apiVersion: v1, kind: Wish, metadata: {name: w}}", namespace=NAMESPACE)
makes >> takes
twice >> again

target = KubernetesCreateResourceOperator(task_id="target", yaml_conf=TARGET, namespace=NAMESPACE)

says = run("says", "sh", "-c", "echo out $HOSTNAME; echo err >&2; printf last", do_xcom_push=True)
fails = run("fails", "sh", "-c", "echo before; exit 7", container_name="other")
nobody = run("nobody", "no-such-program")
much = run("much", "sh", "-c", "head -c 3000 /dev/zero | tr '\\\\0' x", do_xcom_push=True, max_xcom_output_size=1000)
elsewhere = run("elsewhere", "true", container_name="third")
waits = run("waits", "true", retries=30, retry_delay=timedelta(seconds=0.5))

@task
def hooked():
    from airflow.providers.cncf.kubernetes.hooks.kubernetes import KubernetesHook
    hook = KubernetesHook(config_file=KUBECONFIG)
    assert hook.get_pod("target", NAMESPACE).status.phase == "Running"
    assert hook.get_pod_logs("target", "main", NAMESPACE).data == b""
    assert [one.metadata.name for one in hook.list_jobs_from_namespace(NAMESPACE).items] == []

waits >> hooked()

@task
def heard(text):
    assert text == "out target\\nlast", repr(text)

target >> waits >> [says, fails, nobody, much, elsewhere]
heard(says.output)

POD = {"namespace": NAMESPACE, "termination_grace_period": 1, "do_xcom_push": True}

@task.kubernetes(image=PYTHON, **POD)
def add(a, b) -> dict:
    import socket
    print("adding in", socket.gethostname())
    return {"sum": a + b}

@task.kubernetes_cmd(image=BUSYBOX, **POD)
def say(n, ds=None):
    return ["sh", "-c", f"echo [{n}] > /airflow/xcom/return.json; echo said {n} {ds} in {{{{ dag.dag_id }}}}"]

@task
def total(found):
    assert list(found) == [[2], [5]], list(found)

@task
def summed(one):
    assert one == 3, one

added = add(1, 2)
summed(added["sum"])
total(say.expand(n=[2, 5]))
'''


class Place(cluster_runs.Place):
    """Files with these operators, and the images that are there."""

    python = ""

    def write(self, tasks: str) -> pathlib.Path:
        file = self.dags / "beside.py"
        told = {"image": self._image, "python": self.python, "kubeconfig": str(self.kubeconfig)}
        made = _HEAD.format(namespace=self.namespace.name, **told)
        file.write_text(made + textwrap.indent(textwrap.dedent(tasks), "    "))
        return file

    def lines(self, task_id: str) -> list[str]:
        """Of its logs, without their times."""
        files = sorted((self.home / "logs").glob(f"run=*/{task_id}/*.log"))
        return [line.split(" ", 1)[1] for file in files for line in file.read_text().splitlines()]


class Ran:
    """One run of all of it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.namespace = place.namespace
        self._tasks: dict[str, Any] = place.run(_TASKS)

    def state(self, task_id: str) -> str:
        return str(self._tasks[task_id]["state"])

    def verdict(self, task_id: str) -> str:
        return str(self._tasks[task_id]["verdict"])

    def printed(self, task_id: str) -> list[str]:
        return [line for line in self.place.lines(task_id) if not line.startswith("event")]


@pytest.fixture(scope="module")
def ran(
    tmp_path_factory: pytest.TempPathFactory, kubeconfig: pathlib.Path, api: Api, busybox: str, python_image: str
) -> Iterator[Ran]:
    with api.namespace() as namespace:
        place = Place(tmp_path_factory.mktemp("beside"), kubeconfig, namespace, busybox)
        place.python = python_image
        place.options += ["--set", f"runtime.kubernetes.result.image={busybox}"]
        yield Ran(place)


def _has(namespace: Namespace, kind: str, name: str) -> bool:
    return name in {one["metadata"]["name"] for one in namespace.api.get(namespace.path(kind))["items"]}


def test_objects_are_made_from_yaml_with_templates_and_lists(ran: Ran) -> None:
    assert ran.state("makes") == "success", ran.verdict("makes")
    maps = list(ran.namespace.api.get(ran.namespace.path("configmaps"))["items"])
    (made,) = [one for one in maps if one["metadata"]["name"].startswith("made-")]
    assert made["data"]["day"].replace("-", "") == made["metadata"]["name"].removeprefix("made-")


def test_what_is_not_there_to_be_deleted_is_told_and_the_rest_is_deleted(ran: Ran) -> None:
    assert ran.state("takes") == "failed"
    assert "not found" in ran.verdict("takes")
    assert not _has(ran.namespace, "configmaps", "second")


def test_what_another_task_made_is_not_taken_for_ones_own(ran: Ran) -> None:
    assert (ran.state("twice"), ran.state("again")) == ("success", "failed")
    assert "ConfigMap twice: exists already" in ran.verdict("again")


def test_a_kind_that_the_cluster_does_not_have_is_told_with_a_hint(ran: Ran) -> None:
    assert ran.state("unknown") == "failed"
    assert "the cluster has no such kind" in ran.verdict("unknown")
    assert "kubectl api-resources" in ran.verdict("unknown")


def test_a_command_runs_in_a_pod_that_is_there_and_its_output_is_the_value(ran: Ran) -> None:
    assert (ran.state("says"), ran.state("heard")) == ("success", "success"), ran.verdict("says")
    assert sorted(ran.printed("says")) == ["stdout F err", "stdout F last", "stdout F out target"]
    assert _has(ran.namespace, "pods", "target")


def test_a_command_that_fails_is_told_with_its_exit_code(ran: Ran) -> None:
    assert ran.state("fails") == "failed"
    assert "in container 'other' of pod" in ran.verdict("fails")
    assert ran.verdict("fails").endswith("failed with exit code 7.")
    assert ran.printed("fails") == ["stdout F before"]


def test_a_program_that_is_not_there_is_told(ran: Ran) -> None:
    assert ran.state("nobody") == "failed"
    assert "no-such-program" in ran.verdict("nobody") or "exit code 127" in ran.verdict("nobody")


def test_more_output_than_is_kept_fails_and_says_how_to_keep_more(ran: Ran) -> None:
    assert ran.state("much") == "failed"
    assert "max_xcom_output_size" in ran.verdict("much")


def test_a_container_that_is_not_there_is_told_with_those_that_are(ran: Ran) -> None:
    assert ran.state("elsewhere") == "failed"
    assert "it has: main, other" in ran.verdict("elsewhere")


def test_a_python_task_asks_the_cluster_by_the_hook(ran: Ran) -> None:
    assert ran.state("hooked") == "success", ran.verdict("hooked")


def test_a_function_runs_in_an_image_that_has_a_python(ran: Ran) -> None:
    assert (ran.state("add"), ran.state("summed")) == ("success", "success"), ran.verdict("add")
    (line,) = ran.printed("add")
    assert line.startswith("stdout F adding in k8s-airflow-pod-add-")


def test_a_function_returns_the_command_of_any_image_also_mapped(ran: Ran) -> None:
    assert (ran.state("say"), ran.state("total")) == ("success", "success"), ran.verdict("total")
    said = sorted(line.split(" ")[3] for line in ran.printed("say"))
    assert said == ["2", "5"]
    assert all(line.endswith("in beside") for line in ran.printed("say"))
    wait_until(
        lambda: [one["metadata"]["name"] for one in ran.namespace.pods()] == ["target"], "pods of functions are deleted"
    )
