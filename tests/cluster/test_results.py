"""Values that pods of a real cluster hand over, whole or with the reason why not."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import server as servers
from tests.support.cluster_api import Api, Namespace, wait_until
from tests.support.cluster_runs import Place

pytestmark = pytest.mark.cluster

_RESTRICTED = {
    "runAsNonRoot": True,
    "runAsUser": 1000,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
_LINES = """
RETURN = "/airflow/xcom/return.json;"  # a text that ends in .json names a template file
BY_MESSAGE = {"tradewind/result-from": "termination-message"}

def returning(task_id, script, **more):
    return pod(task_id, script, do_xcom_push=True, **more)

"""


class Results(Place):
    """A place whose helpers have the cluster's own image."""

    def __init__(self, folder: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, image: str) -> None:
        super().__init__(folder, kubeconfig, namespace, image)
        self.options += ["--set", f"runtime.kubernetes.result.image={image}", "--set", "dags.defaults.retries=0"]

    def run(self, tasks: str) -> dict[str, Any]:
        """As ever; the functions of this module are there."""
        return super().run(_LINES + tasks)

    def values(self, key: str = "return_value") -> dict[str, Any]:
        """What tasks pushed, by task and map index."""
        told = servers.tradewind(
            "xcom", "list", "pods", "latest", "--key", key, "--home", str(self.home), "--output", "json"
        )
        rows = json.loads(told.stdout)
        return {f"{row['task_id']}{'' if row['map_index'] < 0 else row['map_index']}": row["value"] for row in rows}


@pytest.fixture
def place(tmp_path: pathlib.Path, kubeconfig: pathlib.Path, namespace: Namespace, busybox: str) -> Results:
    return Results(tmp_path, kubeconfig, namespace, busybox)


@pytest.fixture
def restricted(tmp_path: pathlib.Path, kubeconfig: pathlib.Path, api: Api, busybox: str) -> Iterator[Results]:
    with api.namespace({"pod-security.kubernetes.io/enforce": "restricted"}) as namespace:
        yield Results(tmp_path, kubeconfig, namespace, busybox)


def test_values_arrive_whole_and_feed_templates_and_mapped_tasks(place: Results) -> None:
    run = place.run("""
small = returning("small", "echo '{\\"rows\\": [1, 2]}' > " + RETURN)
big = returning("big", "(printf '\\"'; head -c 1048576 /dev/zero | tr '\\\\0' x; printf '\\"') > " + RETURN)
listed = returning("listed", "echo '[[\\"a\\"], [\\"b\\"]]' > " + RETURN)
nothing = returning("nothing", "true")
empty = returning("empty", "touch " + RETURN)
said = returning("said", "printf '[1]' > /dev/termination-log", annotations=BY_MESSAGE)
small >> pod("uses", "echo {{ ti.xcom_pull('small')['rows'][1] }}")
KubernetesPodOperator.partial(task_id="each", image=IMAGE, cmds=["echo"]).expand(arguments=listed.output)
""")
    assert run["state"] == "success", run
    values = place.values()
    assert values.pop("big") == "x" * (1 << 20)
    assert values == {"small": {"rows": [1, 2]}, "listed": [["a"], ["b"]], "said": [1]}
    assert place.log("uses") == ["2"]
    assert sorted(place.log("each")) == ["a", "b"]
    assert place.log("small") == place.log("big") == []
    assert place.values("pod_namespace")["small"] == place.namespace.name
    wait_until(lambda: not place.namespace.pods(), "the pods are deleted")


def test_a_value_that_cannot_be_taken_is_told_and_exit_codes_are_kept(place: Results) -> None:
    run = place.run("""
returning("huge", "head -c 5242880 /dev/zero | tr '\\\\0' 1 > " + RETURN)
returning("bad", "echo '{not json' > " + RETURN)
returning("code", "echo 7 > " + RETURN + "exit 3")
returning("hidden", "umask 077; echo 1 > " + RETURN, xcom_sidecar_container_security_context={"runAsUser": 2000})
returning("long", "head -c 5000 /dev/zero | tr '\\\\0' 1 > /dev/termination-log",
    annotations=BY_MESSAGE)
""")
    assert run["state"] == "failed"
    assert "return.json is 5.0 MiB, over the limit of 4.0 MiB" in run["huge"]["verdict"]
    assert "return.json is not JSON" in run["bad"]["verdict"]
    assert "cannot be read by container 'airflow-xcom-sidecar'" in run["hidden"]["verdict"]
    assert "may be cut: a kubelet keeps 4096 bytes" in run["long"]["verdict"]
    assert "exit code 3" in run["code"]["verdict"]
    assert place.values() == {"code": 7}


def test_in_a_pod_of_six_containers_a_message_that_was_cut_costs_no_value(place: Results) -> None:
    run = place.run("""
talk = ["sh", "-c", "head -c 4000 /dev/zero | tr '\\\\0' y > /dev/termination-log"]
others = [{"name": f"other-{n}", "image": IMAGE, "command": talk} for n in range(5)]
template = {"spec": {"containers": [{"name": "base"}, *others]}}
returning("six", "(printf '\\"'; head -c 3000 /dev/zero | tr '\\\\0' x; printf '\\"') > " + RETURN,
    pod_template_dict=template)
returning("cut", "head -c 3000 /dev/zero | tr '\\\\0' 1 > /dev/termination-log",
    pod_template_dict=template, annotations=BY_MESSAGE)
""")
    assert run["six"]["state"] == "success", run
    assert place.values() == {"six": "x" * 3000}
    assert "keeps 2048 bytes of each in a pod of 6 containers" in run["cut"]["verdict"]


def test_a_container_that_runs_on_neither_keeps_the_value_nor_the_pod(place: Results) -> None:
    run = place.run("""
proxy = {"name": "proxy", "image": IMAGE, "command": ["sleep", "3600"]}
template = {"spec": {"containers": [{"name": "base"}, proxy]}}
returning("meshed", "(printf '\\"'; head -c 20000 /dev/zero | tr '\\\\0' x; printf '\\"') > " + RETURN,
    pod_template_dict=template)
""")
    assert run["state"] == "success", run
    assert place.values() == {"meshed": "x" * 20000}
    wait_until(lambda: not place.namespace.pods(), "the pod is deleted")


def test_a_restricted_namespace_takes_restricted_pods_with_the_helper(restricted: Results) -> None:
    run = restricted.run(f"""
returning("own", "umask 077; echo 1 > " + RETURN, container_security_context={_RESTRICTED!r})
returning("of_pod", "echo 2 > " + RETURN, container_security_context={{
    "allowPrivilegeEscalation": False, "capabilities": {{"drop": ["ALL"]}}}},
    security_context={{"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {{"type": "RuntimeDefault"}}}})
""")
    assert run["state"] == "success", run
    assert restricted.values() == {"own": 1, "of_pod": 2}


def test_a_quota_counts_the_helper_too(place: Results) -> None:
    hard = {"limits.cpu": "1", "limits.memory": "1Gi", "requests.cpu": "1", "requests.memory": "1Gi"}
    place.namespace.create("resourcequotas", {"metadata": {"name": "all"}, "spec": {"hard": hard}})
    wait_until(
        lambda: bool(place.namespace.api.get(place.namespace.path("resourcequotas", "all"))["status"].get("used")),
        "the quota counts",
    )
    run = place.run("""
limits = {"cpu": "200m", "memory": "64Mi"}
returning("counted", "echo 1 > " + RETURN, on_finish_action="keep_pod",
    container_resources={"limits": limits, "requests": {"cpu": "10m", "memory": "16Mi"}})
""")
    assert run["state"] == "success", run
    helper = place.namespace.pods()[0]["spec"]["initContainers"][0]
    assert helper["resources"]["limits"] == {"cpu": "100m", "memory": "32Mi"}
    assert place.values() == {"counted": 1}


@pytest.mark.long
def test_a_pod_that_finished_while_the_control_plane_was_down_is_adopted_with_its_value(place: Results) -> None:
    server = servers.Server(place.home, place.dags, *place.options)
    place.write(
        _LINES
        + """
returning("large", "sleep 4; (printf '\\"'; head -c 100000 /dev/zero | tr '\\\\0' x; printf '\\"') > " + RETURN)
"""
    )
    try:
        server.start()
        server.trigger("pods", "r")
        wait_until(lambda: bool(place.namespace.pods()), "the pod is there")
        name = place.namespace.pods()[0]["metadata"]["name"]
        place.namespace.wait_phase(name, "Running")
        server.kill()
        place.namespace.wait_phase(name, "Succeeded")
        server.start()
        assert server.wait_run("pods", "r")["state"] == "success"
        assert place.values() == {"large": "x" * 100000}
    finally:
        server.stop()
