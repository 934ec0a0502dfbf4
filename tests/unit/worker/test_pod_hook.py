"""A site's hook is given a pod as an object, and what it leaves is the pod; what goes wrong in it is told."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from tests.unit.worker.children import DagFile

_POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"a": "1"}},
    "spec": {
        "containers": [{"name": "base", "image": "i", "resources": {"limits": {"cpu": "1"}}}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    },
}


def test_the_pod_is_what_the_hook_leaves_of_it(tmp_path: pathlib.Path) -> None:
    source = """
    from kubernetes.client import models as k8s

    def pod_mutation_hook(pod):
        assert isinstance(pod, k8s.V1Pod), type(pod)
        pod.metadata.labels["cost"] = pod.spec.containers[0].image
        pod.spec.tolerations = [k8s.V1Toleration(key="spot", operator="Exists")]
        pod.spec.containers[0].env = [k8s.V1EnvVar(name="SITE", value="1")]
        return "of no meaning"
    """
    report = DagFile(tmp_path, source).render(pod=_POD)
    assert report.problem is None
    assert report.fields["metadata"]["labels"] == {"a": "1", "cost": "i"}
    assert report.fields["spec"] == {
        "containers": [{**_POD["spec"]["containers"][0], "env": [{"name": "SITE", "value": "1"}]}],
        "tolerations": [{"key": "spot", "operator": "Exists"}],
        "volumes": [{"name": "v", "emptyDir": {}}],
    }


def test_without_a_hook_the_pod_stays_as_it_is(tmp_path: pathlib.Path) -> None:
    assert DagFile(tmp_path, "def task_policy(task): ...").render(pod=_POD).fields == _POD


@pytest.mark.parametrize(
    ("source", "code", "words"),
    [
        ("def pod_mutation_hook(pod):\n    raise ValueError('no such team')", "pod-hook-failed", "no such team"),
        ("import nothing_of_this_name", "bad-local-settings", "nothing_of_this_name"),
    ],
)
def test_what_goes_wrong_in_it_is_told(tmp_path: pathlib.Path, source: str, code: str, words: str) -> None:
    problem = DagFile(tmp_path, source).render(pod=_POD).problem
    assert problem is not None
    assert (problem.code, problem.object) == (code, "pod_mutation_hook of one.py")
    assert words in problem.message
    assert problem.hint
