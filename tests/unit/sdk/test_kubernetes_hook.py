"""`KubernetesHook`: where its configuration comes from, and what it says of Jobs."""

from __future__ import annotations

import json
import pathlib
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import models as k8s

from tests.unit.sdk.asked import Asked
from tradewind.sdk import errors, kubernetes_names, supervision
from tradewind.sdk.hooks.kubernetes import KubernetesHook


def config(server: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in ("one", "two")],
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.{server}"}} for name in ("one", "two")],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }  # fmt: skip


@pytest.fixture
def asked() -> Iterator[Asked]:
    one: Any = Asked()
    with supervision.installed(one):
        yield one


def host(hook: KubernetesHook) -> str:
    return str(hook.api_client.configuration.host)


def test_a_file_is_given_or_named_by_the_connection(asked: Asked, tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config"
    path.write_text(json.dumps(config("file")))
    assert host(KubernetesHook(config_file=str(path))) == "https://one.file"
    assert host(KubernetesHook(config_file=str(path), cluster_context="two")) == "https://two.file"
    asked.connections["k"] = {"conn_type": "kubernetes", "extra": json.dumps({"kube_config_path": str(path)})}
    assert host(KubernetesHook("k")) == "https://one.file"


def test_a_whole_configuration_stands_in_the_connection_also_by_its_old_name(asked: Asked) -> None:
    extra = {"extra__kubernetes__kube_config": json.dumps(config("text")), "namespace": "jobs"}
    asked.connections["k"] = {"conn_type": "kubernetes", "extra": json.dumps(extra)}
    hook = KubernetesHook("k")
    assert (host(hook), hook.get_namespace(), hook.is_in_cluster) == ("https://one.text", "jobs", False)


def test_a_configuration_is_taken_as_a_dict_and_trust_can_be_given_up(asked: Asked) -> None:
    hook = KubernetesHook(config_dict=config("dict"), disable_verify_ssl=True)
    assert (host(hook), hook.api_client.configuration.verify_ssl) == ("https://one.dict", False)


def test_two_sources_at_once_are_refused(asked: Asked) -> None:
    with pytest.raises(errors.AirflowException, match="exclude one another"):
        KubernetesHook(config_dict=config("dict"), config_file="f").get_conn()


def test_the_default_connection_need_not_be_there_and_others_must(asked: Asked) -> None:
    assert KubernetesHook().conn_extras == {}
    with pytest.raises(errors.AirflowNotFoundException):
        _ = KubernetesHook("mine").conn_extras


def test_without_the_package_it_says_what_to_install(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes.config", None)
    with pytest.raises(errors.AirflowOptionalProviderFeatureException, match="pip install kubernetes"):
        KubernetesHook(config_dict=config("dict")).get_conn()


def test_what_became_of_a_job_is_read_from_its_conditions() -> None:
    def job(*conditions: tuple[str, str, str]) -> Any:
        found = [k8s.V1JobCondition(type=kind, status=status, reason=why) for kind, status, why in conditions]
        return k8s.V1Job(status=k8s.V1JobStatus(conditions=found))

    hook = KubernetesHook()
    assert not hook.is_job_complete(job(("Complete", "False", "")))
    assert hook.is_job_failed(job(("Failed", "True", "DeadlineExceeded"))) == "DeadlineExceeded"
    assert hook.is_job_successful(job(("Complete", "True", "")))
    assert hook.is_job_failed(job()) is False


def test_names_are_made_as_pods_may_have_them() -> None:
    name = kubernetes_names.create_unique_id("My Dag", "task.one")
    assert name.startswith("my-dag-task-one-")
    assert len(kubernetes_names.create_unique_id(task_id="x" * 90)) == 63
    assert kubernetes_names.create_unique_id(task_id="t", unique=False) == "t"
    assert len(kubernetes_names.add_unique_suffix(name="n")) == 10
