"""`KubernetesPodOperator`: a task that is one pod.

Plain, it is data: its arguments leave the file as API JSON, and no process waits for the pod. With code of the user's
(a subclass with an `execute`, hooks, callbacks around the pod) a worker runs `pod_steps`, and hands its pod over.
Names and defaults are those of `apache-airflow-providers-cncf-kubernetes` 10.25.0.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.pods import arguments as pod_arguments_known
from tradewind.pods import manifest, problems
from tradewind.pods.identity import Identity
from tradewind.sdk import arguments as common_arguments
from tradewind.sdk import configuration, errors, kubernetes
from tradewind.sdk.operator import BaseOperator
from tradewind.sdk.operators.pod_steps import NEVER_CALLED, STEPS, PodSteps

DEFAULTS: dict[str, Any] = {
    "kubernetes_conn_id": "kubernetes_default", "namespace": None, "image": None, "name": None,
    "random_name_suffix": True, "cmds": None, "arguments": None, "ports": None, "volume_mounts": None, "volumes": None,
    "env_vars": None, "env_from": None, "secrets": None, "in_cluster": None, "cluster_context": None, "labels": None,
    "reattach_on_restart": None, "durable": None, "startup_timeout_seconds": 120, "startup_check_interval_seconds": 5,
    "schedule_timeout_seconds": None, "get_logs": True, "base_container_name": None, "init_container_logs": None,
    "container_logs": None, "image_pull_policy": None, "annotations": None, "container_resources": None,
    "affinity": None, "config_file": None, "node_selector": None, "image_pull_secrets": None,
    "service_account_name": None, "automount_service_account_token": None, "hostnetwork": False, "host_aliases": None,
    "tolerations": None, "security_context": None, "container_security_context": None, "dnspolicy": None,
    "dns_config": None, "hostname": None, "subdomain": None, "schedulername": None, "full_pod_spec": None,
    "init_containers": None, "log_events_on_startup": True, "log_events_on_failure": False,
    "log_pod_spec_on_failure": True, "pod_template_file": None, "pod_template_dict": None, "priority_class_name": None,
    "pod_runtime_info_envs": None, "termination_grace_period": None, "configmaps": None, "skip_on_exit_code": None,
    "base_container_status_polling_interval": 1, "deferrable": False, "poll_interval": 2,
    "on_finish_action": "delete_pod", "is_delete_operator_pod": None, "on_kill_action": "delete_pod",
    "termination_message_policy": "File",
    "active_deadline_seconds": None, "callbacks": None, "progress_callback": None, "logging_interval": None,
    "trigger_kwargs": None, "container_name_log_prefix_enabled": True, "log_formatter": None,
    "runtime_class_name": None, "xcom_sidecar_container_security_context": None,
}  # fmt: skip
"""The 73 keyword parameters and their defaults, but `do_xcom_push`."""
_LISTS = frozenset(
    {
        "cmds", "arguments", "env_vars", "pod_runtime_info_envs", "env_from", "configmaps", "ports", "volume_mounts",
        "volumes", "secrets", "tolerations", "init_containers", "image_pull_secrets",
    }
)  # fmt: skip
_OBJECTS = frozenset({"labels", "annotations", "node_selector", "affinity", "security_context"})
_NOBODY = Identity(dag_id="d", task_id="t", run_id="r", attempt_id="0" * 32)
"""Whose pod is built to look at it before there is an attempt."""
_NOT_SENT = pod_arguments_known.CODE | pod_arguments_known.NOTHING_NEEDED
_REFUSED = (
    "its pod operator {kind} overrides {names}, which nothing here would call: the control plane launches, follows and "
    "deletes the pod; override one of {steps}, or use self.client in it"
)
_WITHOUT_POD = (
    "task {task_id!r}: execute() of {kind} does not call super().execute(context): no pod is started, its code alone "
    "is the task"
)


class KubernetesPodOperator(PodSteps, BaseOperator):
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
    _extra: ClassVar[Sequence[str]] = tuple(DEFAULTS)

    def __init__(self, *, do_xcom_push: bool = False, **kwargs: Any) -> None:
        # They are taken together, so those of default_args are looked up here, not by the constructor's signature.
        defaults = {**DEFAULTS, **{name: value for name, value in _given(kwargs).items() if name in DEFAULTS}}
        own = {name: kwargs.pop(name, default) for name, default in defaults.items()}
        super().__init__(do_xcom_push=do_xcom_push, **kwargs)
        about = f"task {self.task_id!r} ({type(self).__name__})"
        _check(about, own)
        for name, value in _settled(about, own, self.BASE_CONTAINER_NAME).items():
            object.__setattr__(self, name, value)

    nested_template_fields = staticmethod(kubernetes.template_fields)

    def pod_arguments(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as plain JSON; what is code is left out."""
        found = dict[str, Any]({"do_xcom_push": True} if self.do_xcom_push else {})  # type: ignore[attr-defined]
        for name, default in DEFAULTS.items():
            value = getattr(self, name)
            if name in _NOT_SENT or value == default or value in (None, "", [], {}, ()):
                continue
            found[name] = self._template() if name == "pod_template_file" else kubernetes.plain(value)
        for name, same in (
            ("container_logs", self.__dict__["base_container_name"]),
            ("base_container_name", manifest.BASE_CONTAINER),
            ("schedule_timeout_seconds", self.__dict__["startup_timeout_seconds"]),
        ):
            if found.get(name) == same:
                del found[name]
        return found

    @property
    def container_logs(self) -> Any:
        """Containers whose output is the log; the main one, whose name may be a template, where none are named."""
        return self.__dict__["_container_logs"] or self.__dict__["base_container_name"]

    @container_logs.setter
    def container_logs(self, names: Any) -> None:
        self.__dict__["_container_logs"] = names

    def render_template_fields(self, context: Any, jinja_env: Any = None) -> None:
        """As of any operator; names of variables are templates too, also where a dict gives them."""
        given = self.__dict__["env_vars"]
        if isinstance(given, Mapping):
            object.__setattr__(self, "env_vars", [kubernetes.EnvVar(*pair) for pair in given.items()])
        super().render_template_fields(context, jinja_env)

    def _template(self) -> Any:
        """The pod template file's contents. Its path may be a template; what it holds is taken as it stands."""
        about = f"task {self.task_id!r} ({type(self).__name__})"
        given = self.__dict__["pod_template_file"]
        text = _file_text(self)
        if text is None:
            if _is_open(given):
                return given
            said = f"there is no pod template file {given!r}"
            hint = "a relative path is looked for beside the DAG file and in template_searchpath"
            raise errors.ValueProblem.of("no-template-file", about, said, hint)
        try:
            return manifest.read_template(text)
        except problems.BadPod as error:
            said = f"pod_template_file {error.problem.message}"
            raise errors.ValueProblem.of("bad-template-file", about, said, "it holds one Pod, as YAML") from error

    def dry_run(self) -> None:
        """Print the pod."""
        import json

        identity = Identity(dag_id=self.dag_id, task_id=self.task_id, run_id="dry-run", attempt_id="0" * 32)
        print(json.dumps(manifest.build(self.pod_arguments(), identity), indent=2))  # noqa: T201 - asked for

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """The task as data: a pod, or (where code of the user's belongs to it) a worker that hands its pod over."""
        kind = task.operator_class if task.is_mapped else type(task)
        if names := _defined(kind, NEVER_CALLED):
            reason = _REFUSED.format(kind=kind.__name__, names=", ".join(names), steps=", ".join(STEPS))
            return dagspec.OpaqueBody(classpath=f"{kind.__module__}.{kind.__qualname__}", reason=reason)
        if _own_code(kind) or _has_callbacks(task):
            if not _reaches_base(kind):
                task.dag.notes.append(_WITHOUT_POD.format(task_id=task.task_id, kind=kind.__name__))
            return dagspec.PythonBody(pod=True)
        return _pod_body(task)


def _pod_body(task: Any) -> dagspec.PodBody:
    if task.is_mapped:
        defaults, _ = common_arguments.merged(task.dag, task.task_group, None, task.default_args)
        shared = {**defaults, **task.partial_kwargs}
        about = f"task {task.task_id!r}"
        partial = {**DEFAULTS, **{name: value for name, value in shared.items() if name in DEFAULTS}}
        _check(about, partial)
        given = _settled(about, partial, manifest.BASE_CONTAINER)
        arguments: dict[str, Any] = {}
        pushes = bool(shared.get("do_xcom_push", False))
    else:
        given = {name: getattr(task, name) for name in DEFAULTS}
        arguments = {name: _json(value) for name, value in task.pod_arguments().items()}
        pushes = bool(task.do_xcom_push)
        _refuse_invalid(task, arguments)
        given["_schedule_given"] = task.__dict__["_schedule_given"]
    grace, startup, schedule = (
        given[name] for name in ("termination_grace_period", "startup_timeout_seconds", "schedule_timeout_seconds")
    )
    return dagspec.PodBody(
        arguments=arguments,
        templated=task.is_mapped or _is_templated(task),
        do_xcom_push=pushes,
        skip_on_exit_code=_codes(given["skip_on_exit_code"]),
        startup_timeout_seconds=float(startup),
        schedule_timeout_seconds=float(schedule) if schedule != startup or given["_schedule_given"] else None,
        on_finish_action=given["on_finish_action"].value,
        termination_grace_seconds=None if grace is None else float(grace),
    )


def _refuse_invalid(task: Any, arguments: Mapping[str, Any]) -> None:
    """What an API server would refuse is told now, as far as it is known: what rendering gives is looked at later."""
    from tradewind.pods import validity

    known = {name: value for name, value in arguments.items() if not _is_open(value)}
    about = f"task {task.task_id!r} ({type(task).__name__})"
    try:
        found = validity.check(manifest.build(known, _NOBODY), known)
    except problems.BadPod as error:
        found = [error.problem]
    if "pod_template_file" in arguments and "pod_template_file" not in known or configuration.completes_pods():
        found = [one for one in found if one.code != problems.INCOMPLETE]
    if "image" in arguments and "image" not in known:
        found = [one for one in found if not one.object.endswith(".image")]
    if found:
        first, *more = (f"{one.object} {one.message}" for one in found)
        hint = next((one.hint for one in found if one.hint), "see the Pod's fields in the documentation of Kubernetes")
        raise errors.ValueProblem.of(found[0].code, about, "; ".join([first, *more]), hint)


def _is_open(value: Any) -> bool:
    """Whether an argument as a whole is known only when the task runs."""
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _is_templated(task: Any) -> bool:
    from tradewind import templates

    markers = templates.markers_of(task.dag, native=task.__dict__.get("render_template_as_native_obj"))
    return any(
        templates.has_template(
            getattr(task, name, None),
            tuple(task.template_ext),
            markers=markers,
            field=True,
            fields_of=task.nested_template_fields,
        )
        for name in task.template_fields
    )


def _own_code(kind: type[Any]) -> list[str]:
    return [name for name in STEPS if getattr(kind, name, None) is not getattr(KubernetesPodOperator, name, None)]


def _defined(kind: type[Any], names: Sequence[str]) -> list[str]:
    """Which of these names a subclass defines itself."""
    return [name for name in names if any(name in vars(one) for one in _subclasses(kind))]


def _subclasses(kind: type[Any]) -> Sequence[type[Any]]:
    return kind.__mro__[: kind.__mro__.index(KubernetesPodOperator)]


def _has_callbacks(task: Any) -> bool:
    """Whether code of the user's is called around the pod, also for some element of a mapping only."""
    if not task.is_mapped:
        hooked = any(task.__dict__.get(name) for name in ("_pre_execute_hook", "_post_execute_hook"))
        return hooked or any(getattr(task, name) for name in pod_arguments_known.CODE)
    defaults, _ = common_arguments.merged(task.dag, task.task_group, None, task.default_args)
    shared = {**defaults, **task.partial_kwargs}
    mapped = getattr(task.expand_input, "value", None)
    names = {*pod_arguments_known.CODE, "pre_execute", "post_execute"}
    return any(shared.get(name) for name in names) or (isinstance(mapped, Mapping) and not names.isdisjoint(mapped))


def _reaches_base(kind: type[Any]) -> bool:
    """Whether the execute() of a subclass goes on to that of the provider, as far as its code tells."""
    own = [vars(one).get("execute") for one in _subclasses(kind)]
    code = [getattr(inspect.unwrap(one), "__code__", None) for one in own if callable(one)]
    return all(one is None or not _ONWARDS.isdisjoint(one.co_names) for one in code)


_ONWARDS = frozenset({"execute", "execute_sync", "execute_async"})


def _settled(about: str, own: dict[str, Any], base: str) -> dict[str, Any]:
    """Attributes as the provider's constructor leaves them: no None where a list or dict is meant, enums of actions."""
    settled = {
        **own,
        **{name: own[name] or [] for name in _LISTS},
        **{name: own[name] or {} for name in _OBJECTS},
        "base_container_name": own["base_container_name"] or base,
        "on_finish_action": _action(
            about, "on_finish_action", own["on_finish_action"], kubernetes.OnFinishAction, code="bad-finish-action"
        ),
        "on_kill_action": _action(
            about, "on_kill_action", own["on_kill_action"], kubernetes.OnKillAction, code="bad-kill-action"
        ),
    }
    if own["is_delete_operator_pod"] is False and settled["on_finish_action"] == "delete_pod":
        settled["on_finish_action"] = kubernetes.OnFinishAction.KEEP_POD  # the older way to say it
    if own["startup_timeout_seconds"] is None:
        settled["startup_timeout_seconds"] = DEFAULTS["startup_timeout_seconds"]
    settled["_schedule_given"] = own["schedule_timeout_seconds"] is not None
    settled["schedule_timeout_seconds"] = own["schedule_timeout_seconds"] or settled["startup_timeout_seconds"]
    durable = own["reattach_on_restart"] if own["durable"] is None else own["durable"]
    settled["durable"] = settled["reattach_on_restart"] = True if durable is None else durable
    if own["skip_on_exit_code"] is None or isinstance(own["skip_on_exit_code"], int):
        settled["skip_on_exit_code"] = list(_codes(own["skip_on_exit_code"]))
    if own["callbacks"] is not None and not isinstance(own["callbacks"], list):
        settled["callbacks"] = [own["callbacks"]]
    return settled


def _action(about: str, name: str, given: Any, kind: Any, *, code: str) -> Any:
    try:
        return kind(getattr(given, "value", given))
    except ValueError:
        said = f"there is no {name} {given!r}"
        hint = f"one of {', '.join(one.value for one in kind)}"
        raise errors.ValueProblem.of(code, about, said, hint) from None


def _codes(given: Any) -> tuple[int, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, int) else tuple(int(code) for code in given)


def _given(kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = kwargs.get("default_args") or {}
    return found


def _check(about: str, own: Mapping[str, Any]) -> None:
    """Refuse spans that are no numbers of seconds, and exit codes that are none."""
    for name in ("startup_timeout_seconds", "schedule_timeout_seconds", "termination_grace_period"):
        words, hint = "a number of seconds", f"for example {name}=120, in seconds"
        errors.expect("wrong-type", about, name, own[name], (int, float), words=words, hint=hint)
    for name in ("cmds", "arguments"):
        if isinstance(own[name], str) and not _is_open(own[name]):
            said = f"{name} must be a list of words, got one text: {own[name]!r}"
            raise errors.ArgumentProblem.of("wrong-type", about, said, f"write {name}=[...]")
    codes = own["skip_on_exit_code"]
    several = codes if isinstance(codes, (list, tuple, set, frozenset)) else () if codes is None else (codes,)
    if any(isinstance(code, bool) or not isinstance(code, int) for code in several):
        said = f"skip_on_exit_code must be a whole number or a list of them, got {codes!r}"
        raise errors.ArgumentProblem.of("wrong-type", about, said, "write 99 or [99]")


def _file_text(task: Any) -> str | None:
    """What the pod template file holds; None where there is no such file."""
    path = task.pod_template_file
    dag = task.get_dag()
    folders = [] if dag is None else [dag.folder, *(dag.template_searchpath or ())]
    for folder in (*folders, ""):
        place = os.path.join(folder, os.fspath(path))
        if os.path.isfile(place):
            with open(place, encoding="utf-8") as file:
                return file.read()
    return None


def _json(value: Any) -> Any:
    """What is known only when the task runs stands as its template text."""
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    return str(value) if hasattr(value, "resolve") else value
