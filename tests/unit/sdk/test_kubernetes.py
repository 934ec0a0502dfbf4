"""Kubernetes objects of DAG files as plain JSON, and what a pod operator becomes as data."""

from __future__ import annotations

import datetime as dt
import pathlib
from typing import Any

import pytest
from kubernetes.client import models as k8s

from tests.unit.sdk import dags
from tradewind.model.dagspec import OpaqueBody, PodBody, PythonBody, TaskSpec
from tradewind.sdk import kubernetes, task
from tradewind.sdk.operators.pod import KubernetesPodOperator


class Mount:
    """An object as the client's generated classes are: attributes, and a table of their API names."""

    attribute_map = {"mount_path": "mountPath", "read_only": "readOnly", "sub_path": "subPath"}  # noqa: RUF012

    def __init__(self, path: str) -> None:
        self.mount_path = path
        self.read_only = False
        self.sub_path = None


def test_objects_are_walked_by_their_own_tables_without_what_is_none() -> None:
    assert kubernetes.plain(Mount("/data")) == {"mountPath": "/data", "readOnly": False}
    assert kubernetes.plain({"mounts": [Mount("/a"), (Mount("/b"),)]}) == {
        "mounts": [{"mountPath": "/a", "readOnly": False}, [{"mountPath": "/b", "readOnly": False}]]
    }


def test_objects_of_the_real_client_become_the_apis_json() -> None:
    pod = k8s.V1Pod(
        metadata=k8s.V1ObjectMeta(name="p", creation_timestamp=dt.datetime(2026, 1, 1, tzinfo=dt.UTC)),
        spec=k8s.V1PodSpec(
            containers=[
                k8s.V1Container(
                    name="base",
                    env=[k8s.V1EnvVar(name="A", value="1")],
                    resources=k8s.V1ResourceRequirements(requests={"cpu": "100m"}),
                )
            ],
            host_network=True,
        ),
    )
    assert kubernetes.plain(pod) == {
        "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00+00:00"},
        "spec": {
            "containers": [
                {
                    "name": "base",
                    "env": [{"name": "A", "value": "1"}],
                    "resources": {"requests": {"cpu": "100m"}},
                }
            ],
            "hostNetwork": True,
        },
    }


_HELPERS: list[tuple[Any, dict[str, Any]]] = [
    (kubernetes.Port("http", 80), {"name": "http", "containerPort": 80}),
    (kubernetes.PodRuntimeInfoEnv("IP", "status.podIP"), {
        "name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}},
    }),
    (kubernetes.VolumeMount("v", "/v", None, True), {"name": "v", "mountPath": "/v", "readOnly": True}),
    (kubernetes.Volume("v", {"emptyDir": {}}), {"name": "v", "emptyDir": {}}),
    (kubernetes.Resources(request_cpu=1, limit_memory="1Gi"), {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}),
    (kubernetes.Secret("env", "password", "keys", "db"), {
        "deploy_type": "env", "deploy_target": "PASSWORD", "secret": "keys", "key": "db",
    }),
    (kubernetes.Secret("volume", "/etc/keys", "keys"), {
        "deploy_type": "volume", "deploy_target": "/etc/keys", "secret": "keys",
    }),
]  # fmt: skip


@pytest.mark.parametrize(("helper", "data"), _HELPERS, ids=[type(one).__name__ for one, _ in _HELPERS])
def test_the_providers_helpers_become_json(helper: Any, data: dict[str, Any]) -> None:
    assert kubernetes.plain(helper) == data
    assert kubernetes.plain([helper]) == [data]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("file", "/x", "s"), "'env' or 'volume'"),
        (("env", None, "s", "k"), "needs a deploy_target"),
        (("volume", None, "s"), "needs a deploy_target"),
    ],
)
def test_a_secret_that_says_too_little_is_refused(arguments: tuple[Any, ...], words: str) -> None:
    problem = dags.problem_of(lambda: kubernetes.Secret(*arguments))
    assert problem.object == "secret 's'"
    assert words in problem.message


# -- the operator --------------------------------------------------------------------------------------------------


def _pod(**arguments: Any) -> TaskSpec:
    return dags.make(lambda: KubernetesPodOperator(task_id="t", **arguments)).tasks[0]


def _body(**arguments: Any) -> PodBody:
    body = _pod(**arguments).body
    assert isinstance(body, PodBody)
    return body


def test_arguments_that_differ_from_their_defaults_stand_in_the_body() -> None:
    body = _body(
        image="alpine", cmds=["echo"], arguments=["hi"], namespace="jobs", get_logs=True, random_name_suffix=False,
        env_vars={"A": "1"}, container_resources=k8s.V1ResourceRequirements(limits={"cpu": "1"}),
    )  # fmt: skip
    assert body.arguments == {
        "image": "alpine", "cmds": ["echo"], "arguments": ["hi"], "namespace": "jobs", "random_name_suffix": False,
        "env_vars": {"A": "1"}, "container_resources": {"limits": {"cpu": "1"}},
    }  # fmt: skip
    assert body.templated is False


@pytest.mark.parametrize(
    ("arguments", "field", "expected"),
    [
        ({}, "do_xcom_push", False),
        ({"do_xcom_push": True}, "do_xcom_push", True),
        ({"skip_on_exit_code": 99}, "skip_on_exit_code", (99,)),
        ({"skip_on_exit_code": [98, 99]}, "skip_on_exit_code", (98, 99)),
        ({"startup_timeout_seconds": 5}, "startup_timeout_seconds", 5.0),
        ({}, "schedule_timeout_seconds", None),
        ({"schedule_timeout_seconds": 7}, "schedule_timeout_seconds", 7.0),
        ({"schedule_timeout_seconds": 120}, "schedule_timeout_seconds", 120.0),
        ({}, "on_finish_action", "delete_pod"),
        ({"on_finish_action": "keep_pod"}, "on_finish_action", "keep_pod"),
        ({"on_finish_action": kubernetes.OnFinishAction.DELETE_SUCCEEDED_POD}, "on_finish_action",
         "delete_succeeded_pod"),
        ({"is_delete_operator_pod": False}, "on_finish_action", "keep_pod"),
        ({"is_delete_operator_pod": True}, "on_finish_action", "delete_pod"),
        ({"termination_grace_period": 3}, "termination_grace_seconds", 3.0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("way", ["operator", "default_args", "mapped"])
def test_what_the_control_plane_acts_on_stands_in_fields(
    way: str, arguments: dict[str, Any], field: str, expected: Any
) -> None:
    def fill() -> None:
        if way == "operator":
            KubernetesPodOperator(task_id="t", image="i", **arguments)
        elif way == "default_args":
            KubernetesPodOperator(task_id="t", image="i")
        else:
            KubernetesPodOperator.partial(task_id="t", image="i", **arguments).expand(cmds=[["a"], ["b"]])

    defaults = arguments if way == "default_args" else {}
    body = dags.make(fill, default_args=defaults).tasks[0].body
    assert isinstance(body, PodBody)
    assert getattr(body, field) == expected


def test_templates_are_seen_where_the_provider_renders_and_nowhere_else() -> None:
    assert _body(image="i:{{ ds_nodash }}").templated
    assert _body(image="i", env_vars=[k8s.V1EnvVar(name="A", value="{{ ds }}")]).templated
    claim = k8s.V1PersistentVolumeClaimVolumeSource(claim_name="data-{{ ds_nodash }}")
    assert _body(image="i", volumes=[k8s.V1Volume(name="v", persistent_volume_claim=claim)]).templated
    path = k8s.V1HostPathVolumeSource(path="/{{ ds }}")
    assert not _body(image="i", volumes=[k8s.V1Volume(name="v", host_path=path)]).templated
    assert not _body(image="i", env_vars=[k8s.V1EnvVar(name="A", value="ds")]).templated


def test_another_tasks_result_among_the_arguments_draws_an_edge_and_is_rendered() -> None:
    def fill() -> None:
        @task
        def words() -> list[str]:
            return ["hi"]

        KubernetesPodOperator(task_id="t", image="i", arguments=words())

    spec = dags.make(fill).tasks[1]
    assert spec.upstream == ("words",)
    assert isinstance(spec.body, PodBody)
    assert (spec.templated, spec.body.templated) == (True, True)
    assert "xcom_pull" in spec.body.arguments["arguments"]


def test_a_pod_template_file_is_read_with_the_dag_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text("apiVersion: v1\nkind: Pod\nspec: {containers: [{name: base, image: alpine}]}\n", encoding="utf-8")
    body = _body(pod_template_file=str(path))
    assert body.arguments["pod_template_file"]["spec"]["containers"] == [{"name": "base", "image": "alpine"}]


def test_a_pod_template_file_that_is_not_there_is_a_problem_of_its_task(tmp_path: pathlib.Path) -> None:
    problem = dags.problem_of(lambda: _pod(image="i", pod_template_file=str(tmp_path / "none.yaml")))
    assert "task 't'" in problem.object
    assert "none.yaml" in problem.message


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        ({"cmds": "echo hi"}, "cmds must be a list of words", "cmds=[...]"),
        ({"arguments": "hi"}, "arguments must be a list of words", "arguments=[...]"),
        ({"on_finish_action": "burn_pod"}, "'burn_pod'", "keep_pod"),
        ({"imagee": "alpine"}, "no argument 'imagee'", "is 'image' meant"),
        ({"startup_timeout_seconds": "soon"}, "startup_timeout_seconds must be a number", "seconds"),
        ({"schedule_timeout_seconds": "x"}, "schedule_timeout_seconds must be a number", "seconds"),
        ({"termination_grace_period": "x"}, "termination_grace_period must be a number", "seconds"),
        ({"skip_on_exit_code": "abc"}, "skip_on_exit_code must be", "[99]"),
    ],
)
def test_a_pod_with_a_wrong_argument_is_refused(arguments: dict[str, Any], message: str, hint: str) -> None:
    problem = dags.problem_of(lambda: _pod(**{"image": "i", **arguments}))
    assert "task 't'" in problem.object
    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("arguments", "path", "message"),
    [
        ({"image": None}, "spec.containers[0].image", "is missing"),
        ({"volume_mounts": [k8s.V1VolumeMount(name="v", mount_path="/v")]}, "volumeMounts[0].name", "no volume 'v'"),
        ({"container_resources": {"limits": {"memory": "lots"}}}, "limits.memory", "'lots' is no quantity"),
        ({"security_context": {"run_as_user": 5}}, "spec.securityContext.run_as_user", "knows no such field"),
        ({"labels": {"team": "a b"}}, "metadata.labels['team']", "'a b' is no label value"),
        ({"on_kill_action": "burn"}, "on_kill_action", "'burn'"),
    ],
)
def test_a_pod_that_no_api_server_takes_is_refused_when_its_file_is_loaded(
    arguments: dict[str, Any], path: str, message: str
) -> None:
    problem = dags.problem_of(lambda: _pod(**{"image": "i", **arguments}))
    assert "task 't'" in problem.object
    assert path in problem.message
    assert message in problem.message


def test_what_rendering_gives_is_not_judged_before() -> None:
    assert _body(image="{{ params.image }}", labels={"team": "{{ params.team }}"}).templated
    assert _body(pod_template_file="{{ params.file }}").templated  # may hold the image
    assert _body(image="i", arguments="{{ ti.xcom_pull('words') }}").templated  # a list, with native rendering


def test_attributes_are_as_the_provider_leaves_them() -> None:
    def fill() -> None:
        one: Any = KubernetesPodOperator(task_id="t", image="i", skip_on_exit_code=9, startup_timeout_seconds=7)
        assert (one.cmds, one.labels, one.env_vars, one.secrets) == ([], {}, [], [])
        assert (one.skip_on_exit_code, one.schedule_timeout_seconds, one.durable) == ([9], 7, True)
        assert (one.container_logs, one.on_finish_action.value, one.on_kill_action.value) == (
            "base", "delete_pod", "delete_pod",
        )  # fmt: skip
        variable = k8s.V1EnvVar(name="A", value="1")
        other: Any = KubernetesPodOperator(task_id="u", image="i", env_vars=[variable])
        assert other.env_vars[0] is variable

    dags.make(fill)


def test_a_subclass_that_only_sets_arguments_is_a_pod() -> None:
    class Ours(KubernetesPodOperator):
        def __init__(self, *, size: str = "small", **kwargs: Any) -> None:
            super().__init__(image=f"ours-{size}", **kwargs)

    spec = dags.make(lambda: Ours(task_id="t", size="big", namespace="jobs")).tasks[0]
    assert isinstance(spec.body, PodBody)
    assert spec.body.arguments == {"image": "ours-big", "namespace": "jobs"}
    assert spec.operator == "Ours"


class _Executes(KubernetesPodOperator):
    def execute(self, context: Any) -> Any:
        return super().execute(context)


@pytest.mark.parametrize(
    "name", ["cleanup", "build_pod_request_obj", "get_or_create_pod", "post_complete_action", "on_kill", "find_pod"]
)
def test_a_subclass_that_overrides_a_step_around_its_pod_gets_a_worker(name: str) -> None:
    ours = type("Ours", (KubernetesPodOperator,), {name: lambda *_, **__: None})
    assert dags.make(lambda: ours(task_id="t", image="i")).tasks[0].body == PythonBody(pod=True)


def test_a_subclass_with_an_execute_gets_a_worker_also_mapped() -> None:
    def fill() -> None:
        _Executes(task_id="t", image="i")
        _Executes.partial(task_id="mapped", image="i").expand(arguments=[["a"], ["b"]])

    assert [task.body for task in dags.make(fill).tasks] == [PythonBody(pod=True), PythonBody(pod=True)]


@pytest.mark.parametrize("code", [{"callbacks": [object]}, {"progress_callback": print}, {"log_formatter": str.format}])
def test_a_plain_operator_with_code_around_its_pod_gets_a_worker(code: dict[str, Any]) -> None:
    def fill() -> None:
        KubernetesPodOperator(task_id="t", image="i", **code)
        KubernetesPodOperator.partial(task_id="mapped", image="i", **code).expand(arguments=[["a"]])

    assert [task.body for task in dags.make(fill).tasks] == [PythonBody(pod=True), PythonBody(pod=True)]


@pytest.mark.parametrize("name", ["pod_manager", "hook", "invoke_defer_method", "patch_already_checked"])
def test_a_subclass_that_overrides_what_nothing_calls_is_told_when_the_file_loads(name: str) -> None:
    ours = type("Ours", (KubernetesPodOperator,), {name: property(lambda _: None)})
    spec = dags.make(lambda: ours(task_id="t", image="i"))
    body = spec.tasks[0].body
    assert isinstance(body, OpaqueBody)
    assert f"Ours overrides {name}, which nothing here would call" in body.reason
    assert any(warning.startswith("task 't': its pod operator Ours overrides") for warning in spec.warnings)


def test_an_execute_that_never_goes_on_to_the_pod_is_told_when_the_file_loads() -> None:
    class Alone(KubernetesPodOperator):
        def execute(self, context: Any) -> Any:
            return "no pod"

    spec = dags.make(lambda: Alone(task_id="t", image="i"))
    assert spec.tasks[0].body == PythonBody(pod=True)
    assert any("does not call super().execute(context)" in warning for warning in spec.warnings)
    assert not dags.make(lambda: _Executes(task_id="t", image="i")).warnings


def test_code_of_a_subclass_finds_lists_and_dicts_where_nothing_was_given() -> None:
    def fill() -> None:
        one: Any = _Executes(task_id="t", image="i")
        assert (one.env_vars, one.cmds, one.volumes, one.labels, one.node_selector) == ([], [], [], {}, {})
        assert one.pod_arguments() == {"image": "i"}

    dags.make(fill)


def test_code_of_a_subclass_finds_the_objects_that_it_was_given_and_they_are_rendered() -> None:
    variable = k8s.V1EnvVar(name="A", value="{{ 1 + 1 }}")

    def fill() -> None:
        one: Any = _Executes(task_id="t", image="i", env_vars=[variable])
        one.render_template_fields({})
        assert (one.env_vars[0].name, one.env_vars[0].value) == ("A", "2")

    dags.make(fill)


def test_dry_run_prints_the_manifest(capsys: pytest.CaptureFixture[str]) -> None:
    def fill() -> None:
        KubernetesPodOperator(task_id="t", image="alpine", name="job").dry_run()

    dags.make(fill)
    told = capsys.readouterr().out
    assert '"kind": "Pod"' in told
    assert '"image": "alpine"' in told


def test_a_pod_template_file_is_taken_as_it_stands_and_its_path_may_be_a_template(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text("spec: {containers: [{name: base, image: 'i:{{ ds }}'}]}\n", encoding="utf-8")
    body = _body(pod_template_file=str(path))
    assert not body.templated
    assert body.arguments["pod_template_file"]["spec"]["containers"][0]["image"] == "i:{{ ds }}"
    assert _body(pod_template_file=str(tmp_path / "{{ params.kind }}.yaml")).templated


def test_a_pod_template_file_that_is_no_pod_is_a_problem_of_its_task(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "pod.yaml"
    path.write_text("just a text\n", encoding="utf-8")
    problem = dags.problem_of(lambda: _pod(pod_template_file=str(path)))
    assert "task 't'" in problem.object
    assert "holds str, not a Pod" in problem.message


def test_default_args_hold_for_mapped_pods_too() -> None:
    def fill() -> None:
        KubernetesPodOperator.partial(task_id="t", image="i").expand(cmds=[["a"]])

    body = dags.make(fill, default_args={"skip_on_exit_code": 9, "do_xcom_push": True}).tasks[0].body
    assert isinstance(body, PodBody)
    assert (body.skip_on_exit_code, body.do_xcom_push) == ((9,), True)
