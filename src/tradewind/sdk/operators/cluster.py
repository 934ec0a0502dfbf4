"""What the operators share that do something in a cluster and are no pod: they are data, and no process waits for them.

A subclass with an `execute` of its own would need a worker that reaches the cluster; it keeps its place, and says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import arguments as common_arguments
from tradewind.sdk import errors, kubernetes
from tradewind.sdk.operator import BaseOperator

OWN_CODE = ("execute", "pre_execute", "post_execute", "on_kill")
_SUBCLASS = (
    "it has code of its own ({names}), and what it does in the cluster is done without a process; use the operator as "
    "it is, or a Python task with KubernetesHook"
)


class ClusterOperator(BaseOperator):
    """Described by `act` and the arguments named in `argument_names`, which a subclass keeps as attributes."""

    act: ClassVar[dagspec.Act]
    argument_names: ClassVar[tuple[str, ...]] = ()

    def cluster_arguments(self) -> dict[str, Any]:
        """The arguments that are given, as plain JSON."""
        found = {name: getattr(self, name) for name in self.argument_names}
        return {name: kubernetes.plain(value) for name, value in found.items() if value is not None}

    def execute(self, context: Any) -> Any:
        """Never reached: the control plane does it."""
        raise errors.NotHereYet(type(self).__name__, _SUBCLASS.format(names="execute"))

    @staticmethod
    def body(task: Any) -> dagspec.Body:
        """The task as data."""
        kind = task.operator_class if task.is_mapped else type(task)
        return cluster_body(task, kind, ClusterOperator)


def cluster_body(task: Any, kind: Any, plain_kind: type[BaseOperator]) -> dagspec.Body:
    """As data, where the class has no code of its own over `plain_kind`."""
    if names := [name for name in OWN_CODE if getattr(kind, name, None) is not getattr(plain_kind, name, None)]:
        return dagspec.OpaqueBody(
            classpath=f"{kind.__module__}.{kind.__qualname__}", reason=_SUBCLASS.format(names=", ".join(names))
        )
    if task.is_mapped:
        return dagspec.ClusterBody(act=kind.act, arguments={}, templated=True)
    found = {name: as_data(value) for name, value in task.cluster_arguments().items()}
    return dagspec.ClusterBody(act=kind.act, arguments=found, templated=is_templated(task))


def as_data(value: Any) -> Any:
    """What is known only when the task runs stands as its template text."""
    if isinstance(value, Mapping):
        return {key: as_data(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_data(item) for item in value]
    return str(value) if hasattr(value, "resolve") else value


def is_templated(task: Any) -> bool:
    """Whether rendering would change an argument."""
    from tradewind import templates

    markers = templates.markers_of(task.get_dag(), native=task.__dict__.get("render_template_as_native_obj"))
    fields = [getattr(task, name, None) for name in task.template_fields]
    extensions, inside = tuple(task.template_ext), task.nested_template_fields
    return any(templates.has_template(one, extensions, markers=markers, field=True, fields_of=inside) for one in fields)


def shared(task: Any, name: str, default: Any) -> Any:
    """An argument that is the same for all elements of a mapped task: of `partial()` or default_args."""
    defaults, _ = common_arguments.merged(task.dag, task.task_group, None, task.default_args)
    return {**defaults, **task.partial_kwargs}.get(name, default)


def is_open(value: Any) -> bool:
    """Whether an argument as a whole is known only when the task runs."""
    return hasattr(value, "resolve") or (isinstance(value, str) and ("{{" in value or "{%" in value))


def read_beside(task: Any, path: Any, argument: str) -> str:
    """What a file holds that the task names: beside its DAG file, in template_searchpath, or as it stands."""
    dag = task.get_dag()
    folders = [] if dag is None else [dag.folder, *(dag.template_searchpath or ())]
    for folder in (*folders, ""):
        place = os.path.join(folder, os.fspath(path))
        if os.path.isfile(place):
            with open(place, encoding="utf-8") as file:
                return file.read()
    about = f"task {task.task_id!r} ({type(task).__name__})"
    said = f"{argument} names {path!r}, and there is no such file"
    raise errors.ValueProblem.of(
        "no-such-file", about, said, "a relative path is looked for beside the DAG file and in template_searchpath"
    )


def read_yaml(task: Any, text: str, argument: str) -> Any:
    """The one object that a YAML text holds."""
    import yaml

    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise _bad_yaml(task, argument, f"is no YAML: {error}") from error
    if not isinstance(found, dict):
        raise _bad_yaml(task, argument, f"holds {type(found).__name__}, not an object")
    return found


def _bad_yaml(task: Any, argument: str, said: str) -> errors.ValueProblem:
    about = f"task {task.task_id!r} ({type(task).__name__})"
    return errors.ValueProblem.of("bad-yaml", about, f"{argument} {said}", "see the fields with kubectl explain")
