"""A pod as its worker built it, as the launch of a pod operator's: the same way that a plain one takes. Pure.

So is a Job, of which the worker tells its operator's arguments.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import msgspec

from tradewind.model import ids
from tradewind.model.dagspec import ClusterBody, PodBody
from tradewind.model.rows import TaskInstance
from tradewind.model.states import TaskState
from tradewind.ports import errors
from tradewind.ports import runtime as port

_START_SECONDS = 120.0
_NOWHERE = port.Source(bundle="", tree="", root="", file="")
"""It is rendered already, so nothing is loaded for it."""


def launch_of(request: port.PodRequest) -> port.Launch:
    """The launch. Raises `errors.Rejected` for what is no pod, or one without the main container."""
    attempt = request.attempt
    body = _act(request) if request.act else _body(request.manifest, request.options)
    return port.Launch(
        attempt=msgspec.structs.replace(attempt, attempt_id=ids.pod_of(attempt.attempt_id)),
        task=TaskInstance(
            run_key=attempt.run_key,
            task_id=attempt.task_id,
            map_index=attempt.map_index,
            state=TaskState.RUNNING,
            try_number=attempt.try_number,
        ),
        run=request.run,
        body=body,
        source=_NOWHERE,
        do_xcom_push=bool(request.options.get("do_xcom_push")),
        masked=request.masked,
    )


def _act(request: port.PodRequest) -> ClusterBody:
    if request.act != "start_job":
        raise _rejected(f"is an act {request.act!r}, which no worker hands over", "a Job's operator does")
    return ClusterBody(act="start_job", arguments=request.options)


def _body(manifest: Mapping[str, Any], options: Mapping[str, Any]) -> PodBody:
    pod, main = _with_main_first(manifest, str(options.get("base_container_name") or "base"))
    arguments = {
        **options,
        "pod_template_dict": pod,
        "base_container_name": main["name"],
        "random_name_suffix": not pod["metadata"].get("name"),
        "termination_message_policy": main.get("terminationMessagePolicy"),
    }
    grace = pod["spec"].get("terminationGracePeriodSeconds")
    startup, schedule = options.get("startup_timeout_seconds"), options.get("schedule_timeout_seconds")
    return PodBody(
        arguments=arguments,
        do_xcom_push=bool(options.get("do_xcom_push")),
        skip_on_exit_code=tuple(_codes(options.get("skip_on_exit_code"))),
        startup_timeout_seconds=_START_SECONDS if startup is None else float(startup),
        schedule_timeout_seconds=None if schedule is None else float(schedule),
        on_finish_action=str(options.get("on_finish_action") or "delete_pod"),
        termination_grace_seconds=None if grace is None else float(grace),
    )


def _with_main_first(manifest: Mapping[str, Any], name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The pod with its main container where the merge looks for it; and that container."""
    pod = copy.deepcopy(dict(manifest))
    spec = pod.get("spec")
    containers = spec.get("containers") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(containers, list):
        raise _rejected("has no spec.containers", "build_pod_request_obj() returns a V1Pod, or its JSON")
    main = next((one for one in containers if isinstance(one, dict) and one.get("name") == name), None)
    if main is None:
        has = ", ".join(str(one.get("name")) for one in containers if isinstance(one, dict)) or "none"
        raise _rejected(
            f"has no container {name!r}, which is to be its main one", f"it has: {has}; see base_container_name"
        )
    spec["containers"] = [main, *(one for one in containers if one is not main)]
    pod["metadata"] = dict(pod.get("metadata") or {})
    return pod, main


def _codes(given: Any) -> list[int]:
    return [] if given is None else [given] if isinstance(given, int) else [int(code) for code in given]


def _rejected(message: str, hint: str) -> errors.Rejected:
    return errors.Rejected(message, object="the pod that execute() handed over", hint=hint, code="pod-refused")
