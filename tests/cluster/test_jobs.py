"""Jobs of a real cluster, started, followed, deleted and changed by operators; no process of ours waits for them."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest

from tests.support import cluster_runs
from tests.support import server as servers
from tests.support.cluster_api import Api, Json, Namespace, wait_until

pytestmark = pytest.mark.cluster

_HEAD = """
from datetime import datetime
from airflow import DAG
from airflow.decorators import task
from airflow.providers.cncf.kubernetes.operators.job import (
    KubernetesDeleteJobOperator, KubernetesJobOperator, KubernetesPatchJobOperator,
)
from airflow.providers.cncf.kubernetes.operators.kueue import KubernetesStartKueueJobOperator

IMAGE = {image!r}
NAMESPACE = {namespace!r}

def job(task_id, script, **more):
    more = {{"image": IMAGE, "termination_grace_period": 1, "backoff_limit": 0, **more}}
    return KubernetesJobOperator(task_id=task_id, cmds=["sh", "-c", script], **more)

class Counted(KubernetesJobOperator):
    def __init__(self, *, rows, **more):
        super().__init__(
            image=IMAGE, namespace=NAMESPACE, backoff_limit=0, wait_until_job_complete=True, do_xcom_push=True, **more
        )
        self.rows = rows

    def execute(self, context):
        script = f"echo counting; echo {{self.rows}} > /airflow/xcom/return.json; exit {{self.rows % 2}}"
        self.cmds = ["sh", "-c", script]
        self.labels = {{**self.labels, "day": context["ds"]}}
        found = super().execute(context)
        print("it gave", found)
        return found * 10

with DAG("jobs", start_date=datetime(2026, 1, 1), schedule=None):
"""
_JOBS = "apis/batch/v1"


class Place(cluster_runs.Place):
    """The same for Jobs, whose helpers have the cluster's own image."""

    head = _HEAD

    def __init__(self, folder: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, image: str) -> None:
        super().__init__(folder, kubeconfig, namespace, image)
        self.options += ["--set", f"runtime.kubernetes.result.image={image}"]

    def log(self, task_id: str) -> list[str]:
        """Its lines, without times."""
        files = sorted((self.home / "logs").glob(f"run=*/{task_id}/*.log"))
        return [line.split(" ", 3)[3] for file in files for line in file.read_text().splitlines()]

    def output(self, task_id: str) -> list[str]:
        """What its containers printed."""
        files = sorted((self.home / "logs").glob(f"run=*/{task_id}/*.log"))
        lines = [line.split(" ", 3) for file in files for line in file.read_text().splitlines()]
        return [line[3] for line in lines if line[1] != "event"]

    def jobs(self) -> list[Json]:
        return list(self.namespace.api.get(self.namespace.path("jobs", group=_JOBS))["items"])

    def job(self, name: str) -> Json:
        return self.namespace.api.get(self.namespace.path("jobs", name, group=_JOBS))


_TASKS = """
from datetime import timedelta

three = job(
    "three", "echo index $JOB_COMPLETION_INDEX", parallelism=3, completions=3, completion_mode="Indexed",
    wait_until_job_complete=True, labels={"team": "data"},
)

@task
def after(name, found):
    assert found["status"]["succeeded"] == 3, found
    assert found["metadata"]["name"] == name
    assert found["metadata"]["labels"]["team"] == "data"

after(three.output["job_name"], three.output["job"])

values = job(
    "values", "echo $JOB_COMPLETION_INDEX > /airflow/xcom/return.json", parallelism=2, completions=2,
    completion_mode="Indexed", wait_until_job_complete=True, do_xcom_push=True,
)
value = job("value", "echo 5 > /airflow/xcom/return.json", wait_until_job_complete=True, do_xcom_push=True)

@task
def got(several, one):
    assert several == [0, 1], several
    assert one == 5, one

got(values.output, value.output)

counted = Counted(task_id="counted", rows=4)

@task
def ten_times(found, job):
    assert found == 40, found
    assert "day" in job["metadata"]["labels"], job

ten_times(counted.output, counted.output["job"])
Counted(task_id="odd", rows=3)

job("goes-on", "sleep 300", ttl_seconds_after_finished=60)
job("fails", "echo trying; exit 3", backoff_limit=1, wait_until_job_complete=True)
job("slow", "sleep 100", active_deadline_seconds=2, wait_until_job_complete=True)
job("long", "trap 'exit 0' TERM; sleep 300 & wait", wait_until_job_complete=True,
    execution_timeout=timedelta(seconds=5))
job("bad", "true", full_job_spec={"spec": {"podFailurePolicy": {"rules": [{"action": "Nope"}]}}})
job("first", "true", name="one", random_name_suffix=False) >> job(
    "second", "true", name="one", random_name_suffix=False)
job("from_file", "echo $WHO", job_template_file="job.yaml", wait_until_job_complete=True, parallelism=2)
KubernetesStartKueueJobOperator(
    task_id="queued", queue_name="user-queue", image=IMAGE, cmds=["true"], annotations={"a": "b"}
)

held = job("held", "true", suspend=True, name="held", random_name_suffix=False)
go = KubernetesPatchJobOperator(
    task_id="go", name=held.output["job_name"], namespace=NAMESPACE, body={"spec": {"suspend": False}}
)
keeps = KubernetesDeleteJobOperator(
    task_id="keeps", name=held.output["job_name"], namespace=NAMESPACE, delete_on_status="Failed",
    wait_for_completion=True, poll_interval=0.5,
)
deletes = KubernetesDeleteJobOperator(
    task_id="deletes", name="job-held", namespace=NAMESPACE, delete_on_status="Complete"
)
again = KubernetesDeleteJobOperator(task_id="again", name="job-held", namespace=NAMESPACE)

@task
def seen(patched):
    assert patched["spec"]["suspend"] is False, patched

[go, seen(go.output)] >> keeps >> deletes >> again
"""
_TEMPLATE = """
apiVersion: batch/v1
kind: Job
metadata: {labels: {from: file}, name: "from-file"}
spec:
  completions: 2
  backoffLimit: 5
  template:
    spec:
      containers:
      - {name: base, image: nobody.invalid/none, env: [{name: WHO, value: me}]}
"""


class Ran:
    """One run of many tasks, and what is in its namespace afterwards."""

    def __init__(self, place: Place) -> None:
        self.place = place
        (place.dags / "job.yaml").write_text(_TEMPLATE)
        self._tasks = place.run(_TASKS)

    def state(self, task_id: str) -> str:
        return str(self._tasks[task_id]["state"])

    def verdict(self, task_id: str) -> str:
        return str(self._tasks[task_id]["verdict"])

    def texts(self, task_id: str) -> list[str]:
        """Printed lines without the marks of their pods, sorted."""
        return sorted(line.partition("] ")[2] for line in self.place.output(task_id))

    def jobs_of(self, task_id: str) -> list[Json]:
        marked = "tradewind/task-id"
        return [one for one in self.place.jobs() if one["metadata"]["annotations"][marked] == task_id]

    def pods_of(self, task_id: str) -> list[Json]:
        pods = self.place.namespace.pods()
        return [one for one in pods if one["metadata"]["labels"].get("task_id") == task_id]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory, kubeconfig: pathlib.Path, api: Api, busybox: str) -> Iterator[Ran]:
    with api.namespace() as namespace:
        yield Ran(Place(tmp_path_factory.mktemp("jobs"), kubeconfig, namespace, busybox))


def test_a_job_is_waited_for_its_pods_logs_are_read_and_its_values_go_on(ran: Ran) -> None:
    assert (ran.state("three"), ran.state("after")) == ("success", "success"), ran.verdict("after")
    assert ran.texts("three") == ["index 0", "index 1", "index 2"]
    assert any("3 of 3 done" in line for line in ran.place.log("three"))
    wait_until(lambda: not ran.pods_of("three"), "the pods are deleted, as on_finish_action says")
    (kept,) = ran.jobs_of("three")
    assert kept["metadata"]["name"].startswith("job-three-")


def test_values_of_a_jobs_pods_are_a_list_and_one_alone_is_itself(ran: Ran) -> None:
    assert [ran.state(one) for one in ("values", "value", "got")] == ["success"] * 3, ran.verdict("got")


def test_without_waiting_the_task_is_done_when_the_job_is_there(ran: Ran) -> None:
    assert ran.state("goes-on") == "success"
    (made,) = ran.jobs_of("goes-on")
    assert (made["spec"]["ttlSecondsAfterFinished"], made["spec"]["backoffLimit"]) == (60, 0)


def test_pods_of_a_job_are_the_jobs_and_carry_nothing_that_the_sweeper_looks_for(ran: Ran) -> None:
    wait_until(lambda: len(ran.pods_of("goes-on")) == 1, "the pod of the job is there")
    (pod,) = ran.pods_of("goes-on")
    marks = {**pod["metadata"]["labels"], **(pod["metadata"].get("annotations") or {})}
    assert not [key for key in marks if key.startswith("tradewind/")]
    assert "app.kubernetes.io/managed-by" not in marks
    assert [owner["kind"] for owner in pod["metadata"]["ownerReferences"]] == ["Job"]


def test_a_job_that_fails_says_why_in_words_of_its_last_pod(ran: Ran) -> None:
    assert ran.state("fails") == "failed"
    assert "failed (BackoffLimitExceeded)" in ran.verdict("fails")
    assert ran.verdict("fails").endswith("Container 'base' failed with exit code 3.")
    assert ran.texts("fails") == ["trying", "trying"]


def test_a_job_past_its_deadline_is_told_so(ran: Ran) -> None:
    assert ran.state("slow") == "failed"
    assert "DeadlineExceeded" in ran.verdict("slow")


def test_a_job_whose_task_times_out_is_deleted_with_its_pods(ran: Ran) -> None:
    assert ran.state("long") == "failed"
    assert "execution timeout" in ran.verdict("long")
    wait_until(lambda: not ran.jobs_of("long") and not ran.pods_of("long"), "job and pods are gone")


def test_jobs_are_patched_waited_for_and_deleted_by_their_own_operators(ran: Ran) -> None:
    chain = ("held", "go", "seen", "keeps", "deletes", "again")
    assert [ran.state(one) for one in chain] == ["success"] * len(chain)
    assert any("stays: it is to be deleted when it is Failed" in line for line in ran.place.log("keeps"))
    assert any("is not there" in line for line in ran.place.log("again"))
    wait_until(lambda: not ran.jobs_of("held") and not ran.pods_of("held"), "job and pods are gone")


def test_a_job_for_kueue_waits_suspended_in_its_queue(ran: Ran) -> None:
    assert ran.state("queued") == "success"
    (made,) = ran.jobs_of("queued")
    assert made["spec"]["suspend"] is True
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "user-queue"
    assert made["metadata"]["annotations"]["a"] == "b"


def test_a_job_that_the_cluster_refuses_fails_with_its_reason(ran: Ran) -> None:
    assert ran.state("bad") == "failed"
    assert "podFailurePolicy" in ran.verdict("bad")


def test_a_name_that_is_taken_is_told_with_its_owner(ran: Ran) -> None:
    assert (ran.state("first"), ran.state("second")) == ("success", "failed")
    assert "exists already and belongs to attempt" in ran.verdict("second")


def test_a_job_template_file_is_below_the_operators_own_arguments(ran: Ran) -> None:
    assert ran.state("from_file") == "success"
    (made,) = ran.jobs_of("from_file")
    assert (made["metadata"]["labels"]["from"], made["spec"]["completions"]) == ("file", 2)
    assert made["spec"]["backoffLimit"] == 0
    assert made["metadata"]["name"].startswith("job-from-file-")
    assert ran.texts("from_file") == ["me", "me"]


@pytest.mark.long
def test_a_job_is_taken_up_again_by_the_next_control_plane(
    tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, busybox: str
) -> None:
    place = Place(tmp_path, kubeconfig, namespace, busybox)
    place.write("""
        job("lasts", "for i in $(seq 6); do echo line $i; sleep 1; done", wait_until_job_complete=True)
    """)
    server = servers.Server(place.home, place.dags, *place.options)
    try:
        server.start().trigger("jobs", "one")
        wait_until(lambda: bool(place.jobs()), "the job is there")
        server.kill()
        assert server.start().wait_run("jobs", "one")["state"] == "success"
    finally:
        server.stop()
    assert len(place.jobs()) == 1
    assert [line.partition("] ")[2] for line in place.output("lasts")] == [f"line {n}" for n in range(1, 7)]


def test_a_subclass_makes_its_job_when_it_runs_and_goes_on_with_what_that_gave(ran: Ran) -> None:
    assert (ran.state("counted"), ran.state("ten_times")) == ("success", "success"), ran.verdict("counted")
    assert {"counting", "it gave 4"} <= set(ran.texts("counted")) | set(ran.place.output("counted"))
    assert ran.state("odd") == "failed"
    assert ran.verdict("odd").endswith("Container 'base' failed with exit code 1.")
    assert len(ran.jobs_of("odd")) == 1
