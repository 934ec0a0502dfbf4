"""A pod operator's arguments as the pod that is sent, and the record of it. Pure.

Invariant: identity goes on last; what is not here yet and would change what the task does is refused before anything
starts, and what would only be shown is said in the log's first lines.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from tradewind.model import ids
from tradewind.model.dagspec import PodBody
from tradewind.model.problem import Problem
from tradewind.pods import manifest, policy, result, result_helper, validity
from tradewind.pods.identity import Identity
from tradewind.pods.problems import BadPod
from tradewind.ports import errors
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes.cluster_choice import HOME as HOME_CLUSTER
from tradewind.runtime.kubernetes.cluster_choice import Choice
from tradewind.runtime.kubernetes.record import Record

Json = dict[str, Any]
HOME = "tradewind/home"
"""Annotation: which Tradewind made the pod, so that others leave it alone."""
ON_FINISH = "tradewind/on-finish-action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where pods go that say nothing."""

    home_id: str
    namespace: str
    cluster: Choice = HOME_CLUSTER
    result: str = result.SIDECAR
    """How values are handed over where a task does not say it, one of `pods.result.WAYS`."""
    template: Mapping[str, Any] = field(default_factory=dict)
    """The site's, under each pod."""
    policy: policy.Policy = field(default_factory=policy.Policy)

    @property
    def defaults(self) -> manifest.Defaults:
        """For the manifest."""
        return manifest.Defaults(namespace=self.namespace, template=dict(self.template))


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What pods of tasks with a value get: the helper, or why it cannot run in the cluster."""

    helper: result_helper.Helper
    lack: errors.Rejected | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A pod before the site's hook has its say."""

    pod: Json
    arguments: Mapping[str, Any]
    way: str
    """How its value is handed over; "": none is."""


def build(
    launch: port.Launch, body: PodBody, rendered: port.Rendered, place: Place, handover: Handover | None = None
) -> tuple[Json, Record]:
    """As `compose` and `finish`, where there is no hook."""
    composed = compose(launch, rendered, place, handover)
    return finish(launch, body, rendered, place, composed)


def compose(launch: port.Launch, rendered: port.Rendered, place: Place, handover: Handover | None = None) -> Composed:
    """The pod out of the arguments that `rendered` has. Raises `errors.Rejected`.

    `handover` is there for a task that hands a value over.
    """
    arguments = {**rendered.fields, "do_xcom_push": handover is not None}
    try:
        pod = manifest.build(arguments, identity(launch), place.defaults)
    except BadPod as error:
        raise rejected([error.problem]) from error
    way = "" if handover is None else add_handover(pod, arguments, place, handover)
    return Composed(pod={"apiVersion": "v1", "kind": "Pod", **pod}, arguments=arguments, way=way)


def finish(
    launch: port.Launch, body: PodBody, rendered: port.Rendered, place: Place, composed: Composed
) -> tuple[Json, Record]:
    """The manifest as it is sent, and what is kept of it. Raises `errors.Rejected`."""
    pod, arguments = composed.pod, composed.arguments
    if found := validity.check(pod, arguments) or policy.check(pod, place.policy):
        raise rejected(found)
    pod["metadata"]["annotations"] |= {HOME: place.home_id, ON_FINISH: body.on_finish_action}
    base = str(manifest.base_container(pod)["name"])
    record = Record(
        attempt_id=launch.attempt.attempt_id,
        namespace=pod["metadata"]["namespace"],
        name=pod["metadata"]["name"],
        cluster=place.cluster,
        base=base,
        logged=tuple(_logged(arguments, pod, base)),
        result=composed.way,
        skip_exit_codes=body.skip_on_exit_code,
        on_finish_action=body.on_finish_action,
        on_kill_action=str(arguments.get("on_kill_action") or "delete_pod"),
        masked=rendered.masked,
        rendered_map_index=rendered.rendered_map_index,
        notes=tuple(_notes(arguments, place)),
        prefixed=arguments.get("container_name_log_prefix_enabled") is not False,
        events_on_startup=arguments.get("log_events_on_startup") is not False,
        events_on_failure=bool(arguments.get("log_events_on_failure")),
        spec_on_failure=arguments.get("log_pod_spec_on_failure") is not False,
    )
    return pod, record


def after_hook(launch: port.Launch, before: Composed, pod: Json) -> Composed:
    """What the hook made of it, with its identity on. Raises `errors.Rejected`."""
    return replace(before, pod=manifest.sealed(hooked(before.pod, pod), identity(launch)))


def hooked(before: Json, pod: Json) -> Json:
    """What the site's hook made of a pod, under its old name, its main container first. Raises `errors.Rejected`."""
    name, base = before["metadata"]["name"], manifest.base_container(before)["name"]
    containers = (pod.get("spec") or {}).get("containers") or []
    main = [one for one in containers if one.get("name") == base]
    if not main:
        raise errors.Rejected(
            f"took the main container {base!r} away",
            object="the site's pod_mutation_hook",
            code="pod-refused",
            hint="a hook may change it and add others",
        )
    others = [one for one in containers if one.get("name") != base]
    changed = {
        **pod,
        "metadata": {**(pod.get("metadata") or {}), "name": name},
        "spec": {**pod["spec"], "containers": [*main, *others]},
    }
    changed["metadata"].setdefault("namespace", before["metadata"]["namespace"])
    return changed


def add_handover(pod: Json, arguments: Mapping[str, Any], place: Place, handover: Handover) -> str:
    """Bring the helper into the pod where it hands over the value; how it is handed over."""
    try:
        way = result.way(pod["metadata"]["annotations"], place.result)
    except result.BadResult as error:
        raise errors.Rejected(str(error), object="the pod", code="pod-refused", hint=error.hint) from error
    if way != result.SIDECAR:
        return way
    if handover.lack is not None:
        raise handover.lack
    helper = handover.helper
    if (context := arguments.get("xcom_sidecar_container_security_context")) is not None:
        helper = msgspec.structs.replace(helper, security_context=context)
    result_helper.add(pod, helper)
    return way


def size(manifest: Json) -> str:
    """What a pod asks of a quota; pods that ask for the same have the same."""
    spec = manifest["spec"]
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    asked = [one.get("resources") or {} for one in containers]
    return json.dumps([asked, spec.get("priorityClassName"), spec.get("overhead")], sort_keys=True, default=str)


def _notes(arguments: Mapping[str, Any], place: Place) -> Iterator[str]:
    if not place.cluster.is_home:
        yield f"cluster: {place.cluster}"
    elif arguments.get("in_cluster") is not None:
        yield "in_cluster: how the cluster is reached is a setting here, runtime.kubernetes.in_cluster"


def identity(launch: port.Launch) -> Identity:
    """Whose pod it is."""
    return Identity(
        attempt_id=ids.owner_of(launch.attempt.attempt_id),
        dag_id=launch.run.dag_id,
        task_id=launch.task.task_id,
        run_id=launch.run.run_id,
        try_number=launch.attempt.try_number,
        map_index=launch.task.map_index,
    )


def rejected(problems: Sequence[Problem]) -> errors.Rejected:
    """All problems as one refusal."""
    first, *others = problems
    message = "; ".join([first.message, *(f"{one.object}: {one.message}" for one in others)])
    return errors.Rejected(message, object=first.object, hint=first.hint, code=first.code)


def _logged(arguments: Mapping[str, Any], pod: Json, base: str) -> Iterator[str]:
    """Containers whose output is the attempt's log, as `init_container_logs`, `container_logs`, `get_logs` say."""
    spec = pod["spec"]
    for argument, group, default in (
        ("init_container_logs", "initContainers", None),
        ("container_logs", "containers", base),
    ):
        if group == "containers" and arguments.get("get_logs") is False:
            continue
        wanted = arguments.get(argument)
        names = [str(one.get("name")) for one in spec.get(group) or [] if one.get("name") != result_helper.NAME]
        yield from _chosen(default if wanted is None else wanted, names, argument)


def _chosen(wanted: Any, names: Sequence[str], argument: str) -> Iterable[str]:
    if wanted in (None, False):
        return ()
    if wanted is True:
        return names
    chosen = [wanted] if isinstance(wanted, str) else [str(one) for one in wanted]
    for name in chosen:
        if name not in names:
            has = ", ".join(names) or "none"
            raise errors.Rejected(
                f"there is no container {name!r}",
                object=f"argument {argument!r}",
                code="pod-refused",
                hint=f"the pod has: {has}",
            )
    return chosen
