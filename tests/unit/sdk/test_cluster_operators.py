"""Operators that do something in a cluster, as data; what they refuse when the file is loaded."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest
from kubernetes.client import models as k8s

from tests.unit.sdk import dags
from tradewind.model.dagspec import ClusterBody, OpaqueBody, PythonBody, TaskSpec
from tradewind.sdk import task
from tradewind.sdk.operators.job import (
    KubernetesDeleteJobOperator,
    KubernetesInstallKueueOperator,
    KubernetesJobOperator,
    KubernetesPatchJobOperator,
    KubernetesStartKueueJobOperator,
)
from tradewind.sdk.operators.pod import KubernetesPodOperator
from tradewind.sdk.operators.pod_exec import KubernetesPodExecOperator
from tradewind.sdk.operators.resource import KubernetesCreateResourceOperator, KubernetesDeleteResourceOperator

_JOB: dict[str, Any] = {"image": "i", "cmds": ["true"]}


def made(kind: Any, **arguments: Any) -> TaskSpec:
    return dags.make(lambda: kind(task_id="t", **arguments)).tasks[-1]


def body(kind: Any, **arguments: Any) -> ClusterBody:
    found = made(kind, **arguments).body
    assert isinstance(found, ClusterBody)
    return found


def test_a_job_is_data_and_its_defaults_stand_nowhere() -> None:
    found = body(KubernetesJobOperator, **_JOB, parallelism=2, backoff_limit=0, wait_until_job_complete=True)
    assert found.act == "start_job"
    assert found.templated is False
    assert found.arguments == {
        "image": "i", "cmds": ["true"], "parallelism": 2, "backoff_limit": 0, "wait_until_job_complete": True,
    }  # fmt: skip


def test_objects_of_the_client_become_json() -> None:
    spec = k8s.V1Job(spec=k8s.V1JobSpec(completions=2, template=k8s.V1PodTemplateSpec()))
    found = body(
        KubernetesJobOperator, **_JOB, full_job_spec=spec, selector=k8s.V1LabelSelector(match_labels={"a": "b"})
    )
    assert found.arguments["full_job_spec"] == {"spec": {"completions": 2, "template": {}}}
    assert found.arguments["selector"] == {"matchLabels": {"a": "b"}}


def test_templates_are_seen_and_upstream_values_draw_edges() -> None:
    assert body(KubernetesJobOperator, image="i:{{ ds }}").templated

    def fill() -> None:
        @task
        def name() -> str:
            return "n"

        KubernetesDeleteJobOperator(task_id="t", name=name(), namespace="jobs")

    spec = dags.make(fill).tasks[1]
    assert spec.upstream == ("name",)
    assert isinstance(spec.body, ClusterBody)
    assert spec.body.templated


def test_a_mapped_one_gets_its_arguments_when_it_runs() -> None:
    spec = dags.make(lambda: KubernetesJobOperator.partial(task_id="t", image="i").expand(cmds=[["a"], ["b"]])).tasks[0]
    assert spec.body == ClusterBody(act="start_job", arguments={}, templated=True)


def test_the_jobs_template_file_lies_beside_the_dag_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "job.yaml").write_text("spec: {completions: 2}\n")
    found = body(KubernetesJobOperator, **_JOB, job_template_file=str(tmp_path / "job.yaml"))
    assert found.arguments["job_template_file"] == {"spec": {"completions": 2}}


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        (KubernetesJobOperator, {**_JOB, "parallelism": 0, "wait_until_job_complete": True}, "parallelism is 0"),
        (KubernetesJobOperator, {**_JOB, "on_kill_propagation_policy": "Never"}, "on_kill_propagation_policy 'Never'"),
        (KubernetesJobOperator, {**_JOB, "job_template_file": "none.yaml"}, "there is no such file"),
        (KubernetesStartKueueJobOperator, {**_JOB, "queue_name": "q", "suspend": False}, "suspend is False"),
        (KubernetesDeleteJobOperator, {"name": "n", "namespace": "a", "delete_on_status": "Done"}, "'Done'"),
        (KubernetesCreateResourceOperator, {}, "neither yaml_conf nor yaml_conf_file"),
        (KubernetesPodExecOperator, {"pod_name": "p", "command": "ls -l"}, "must be a list of words"),
        (KubernetesPodExecOperator, {"pod_name": "p", "command": ["ls"], "max_xcom_output_size": 0}, "over 0"),
    ],
)
def test_what_makes_no_sense_is_refused_when_the_file_is_loaded(
    kind: Any, arguments: dict[str, Any], words: str
) -> None:
    problem = dags.problem_of(lambda: dags.make(lambda: kind(task_id="t", **arguments)))
    assert words in problem.message
    assert "task 't'" in problem.object


def test_a_patch_is_the_argument_body() -> None:
    found = body(KubernetesPatchJobOperator, name="n", namespace="a", body={"spec": {"suspend": True}})
    assert (found.act, found.arguments["patch"]) == ("patch_job", {"spec": {"suspend": True}})
    assert body(KubernetesPatchJobOperator, name="n", namespace="a", body={"spec": {"x": "{{ ds }}"}}).templated


def test_a_job_of_kueue_is_suspended_and_named_for_its_queue() -> None:
    found = body(KubernetesStartKueueJobOperator, **_JOB, queue_name="q", labels={"a": "b"})
    assert found.arguments["suspend"] is True
    assert found.arguments["labels"] == {"a": "b", "kueue.x-k8s.io/queue-name": "q"}
    assert found.arguments["annotations"] == {"kueue.x-k8s.io/queue-name": "q"}


def test_installing_kueue_loads_and_says_what_to_do_instead() -> None:
    found = made(KubernetesInstallKueueOperator, kueue_version="v0.9").body
    assert isinstance(found, OpaqueBody)
    assert "install it once with kubectl or Helm" in found.reason


def test_objects_stand_in_a_text_or_a_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "map.yaml").write_text("kind: ConfigMap\n")
    text = body(KubernetesCreateResourceOperator, yaml_conf="kind: Secret\n", namespace="a")
    file = body(KubernetesDeleteResourceOperator, yaml_conf_file=str(tmp_path / "map.yaml"))
    assert (text.act, text.arguments["objects"], text.arguments["namespace"]) == (
        "create_resources", "kind: Secret\n", "a",
    )  # fmt: skip
    assert (file.act, file.arguments["objects"]) == ("delete_resources", "kind: ConfigMap\n")


def test_code_of_a_subclass_is_told_and_does_not_run() -> None:
    class Ours(KubernetesDeleteJobOperator):
        def execute(self, context: Any) -> Any:
            return super().execute(context)

    found = made(Ours, name="n", namespace="a").body
    assert isinstance(found, OpaqueBody)
    assert "code of its own (execute)" in found.reason


# -- a pod of another executor -------------------------------------------------------------------------------------


@pytest.mark.parametrize("mapped", [False, True])
def test_a_pod_override_is_kept_whole_and_told_to_be_without_effect(mapped: bool) -> None:
    override = k8s.V1Pod(spec=k8s.V1PodSpec(containers=[k8s.V1Container(name="base", image="mine:1")]))

    def fill() -> None:
        @task(executor_config={"pod_override": override})  # type: ignore[untyped-decorator]
        def t(n: int) -> int:
            return n

        if mapped:
            t.expand(n=[1])
        else:
            t(1)

    spec = dags.make(fill)
    plain = {"pod_override": {"spec": {"containers": [{"name": "base", "image": "mine:1"}]}}}
    assert spec.tasks[0].extra == {"executor_config": plain}
    (warning,) = [one for one in spec.warnings if "pod_override" in one]
    assert warning.startswith("task 't': executor_config's pod_override is kept and not applied")


def test_a_pod_operator_loses_nothing_by_an_override_of_its_workers_pod() -> None:
    override = {"pod_override": k8s.V1Pod()}
    spec = dags.make(lambda: KubernetesPodOperator(task_id="t", image="i", executor_config=override))
    assert spec.warnings == ()


def test_a_job_s_subclass_with_arguments_of_its_own_is_data_and_one_with_an_execute_has_a_worker() -> None:
    class Preset(KubernetesJobOperator):
        def __init__(self, **more: Any) -> None:
            super().__init__(image="i", cmds=["true"], **more)

    class Ours(Preset):
        def execute(self, context: Any) -> Any:
            self.cmds = ["false"]
            return super().execute(context)

    assert body(Preset).arguments == {"image": "i", "cmds": ["true"]}
    assert made(Ours).body == PythonBody(pod=True)


def test_a_job_s_subclass_that_overrides_what_nothing_calls_says_so_and_what_to_do() -> None:
    class Ours(KubernetesJobOperator):
        def build_job_request_obj(self, context: Any) -> Any:
            return None

    found = made(Ours, **_JOB).body
    assert isinstance(found, OpaqueBody)
    assert "overrides build_job_request_obj" in found.reason
    assert "set attributes (self.labels, self.full_job_spec) before super().execute(context)" in found.reason
