"""A task's arguments as the record of what is to be done in a cluster, and the Job that is sent. Pure.

Invariant: what the cluster would refuse for certain is refused here, before anything is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tradewind.model.dagspec import ClusterBody
from tradewind.pods import job, policy
from tradewind.pods.identity import Identity
from tradewind.pods.problems import BadPod
from tradewind.ports import runtime as port
from tradewind.runtime.kubernetes import object_text, requesting
from tradewind.runtime.kubernetes.act import ActRecord

Json = dict[str, Any]


def has_values(body: ClusterBody, arguments: Mapping[str, Any]) -> bool:
    """Whether pods that it starts hand values over."""
    waits = bool(arguments.get("wait_until_job_complete"))
    return body.act == "start_job" and waits and bool(arguments.get("do_xcom_push"))


def record(
    launch: port.Launch,
    body: ClusterBody,
    rendered: port.Rendered,
    place: requesting.Place,
    handover: requesting.Handover | None = None,
) -> ActRecord:
    """What is to be done, where, as whom. `rendered` has the arguments. Raises `errors.Rejected`.

    `handover` is there for a Job whose pods hand values over.
    """
    arguments, identity = rendered.fields, requesting.identity(launch)
    requesting.check_place(arguments, place)
    namespace, made = str(arguments.get("namespace") or place.namespace), dict[str, Any]()
    way = ""
    if body.act == "start_job":
        made, way = build_job(arguments, identity, place, handover)
        namespace = made["metadata"]["namespace"]
    elif body.act in ("create_resources", "delete_resources"):
        _check_objects(arguments, namespace, place)
    elif found := policy.check_namespace(namespace, place.policy):
        raise requesting.rejected(found)
    return ActRecord(
        attempt_id=launch.attempt.attempt_id,
        act=body.act,
        identity=identity,
        namespace=namespace,
        arguments=arguments,
        manifest=made,
        result=way,
        masked=rendered.masked,
        rendered_map_index=rendered.rendered_map_index,
    )


def build_job(
    arguments: Mapping[str, Any], identity: Identity, place: requesting.Place, handover: requesting.Handover | None
) -> tuple[Json, str]:
    """The manifest of a Job as it is sent, and how its pods hand values over. Raises `errors.Rejected`."""
    arguments = {**arguments, "do_xcom_push": handover is not None}
    try:
        made = job.build(arguments, identity, place.defaults)
    except BadPod as error:
        raise requesting.rejected([error.problem]) from error
    way = ""
    if handover is not None:
        template = made["spec"]["template"]
        template["metadata"].setdefault("annotations", {})
        way = requesting.add_handover(template, arguments, place, handover)
    if found := job.check(made, arguments) or job.check_policy(made, place.policy):
        raise requesting.rejected(found)
    made["metadata"]["annotations"] |= {requesting.HOME: place.home_id}
    return made, way


def _check_objects(arguments: Mapping[str, Any], otherwise: str, place: requesting.Place) -> None:
    """The site's policy holds for pods however they come to be. Raises `errors.Rejected`."""
    for one in object_text.objects(arguments):
        namespace = str((one.get("metadata") or {}).get("namespace") or otherwise)
        found = policy.check_namespace(namespace, place.policy)
        for spec in object_text.pod_specs(one):
            found += policy.check({"metadata": {"namespace": namespace}, "spec": spec}, place.policy)
        if found:
            raise requesting.rejected(found)
