"""Runs by the command line whose pods go to a namespace of the cluster under test."""

from __future__ import annotations

import json
import pathlib
import textwrap
from typing import Any, ClassVar

import yaml

from tests.support import server as servers
from tests.support.cluster_api import Namespace

_HEAD = """
from datetime import datetime
from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

IMAGE = {image!r}

def pod(task_id, script, **more):
    more = {{"image": IMAGE, "termination_grace_period": 1, **more}}
    return KubernetesPodOperator(task_id=task_id, cmds=["sh", "-c", script], **more)

with DAG("pods", start_date=datetime(2026, 1, 1), schedule=None):
"""


class Place:
    """A home, DAG files, and the settings that bring pods into a test's namespace.

    A suite with more above its tasks has a `head` of its own, which is given the image and the namespace.
    """

    head: ClassVar[str] = _HEAD

    def __init__(self, folder: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, image: str) -> None:
        self.home = folder / "home"
        self.dags = folder / "dags"
        self.dags.mkdir()
        self.namespace = namespace
        self._image = image
        self.options = ["--runtime", "kubernetes", "--set", f"runtime.kubernetes.namespace={namespace.name}"]
        self.use(kubeconfig)

    def use(self, kubeconfig: pathlib.Path) -> None:
        """Be in the cluster who this file says."""
        self.kubeconfig = kubeconfig
        self.options += ["--set", f"runtime.kubernetes.config_file={kubeconfig}"]

    def write(self, tasks: str) -> pathlib.Path:
        file = self.dags / "pods.py"
        head = self.head.format(image=self._image, namespace=self.namespace.name)
        file.write_text(head + textwrap.indent(textwrap.dedent(tasks), "    "))
        return file

    def run(self, tasks: str) -> dict[str, Any]:
        """One run to its end; its document, tasks by id."""
        file = self.write(tasks)
        done = servers.tradewind(
            "run", str(file), "--home", str(self.home), *self.options, "--output=json", "--with-xcom", check=False
        )
        assert done.stdout, done.stderr
        document: dict[str, Any] = json.loads(done.stdout)
        return {**document, **{task["task_id"]: task for task in document["tasks"]}}

    def log(self, task_id: str) -> list[str]:
        """What its containers printed; fails where lines may be missing."""
        lines = self.raw_log(task_id)
        assert [line for line in lines if line[1] == "event" and "gap: " in line[3]] == []
        return [line[3] for line in lines if line[1] != "event"]

    def events(self, task_id: str) -> list[str]:
        """What the cluster and we said in its log."""
        return [line[3].removeprefix("[] ") for line in self.raw_log(task_id) if line[1] == "event"]

    def raw_log(self, task_id: str) -> list[list[str]]:
        """Time, stream, mark and text of each line."""
        files = sorted((self.home / "logs").glob(f"run=*/{task_id}/*.log"))
        return [line.split(" ", 3) for file in files for line in file.read_bytes().decode().split("\n")[:-1]]


def kubeconfig_of(token: str, administrators: pathlib.Path, target: pathlib.Path) -> pathlib.Path:
    """Write the administrator's kubeconfig with a token instead of who the administrator is."""
    told = yaml.safe_load(administrators.read_text())
    told["users"] = [{"name": user["name"], "user": {"token": token}} for user in told["users"]]
    for cluster in told["clusters"]:
        if name := cluster["cluster"].get("certificate-authority"):
            cluster["cluster"]["certificate-authority"] = str(administrators.parent / name)
    target.write_text(yaml.safe_dump(told))
    return target
