"""Pods while the control plane is killed, and pods that are stopped from outside."""

from __future__ import annotations

import json
import pathlib
import time

import pytest

from tests.support import server

pytestmark = pytest.mark.namespaces

DAG_FILE = """
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import DAG
from datetime import timedelta

shared = {{
    "volumes": [{{"name": "v", "hostPath": {{"path": "{folder}"}}}}],
    "volume_mounts": [{{"name": "v", "mountPath": "/v"}}],
    "image": "tools:1",
    "cmds": ["sh", "-c"],
}}
with DAG("pods", schedule=None):
    first = KubernetesPodOperator(
        task_id="waits",
        arguments=["echo '{{{{ run_id }}}}' >> /v/ledger; echo began; while [ ! -e /v/go ]; do sleep 0.05; done; "
                   "echo 5 > /airflow/xcom/return.json; echo done"],
        do_xcom_push=True,
        **shared,
    )
    first >> KubernetesPodOperator(
        task_id="after",
        arguments=["test $N = 5 && echo got it"],
        env_vars={{"N": "{{{{ ti.xcom_pull(task_ids='waits') }}}}"}},
        **shared,
    )

with DAG("late", schedule=None):
    KubernetesPodOperator(
        task_id="late", arguments=["trap 'echo cleaned; exit 0' TERM; echo began; while :; do sleep 0.05; done"],
        execution_timeout=timedelta(seconds=1), **shared,
    )
"""
SETTINGS = """
[[runtime.local.images]]
pattern = "tools:*"
path = "/usr/local/bin:/usr/bin:/bin"
"""


@pytest.fixture
def place(tmp_path: pathlib.Path) -> server.Server:
    (tmp_path / "shared").mkdir()
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "pods.py").write_text(DAG_FILE.format(folder=tmp_path / "shared"))
    (tmp_path / "tradewind.toml").write_text(SETTINGS)
    return server.Server(tmp_path / "home", tmp_path / "dags", "--settings", str(tmp_path / "tradewind.toml"))


def wait_for_dag(place: server.Server, dag_id: str) -> None:
    """Until the server knows it."""
    deadline = time.monotonic() + 30
    while True:
        done = server.tradewind("dags", "list", "--home", str(place.home), "--output", "json", check=False)
        if dag_id in done.stdout:
            return
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.1)


def log(place: server.Server, dag_id: str, run_id: str, task: str) -> list[str]:
    """A task's log."""
    done = server.tradewind("tasks", "logs", dag_id, run_id, task, "--home", str(place.home), "--no-timestamps")
    return done.stdout.splitlines()


def test_a_pod_goes_on_while_the_control_plane_is_killed_and_its_value_arrives(
    place: server.Server, tmp_path: pathlib.Path
) -> None:
    ledger = tmp_path / "shared" / "ledger"
    with place:
        wait_for_dag(place, "pods")
        place.trigger("pods", "one")
        deadline = time.monotonic() + 30
        while not ledger.exists():
            assert time.monotonic() < deadline, place.log.read_text()[-3000:]
            time.sleep(0.02)
        place.kill()
        (tmp_path / "shared" / "go").touch()
        place.start()
        run = place.wait_run("pods", "one")
        assert run["state"] == "success", json.dumps(run)
        assert ledger.read_text() == "one\n"
        assert log(place, "pods", "one", "waits")[1:] == ["began", "done"]
        assert log(place, "pods", "one", "after")[1:] == ["got it"]


def test_a_pod_past_its_execution_timeout_is_stopped_by_sigterm(place: server.Server) -> None:
    with place:
        wait_for_dag(place, "late")
        place.trigger("late", "one")
        run = place.wait_run("late", "one")
        (task,) = run["tasks"]
        assert task["state"] == "failed"
        assert "timeout" in task["verdict"]
        assert log(place, "late", "one", "late")[1:] == ["began", "cleaned"]
