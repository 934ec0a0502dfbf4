"""`KubernetesPodOperator`: a task that is one pod.

Plain, it is data: its arguments leave the file as API JSON, and no process waits for the pod. A subclass with code of
its own (`execute`, hooks, callbacks around the pod) needs a worker beside its pod, which is a later step.
Names and defaults are those of `apache-airflow-providers-cncf-kubernetes` 10.25.0.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.pods import arguments as pod_arguments_known
from tradewind.pods import manifest, problems
from tradewind.sdk import arguments as common_arguments
from tradewind.sdk import errors, kubernetes
from tradewind.sdk.operator import BaseOperator

_DEFAULTS: dict[str, Any] = {
    "kubernetes_conn_id": "kubernetes_default", "namespace": None, "image": None, "name": None,
    "random_name_suffix": True, "cmds": None, "arguments": None, "ports": None, "volume_mounts": None, "volumes": None,
    "env_vars": None, "env_from": None, "secrets": None, "in_cluster": None, "cluster_context": None, "labels": None,
    "reattach_on_restart": None, "durable": True, "startup_timeout_seconds": 120, "startup_check_interval_seconds": 5,
    "schedule_timeout_seconds": None, "get_logs": True, "base_container_name": None, "init_container_logs": None,
    "container_logs": None, "image_pull_policy": None, "annotations": None, "container_resources": None,
    "affinity": None, "config_file": None, "node_selector": None, "image_pull_secrets": None,
    "service_account_name": None, "automount_service_account_token": None, "hostnetwork": False, "host_aliases": None,
    "tolerations": None, "security_context": None, "container_security_context": None, "dnspolicy": None,
    "dns_config": None, "hostname": None, "subdomain": None, "schedulername": None, "full_pod_spec": None,
    "init_containers": None, "log_events_on_startup": True, "log_events_on_failure": False,
    "log_pod_spec_on_failure": True, "pod_template_file": None, "pod_template_dict": None, "priority_class_name": None,
    "pod_runtime_info_envs": None, "termination_grace_period": None, "configmaps": None, "skip_on_exit_code": None,
    "base_container_status_polling_interval": 1, "deferrable": False, "poll_interval": 2, "on_finish_action": None,
    "is_delete_operator_pod": None, "on_kill_action": "delete_pod", "termination_message_policy": "File",
    "active_deadline_seconds": None, "callbacks": None, "progress_callback": None, "logging_interval": None,
    "trigger_kwargs": None, "container_name_log_prefix_enabled": True, "log_formatter": None,
    "runtime_class_name": None, "xcom_sidecar_container_security_context": None,
}  # fmt: skip
_SETTLED = {"base_container_name": "base", "on_finish_action": "delete_pod"}
_ACTIONS = ("delete_pod", "delete_succeeded_pod", "delete_active_pod", "keep_pod")
_OWN_CODE = (
    "execute", "execute_sync", "execute_async", "build_pod_request_obj", "get_or_create_pod", "cleanup",
    "post_complete_action", "on_kill", "pre_execute", "post_execute", "trigger_reentry",
)  # fmt: skip
_SUBCLASS = (
    "its pod operator has code of its own ({names}), which needs a worker beside the pod; plain pod operators run, "
    "subclasses are a later step"
)


class KubernetesPodOperator(BaseOperator):
    """One pod; see the reference docs for what becomes of each parameter."""

    BASE_CONTAINER_NAME = "base"
    ISTIO_CONTAINER_NAME = "istio-proxy"
    KILL_ISTIO_PROXY_SUCCESS_MSG = "HTTP/1.1 200"
    POD_CHECKED_KEY = "already_checked"
    POST_TERMINATION_TIMEOUT = 120
    template_fields: ClassVar[Sequence[str]] = (
        "image", "name", "hostname", "cmds", "annotations", "arguments", "env_vars", "labels", "config_file",
        "pod_template_file", "pod_template_dict", "namespace", "container_resources", "volumes", "volume_mounts",
        "cluster_context", "env_from", "configmaps", "node_selector", "kubernetes_conn_id", "base_container_name",
        "trigger_kwargs",
    )  # fmt: skip
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"env_vars": "py"}
    template_ext: ClassVar[Sequence[str]] = (".json", ".yaml", ".yml")
    ui_color = "#74b3f9"
    _extra: ClassVar[Sequence[str]] = tuple(_DEFAULTS)

    def __init__(self, *, do_xcom_push: bool = False, **kwargs: Any) -> None:
        # They are taken together, so those of default_args are looked up here, not by the constructor's signature.
        defaults = {**_DEFAULTS, **{name: value for name, value in _given(kwargs).items() if name in _DEFAULTS}}
        own = {name: kwargs.pop(name, default) for name, default in defaults.items()}
        super().__init__(do_xcom_push=do_xcom_push, **kwargs)
        about = f"task {self.task_id!r} ({type(self).__name__})"
        _check(about, own)
        own["on_finish_action"] = _finish_action(about, own)
        if own["base_container_name"] is None:
            own["base_container_name"] = self.BASE_CONTAINER_NAME
        for name in ("cmds", "arguments"):
            if isinstance(own[name], str):
                said = f"{name} must be a list of words, got one text: {own[name]!r}"
                raise errors.ArgumentProblem.of("wrong-type", about, said, f"write {name}=[...]")
        for name, value in own.items():
            object.__setattr__(self, name, _kept(name, value))

    def pod_arguments(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as plain JSON; what is code is left out."""
        found = {"do_xcom_push": True} if self.do_xcom_push else {}  # type: ignore[attr-defined]
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if name in pod_arguments_known.CODE or value == _SETTLED.get(name, default):
                continue
            found[name] = self._template() if name == "pod_template_file" else kubernetes.plain(value)
        return found

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """As of any operator; of a pod template file the contents are rendered, wherever it lies."""
        if (text := _file_text(self)) is not None:
            object.__setattr__(self, "pod_template_file", text)
        super().render_template_fields(context, jinja_env)

    def _template(self) -> Any:
        """The pod template file's contents: read, or what rendering made of them (a text of more than a line)."""
        about = f"task {self.task_id!r} ({type(self).__name__})"
        given = self.__dict__["pod_template_file"]
        if isinstance(given, Mapping):
            return given
        text = _file_text(self)
        if text is None and "\n" not in given:
            said = f"there is no pod template file {given!r}"
            hint = "a relative path is looked for beside the DAG file and in template_searchpath"
            raise errors.ValueProblem.of("no-template-file", about, said, hint)
        try:
            return manifest.read_template(text if text is not None else given)
        except problems.BadPod as error:
            said = f"pod_template_file {error.problem.message}"
            raise errors.ValueProblem.of("bad-template-file", about, said, "it holds one Pod, as YAML") from error

    def execute(self, context: Any) -> Any:
        """Never reached by a plain pod operator: its pod is started by the control plane."""
        raise errors.NotHereYet(
            type(self).__name__, _SUBCLASS.format(names=", ".join(_own_code(type(self))) or "execute")
        )

    def dry_run(self) -> None:
        """Print the pod."""
        import json

        from tradewind.pods.identity import Identity

        identity = Identity(dag_id=self.dag_id, task_id=self.task_id, run_id="dry-run", attempt_id="0" * 32)
        print(json.dumps(manifest.build(self.pod_arguments(), identity), indent=2))  # noqa: T201 - asked for

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """The task as data."""
        kind = task.operator_class if task.is_mapped else type(task)
        if names := _own_code(kind):
            return dagspec.OpaqueBody(
                classpath=f"{kind.__module__}.{kind.__qualname__}", reason=_SUBCLASS.format(names=", ".join(names))
            )
        return _pod_body(task)


def _pod_body(task: Any) -> dagspec.PodBody:
    if task.is_mapped:
        defaults, _ = common_arguments.merged(task.dag, task.task_group, None, task.default_args)
        shared = {**defaults, **task.partial_kwargs}
        given = {**_DEFAULTS, **{name: value for name, value in shared.items() if name in _DEFAULTS}}
        about = f"task {task.task_id!r}"
        _check(about, given)
        given["on_finish_action"] = _finish_action(about, given)
        arguments: dict[str, Any] = {}
        pushes = bool(shared.get("do_xcom_push", False))
    else:
        given = {name: getattr(task, name) for name in _DEFAULTS}
        arguments = {name: _json(value) for name, value in task.pod_arguments().items()}
        pushes = bool(task.do_xcom_push)
    grace, startup = given["termination_grace_period"], given["startup_timeout_seconds"]
    schedule = given["schedule_timeout_seconds"]
    return dagspec.PodBody(
        arguments=arguments,
        templated=task.is_mapped or _is_templated(task),
        do_xcom_push=pushes,
        skip_on_exit_code=_codes(given["skip_on_exit_code"]),
        startup_timeout_seconds=float(_DEFAULTS["startup_timeout_seconds"] if startup is None else startup),
        schedule_timeout_seconds=None if schedule is None else float(schedule),
        on_finish_action=given["on_finish_action"],
        termination_grace_seconds=None if grace is None else float(grace),
    )


def _is_templated(task: Any) -> bool:
    from tradewind import templates

    markers = templates.markers_of(task.dag, native=task.__dict__.get("render_template_as_native_obj"))
    fields = {name: getattr(task, name, None) for name in task.template_fields}
    fields["pod_template_file"] = _file_text(task)
    return any(
        templates.has_template(value, tuple(task.template_ext), markers=markers, field=True)
        for value in fields.values()
    )


def _own_code(kind: type[Any]) -> list[str]:
    return [name for name in _OWN_CODE if getattr(kind, name, None) is not getattr(KubernetesPodOperator, name, None)]


def _finish_action(about: str, own: Mapping[str, Any]) -> str:
    """`is_delete_operator_pod` is the older way to say it."""
    given = own["on_finish_action"]
    if given is None:
        legacy = own["is_delete_operator_pod"]
        return "delete_pod" if legacy in (None, True) else "keep_pod"
    text = str(getattr(given, "value", given))
    if text not in _ACTIONS:
        said = f"there is no on_finish_action {given!r}"
        raise errors.ValueProblem.of("bad-finish-action", about, said, f"one of {', '.join(_ACTIONS)}")
    return text


def _codes(given: Any) -> tuple[int, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, int) else tuple(int(code) for code in given)


def _kept(name: str, value: Any) -> Any:
    """Kubernetes' objects become plain at once, so that templates inside them are rendered like any other."""
    if name in pod_arguments_known.MANIFEST and name not in ("pod_template_file", "image", "name"):
        return kubernetes.plain(value)
    return value


def _given(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = kwargs.get("default_args") or {}
    return found


def _check(about: str, own: Mapping[str, Any]) -> None:
    """Refuse spans that are no numbers of seconds, and exit codes that are none."""
    for name in ("startup_timeout_seconds", "schedule_timeout_seconds", "termination_grace_period"):
        words, hint = "a number of seconds", f"for example {name}=120, in seconds"
        errors.expect("wrong-type", about, name, own[name], (int, float), words=words, hint=hint)
    codes = own["skip_on_exit_code"]
    several = codes if isinstance(codes, (list, tuple, set, frozenset)) else () if codes is None else (codes,)
    if any(isinstance(code, bool) or not isinstance(code, int) for code in several):
        said = f"skip_on_exit_code must be a whole number or a list of them, got {codes!r}"
        raise errors.ArgumentProblem.of("wrong-type", about, said, "write 99 or [99]")


def _file_text(task: Any) -> str | None:
    """What the pod template file holds; None where none is named, or what stands there is no file's name."""
    path = task.pod_template_file
    if not path or isinstance(path, Mapping) or "\n" in str(path):
        return None
    dag = task.get_dag()
    folders = [] if dag is None else [dag.folder, *(dag.template_searchpath or ())]
    for folder in (*folders, ""):
        place = os.path.join(folder, os.fspath(path))
        if os.path.isfile(place):
            with open(place, encoding="utf-8") as file:
                return f"\n{file.read()}"
    return None


def _json(value: Any) -> Any:
    """What is known only when the task runs stands as its template text."""
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if hasattr(value, "resolve") else value
