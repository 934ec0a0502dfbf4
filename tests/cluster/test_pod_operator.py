"""What we say of a pod, asked of a real API server; and a Secret's value, which nobody but its pod ever sees."""

from __future__ import annotations

import copy
import json
import pathlib
import random
import secrets as chance
from typing import Any

import pytest

from tests.corpus import pod_combinations, pod_differences, pod_sides
from tests.support import server as servers
from tests.support.cluster_api import ApiError, Namespace, wait_until
from tests.support.cluster_runs import Place
from tradewind.pods import validity

pytestmark = pytest.mark.cluster
Json = dict[str, Any]
_OF_THE_CLUSTER = ("serviceAccountName", "priorityClassName", "runtimeClassName", "imagePullSecrets")
"""What must be there before a pod may name it."""


def _refusal(namespace: Namespace, pod: Json) -> str:
    """What the API server says to a pod in a dry run, strict as kubectl's are; nothing where it takes it."""
    sent = copy.deepcopy(pod)
    sent["metadata"]["namespace"] = namespace.name
    for name in _OF_THE_CLUSTER:
        sent["spec"].pop(name, None)
    try:
        namespace.api.raw("POST", namespace.path("pods"), {"dryRun": "All", "fieldValidation": "Strict"}, sent)
    except ApiError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("count", [120, pytest.param(3000, marks=[pytest.mark.long, pytest.mark.timeout(1800)])])
def test_every_pod_that_we_would_send_is_one_that_an_api_server_takes(
    count: int, namespace: Namespace, tmp_path: pathlib.Path
) -> None:
    draw = random.Random(7)
    asked = [pod_combinations.combination(draw) for _ in range(count)]
    pods = [(one, mine["pod"]) for one in asked if "pod" in (mine := pod_sides.ours(one, tmp_path))]
    refused = [(told, one["arguments"]) for one, pod in pods if (told := _refusal(namespace, pod))]
    assert refused == []
    assert len(pods) > count / 2


@pytest.mark.airflow
def test_a_pod_of_the_provider_that_we_call_invalid_is_refused(namespace: Namespace) -> None:
    draw = random.Random(20260102)
    provider = pod_sides.Provider()
    try:
        asked = [pod_combinations.combination(draw) for _ in range(300)]
        pods = [(one, theirs["pod"]) for one in asked if "pod" in (theirs := provider.ask(one))]
    finally:
        provider.close()
    invalid = [(one["arguments"], pod) for one, pod in pods if pod_differences.is_invalid(pod)]
    assert len(invalid) > 10
    taken = [(given, validity.check(pod)) for given, pod in invalid if not _refusal(namespace, pod)]
    assert taken == []


def test_render_asks_the_server_and_prints_what_it_would_make_of_the_pod(place: Place) -> None:
    file = place.write("""
        pod("fits", "true")
        pod("not", "true", service_account_name="nobody")
    """)
    shown = servers.tradewind("render", str(file), "fits", *place.options, "--output", "json").stdout
    asked = ("--server-dry-run", "--output", "json")
    tried = json.loads(servers.tradewind("render", str(file), "fits", *place.options, *asked).stdout)
    assert json.loads(shown)["spec"]["containers"][0]["image"] == tried["spec"]["containers"][0]["image"]
    assert tried["spec"]["schedulerName"] == "default-scheduler"  # the server's own defaults
    refused = servers.tradewind("render", str(file), "not", *place.options, *asked, check=False)
    assert refused.returncode == 2
    assert "nobody" in refused.stderr
    assert "hint:" in refused.stderr
    assert place.namespace.pods() == []


def test_what_is_sent_is_what_render_prints(place: Place) -> None:
    tasks = """
        pod("kept", "true", on_finish_action="keep_pod", labels={"day": "{{ dag_run.run_type }}"},
            env_vars={"A": "1"}, volumes=[], annotations={"a": "b"})
    """
    file = place.write(tasks)
    shown = json.loads(servers.tradewind("render", str(file), "kept", *place.options, "--output", "json").stdout)
    place.run(tasks)
    (pod,) = place.namespace.pods()
    sent = pod["spec"]["containers"][0]
    printed = shown["spec"]["containers"][0]
    assert {name: sent[name] for name in printed} == printed
    assert {name: pod["spec"][name] for name in shown["spec"] if name != "containers"} == {
        name: value for name, value in shown["spec"].items() if name != "containers"
    }
    ids = ("tradewind/attempt-id", "run_id")
    assert {name: pod["metadata"]["labels"][name] for name in shown["metadata"]["labels"] if name not in ids} == {
        name: value for name, value in shown["metadata"]["labels"].items() if name not in ids
    }


def test_a_secrets_value_is_seen_by_its_pod_and_by_nobody_else(place: Place, server: servers.Server) -> None:
    canary = f"canary-{chance.token_hex(12)}"
    secret = {"metadata": {"name": "db"}, "stringData": {"password": canary}}
    place.namespace.create("secrets", {"apiVersion": "v1", "kind": "Secret", **secret})
    place.write(f"""
        from airflow.providers.cncf.kubernetes.secret import Secret

        given = [Secret("env", "PASSWORD", "db", "password"), Secret("volume", "/etc/db", "db")]
        length = {len(canary)}
        pod("uses", 'test $(printf %s "$PASSWORD" | wc -c) = $LENGTH && test -s /etc/db/password && echo fits',
            secrets=given, env_vars={{"LENGTH": str(length)}})
        pod("fails", "exit 7", secrets=given, log_events_on_failure=True)
    """)
    server.start()
    server.trigger("pods", "r")
    run = server.wait_run("pods", "r")
    states = {task["task_id"]: task["state"] for task in run["tasks"]}
    assert states == {"uses": "success", "fails": "failed"}
    wait_until(lambda: place.log("uses") == ["fits"], "the log is there")
    told = json.dumps(run) + json.dumps(place.namespace.api.get(place.namespace.path("events")))
    told += servers.tradewind("tasks", "show", "pods", "r", "fails", "--home", str(place.home), check=False).stdout
    server.stop()
    files = [path for path in place.home.rglob("*") if path.is_file()]
    assert any(path.suffix == ".db" for path in files)
    assert [path.name for path in files if canary.encode() in path.read_bytes()] == []
    assert canary not in told


def test_a_sites_template_and_hook_are_in_every_pod(place: Place, tmp_path: pathlib.Path) -> None:
    template, local = tmp_path / "pod.yaml", tmp_path / "local_settings.py"
    template.write_text("metadata: {labels: {site: here}}\nspec: {containers: [{env: [{name: A, value: a}]}]}")
    local.write_text(
        "from kubernetes.client import models as k8s\n"
        "def pod_mutation_hook(pod):\n"
        "    pod.metadata.labels['hooked'] = pod.metadata.labels['site']\n"
        "    pod.spec.containers[0].env.append(k8s.V1EnvVar(name='B', value='b'))\n"
    )
    for name, path in (("pod_template_file", template), ("local_settings", local)):
        place.options += ["--set", f"runtime.kubernetes.{name}={path}"]
    run = place.run("""
        pod("says", "echo $A $B", on_finish_action="keep_pod")
        pod("renders", "echo $A $B {{ run_id }}")
    """)
    assert run["state"] == "success"
    assert (place.log("says"), place.log("renders")[0].split(" ")[:2]) == (["a b"], ["a", "b"])
    (pod,) = [one for one in place.namespace.pods() if one["metadata"]["name"].startswith("says")]
    assert pod["metadata"]["labels"]["hooked"] == "here"
