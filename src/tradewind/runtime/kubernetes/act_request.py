"""A task's arguments as the record of what is to be done in a cluster, and the Job that is sent. Pure.

Invariant: what the cluster would refuse for certain is refused here, before anything is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tradewind.model.dagspec import ClusterBody
from tradewind.pods import job, policy
from tradewind.pods.problems import BadPod
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes import object_text, requesting
from tradewind.runtime.kubernetes.act import ActRecord

Json = dict[str, Any]


def has_values(arguments: Mapping[str, Any]) -> bool:
    """Whether the pods of a Job hand values over."""
    return bool(arguments.get("wait_until_job_complete")) and bool(arguments.get("do_xcom_push"))


def record(
    launch: port.Launch,
    body: ClusterBody,
    rendered: port.Rendered,
    place: requesting.Place,
    composed: ComposedJob | None = None,
) -> ActRecord:
    """What is to be done, where, as whom. `rendered` has the arguments. Raises `errors.Rejected`.

    `composed` is there where a Job is started.
    """
    arguments = rendered.fields
    namespace, made = str(arguments.get("namespace") or place.namespace), dict[str, Any]()
    if composed is not None:
        made = _finished(composed.job, arguments, place)
        namespace = made["metadata"]["namespace"]
    elif body.act in ("create_resources", "delete_resources"):
        _check_objects(arguments, namespace, place)
    elif found := policy.check_namespace(namespace, place.policy):
        raise requesting.rejected(found)
    return ActRecord(
        attempt_id=launch.attempt.attempt_id,
        act=body.act,
        identity=requesting.identity(launch),
        namespace=namespace,
        cluster=place.cluster,
        arguments=arguments,
        manifest=made,
        result="" if composed is None else composed.way,
        masked=rendered.masked,
        rendered_map_index=rendered.rendered_map_index,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ComposedJob:
    """A Job before the site's hook has its say, and how its pods hand values over ("": they do not)."""

    job: Json
    way: str

    def as_pod(self) -> Json:
        """What the hook is given."""
        return job.as_pod(self.job)

    def after_hook(self, pod: Json) -> ComposedJob:
        """With what the hook made of its pods. Raises `errors.Rejected`."""
        return replace(self, job=job.with_pod(self.job, requesting.hooked(self.as_pod(), pod)))


def compose_job(
    launch: port.Launch,
    rendered: port.Rendered,
    place: requesting.Place,
    handover: requesting.Handover | None = None,
) -> ComposedJob:
    """The Job out of the arguments that `rendered` has. Raises `errors.Rejected`.

    `handover` is there where its pods hand values over.
    """
    arguments, identity = {**rendered.fields, "do_xcom_push": handover is not None}, requesting.identity(launch)
    try:
        made = job.build(arguments, identity, place.defaults)
    except BadPod as error:
        raise requesting.rejected([error.problem]) from error
    way = ""
    if handover is not None:
        template = made["spec"]["template"]
        template["metadata"].setdefault("annotations", {})
        way = requesting.add_handover(template, arguments, place, handover)
    return ComposedJob(job=made, way=way)


def _finished(made: Json, arguments: Mapping[str, Any], place: requesting.Place) -> Json:
    """As it is sent."""
    if found := job.check(made, arguments) or job.check_policy(made, place.policy):
        raise requesting.rejected(found)
    made["metadata"]["annotations"] |= {requesting.HOME: place.home_id}
    return made


def _check_objects(arguments: Mapping[str, Any], otherwise: str, place: requesting.Place) -> None:
    """The site's policy holds for pods however they come to be. Raises `errors.Rejected`."""
    for one in object_text.objects(arguments):
        namespace = str((one.get("metadata") or {}).get("namespace") or otherwise)
        found = policy.check_namespace(namespace, place.policy)
        for spec in object_text.pod_specs(one):
            found += policy.check({"metadata": {"namespace": namespace}, "spec": spec}, place.policy)
        if found:
            raise requesting.rejected(found)
