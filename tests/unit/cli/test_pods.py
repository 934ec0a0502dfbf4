"""Commands that look into a cluster, against an API server that says what its script says."""

from __future__ import annotations

import asyncio
import contextlib
import json
import pathlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from tests.support import rows
from tests.unit.runtime_kubernetes import api_server as api
from tradewind import settings as settings_tree
from tradewind.cli import main
from tradewind.model.states import AttemptPhase, EndReason
from tradewind.pods.identity import Identity
from tradewind.wiring import homes, storage

HOME_ID = "0123456789abcdef0123456789abcdef"


class Cluster:
    """Pods of one namespace; deleted ones are gone."""

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.deleted: list[tuple[str, str]] = []
        self.answer: api.Answer | None = None

    def add(self, name: str, *, home: str = HOME_ID, age: str = "2026-01-01T00:00:00Z", **status: Any) -> None:
        pod = api.pod(name)
        identity = Identity(attempt_id=f"attempt-of-{name}", dag_id="d", task_id="t", run_id="r")
        pod["metadata"] |= {
            "annotations": {**identity.annotations(), "tradewind/home": home},
            "creationTimestamp": age,
        }
        pod["spec"]["containers"][0]["env"] = [{"name": "PASSWORD", "value": "canary"}]
        pod["status"] |= status
        self.pods[name] = pod

    def __call__(self, request: api.Request) -> api.Answer:
        if self.answer is not None:
            return self.answer
        name = request.path.rpartition("/")[2]
        if request.path.endswith("/events"):
            event = {"type": "Warning", "reason": "FailedScheduling", "message": "0/1 nodes", "count": 3}
            return api.Answer(body=json.dumps({"items": [event]}).encode())
        if name == "pods":
            return api.listed(*self.pods.values())
        if name not in self.pods:
            return api.refused(404, f'pods "{name}" not found')
        if request.method == "DELETE":
            self.deleted.append((name, json.loads(request.body)["preconditions"]["uid"]))
            del self.pods[name]
            return api.Answer(body=b"{}")
        return api.Answer(body=json.dumps(self.pods[name]).encode())


class Place:
    """A home, and a kubeconfig of the cluster."""

    def __init__(self, folder: pathlib.Path, cluster: Cluster, server: api.ApiServer) -> None:
        self.cluster = cluster
        self.home = folder / "home"
        self.home.mkdir()
        (self.home / "kubernetes-id").write_text(HOME_ID)
        self.kubeconfig = folder / "config"
        told = {
            "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.port}"}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": "dev", "context": {"cluster": "c", "user": "u", "namespace": "a"}}],
            "current-context": "dev",
        }
        self.kubeconfig.write_text(yaml.safe_dump(told))
        settings = f'[runtime.kubernetes]\nconfig_file = "{self.kubeconfig}"\n'
        (self.home / "tradewind.toml").write_text(settings)

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(main.app, [*arguments, "--home", str(self.home)])

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        done = self.call(*arguments, "-o", "json")
        assert done.exit_code == 0, done.output
        return list(json.loads(done.stdout))


@contextlib.contextmanager
def serving(script: api.Script) -> Iterator[api.ApiServer]:
    """The server on a loop of its own, since a command has its own too."""
    loop, served, done = asyncio.new_event_loop(), api.ApiServer(script), asyncio.Event()
    ready = threading.Event()

    async def serve() -> None:
        async with served.serving():
            ready.set()
            await done.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield served
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[Place]:
    cluster = Cluster()
    with serving(cluster) as server:
        yield Place(tmp_path, cluster, server)


def test_pods_are_listed_with_what_they_wait_for(place: Place) -> None:
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available"}
    place.cluster.add("big", phase="Pending", conditions=[waits])
    place.cluster.add("foreign", home="f" * 32)
    listed = {row["pod"]: row for row in place.rows("pods", "list")}
    assert "0/1 nodes are available" in listed["big"]["reason"]
    assert (listed["big"]["task"], listed["big"]["attempt"]) == ("t", "unknown")
    assert listed["foreign"]["attempt"] == "another home's"
    assert "big" in place.call("pods", "list", "-o", "plain").stdout


def test_a_pod_is_shown_with_its_events_and_without_its_secrets(place: Place) -> None:
    place.cluster.add("p")
    done = place.call("pods", "show", "p")
    assert done.exit_code == 0, done.output
    assert "FailedScheduling" in done.stdout
    assert "PASSWORD" in done.stdout
    assert "canary" not in done.stdout
    told = json.loads(place.call("pods", "show", "p", "-o", "json").stdout)
    assert told["manifest"]["spec"]["containers"][0]["env"][0]["value"] == "***"


def test_a_pod_that_is_not_there_is_told(place: Place) -> None:
    done = place.call("pods", "show", "nothing")
    assert done.exit_code == 2
    assert "pod nothing: is not in a" in done.stderr


def test_cleanup_deletes_only_orphans_of_this_home_that_are_old_enough_and_only_with_yes(place: Place) -> None:
    place.cluster.add("orphan", phase="Succeeded")
    place.cluster.add("foreign", home="f" * 32, phase="Succeeded")
    place.cluster.add("young", age=datetime.now(UTC).isoformat(), phase="Succeeded")
    dry = place.call("pods", "cleanup")
    assert "1 pods would be deleted" in dry.stderr
    assert place.cluster.deleted == []
    (row,) = place.rows("pods", "cleanup", "--yes")
    assert (row["pod"], row["result"]) == ("orphan", "deleted")
    assert place.cluster.deleted == [("orphan", "uid-of-orphan")]


def test_a_pod_of_a_live_attempt_is_never_cleaned_up(place: Place) -> None:
    place.cluster.add("lives", phase="Running")
    place.cluster.add("unsealed", phase="Succeeded")
    place.cluster.add("over", phase="Succeeded")

    async def keep() -> None:
        async with storage.open_store(homes.Home(place.home), settings_tree.Settings()) as store:
            ended: dict[str, Any] = {"phase": AttemptPhase.ENDED, "ended_at": rows.START, "reason": EndReason.COMPLETED}
            batch = rows.batch(
                rows.run(1),
                rows.task(1),
                rows.attempt("attempt-of-lives", 1),
                rows.attempt("attempt-of-unsealed", 1, **ended),
                rows.attempt("attempt-of-over", 1, **ended),
            )
            await store.runs.commit(batch, await rows.lead(store))

    asyncio.run(keep())
    (place.home / "attempts" / "attempt-of-unsealed").mkdir(parents=True)
    (row,) = place.rows("pods", "cleanup", "--yes")
    assert row["pod"] == "over"
    assert set(place.cluster.pods) == {"lives", "unsealed"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (api.refused(401, "Unauthorized"), "log in anew"),
        (
            api.refused(
                403, 'pods is forbidden: User "ann" cannot list resource "pods" in API group "" in the namespace "a"'
            ),
            "tradewind kubernetes role",
        ),
        (api.refused(503, "no endpoints"), "look at the API server"),
    ],
)
def test_what_keeps_from_the_cluster_is_told_with_what_to_do(place: Place, answer: api.Answer, said: str) -> None:
    place.cluster.answer = answer
    done = place.call("pods", "list")
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_context_that_there_is_not_is_told_with_those_that_there_are(place: Place) -> None:
    done = place.call("pods", "list", "--context", "prod")
    assert done.exit_code == 2
    assert "has no context 'prod'" in done.stderr
    assert "there are: dev" in done.stderr


def test_without_a_kubeconfig_it_is_said_where_one_is_looked_for(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    (place.home / "tradewind.toml").unlink()
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    done = place.call("pods", "list")
    assert done.exit_code == 2
    assert "no cluster is known" in done.stderr
    assert "KUBECONFIG" in done.stderr


def test_doctor_looks_at_the_cluster_where_it_is_asked_to(place: Place) -> None:
    place.cluster.answer = api.refused(401, "Unauthorized")
    done = place.call("doctor", "--runtime", "kubernetes", "-o", "json")
    assert done.exit_code == 1
    (found,) = [row for row in json.loads(done.stdout) if row["check"] == "cluster"]
    assert (found["state"], found["hint"][:12]) == ("fail", "log in anew,")
    assert not [row for row in json.loads(place.call("doctor", "-o", "json").stdout) if row["check"] == "cluster"]


def test_the_role_is_yaml_for_kubectl(place: Place) -> None:
    done = place.call("kubernetes", "role", "-n", "batch", "--feature", "none")
    assert done.exit_code == 0, done.output
    account, role, binding = yaml.safe_load_all(done.stdout)
    assert account["metadata"] == {"name": "tradewind", "namespace": "batch"}
    assert [rule["resources"] for rule in role["rules"]] == [["pods"], ["pods/log"]]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "tradewind", "namespace": "batch"}]
