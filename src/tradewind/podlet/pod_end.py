"""A pod's end as the outcome of its attempt: the verdict on its containers, and the value that it gave back.

The verdict is that of `pods.verdict`, the same as in a cluster, so that an end reads the same wherever it ran.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from tradewind.model.outcome import Deferred, Failed, Outcome, Rescheduled, Result, Skipped, Success, XComPush
from tradewind.model.states import EndReason
from tradewind.podlet import endings, pod_result
from tradewind.podlet.environment import PodFields
from tradewind.podlet.pod_output import Output
from tradewind.podlet.pod_plan import Plan
from tradewind.podlet.pod_status import Status
from tradewind.pods import result as results
from tradewind.pods import verdict
from tradewind.pods.view import ContainerView, PodView
from tradewind.protocol.podlet import StartPod


def view(start: StartPod, statuses: Sequence[Status], output: Output, *, is_late: bool) -> PodView:
    """The pod as its supervisor saw it."""
    metadata, spec = start.manifest.get("metadata") or {}, start.manifest.get("spec") or {}
    return PodView(
        name=str(metadata.get("name") or ""),
        namespace=str(metadata.get("namespace") or ""),
        uid=PodFields.of(start.manifest, start.attempt_id).uid,
        node=os.uname().nodename,
        reason="DeadlineExceeded" if is_late else "",
        containers=tuple(_container(status, output) for status in statuses),
        deadline_seconds=spec.get("activeDeadlineSeconds"),
    )


def result(start: StartPod, plan: Plan, seen: PodView, stop_reason: str | None, *, killed: bool) -> Result:
    """Outcome and values of the attempt. `stop_reason`: we were asked to end it; `killed`: SIGTERM did not do."""
    pushes = [results.push("pod_name", seen.name), results.push("pod_namespace", seen.namespace)]
    judged = verdict.judge(seen, skip_exit_codes=start.skip_exit_codes)
    outcome: Outcome
    failed = Failed(message=judged.sentence, reason=judged.reason, exit_code=judged.exit_code, signal=judged.signal)
    if stop_reason is not None:
        outcome = endings.stopped(failed, stop_reason, killed=killed)
    elif judged.skipped:
        outcome = Skipped(message=judged.sentence)
    elif judged.reason is not EndReason.COMPLETED:
        outcome = failed
    else:
        outcome = _take_value(start, plan, pushes)
    if start.rendered_map_index is not None and not isinstance(outcome, (Rescheduled, Deferred)):
        outcome = msgspec.structs.replace(outcome, rendered_map_index=start.rendered_map_index)
    return Result(outcome=outcome, xcoms=tuple(pushes))


def detail(seen: PodView) -> dict[str, Any]:
    """The view as plain JSON, to be kept with the attempt."""
    found: dict[str, Any] = msgspec.to_builtins(seen, builtin_types=())
    return found


def _take_value(start: StartPod, plan: Plan, pushes: list[XComPush]) -> Outcome:
    try:
        if start.result == "sidecar":
            value = pod_result.read_file(plan.volumes / "xcom" / "return.json")
        elif start.result == "termination_message":
            value = pod_result.read_message(plan.main.message_file)
        else:
            value = None
    except results.BadResult as error:
        return Failed(message=results.cannot_take(plan.main.name, error), exit_code=0)
    if value is not None:
        pushes.append(value)
    return Success()


def _container(status: Status, output: Output) -> ContainerView:
    message = b""
    if status.is_over and status.began:
        with open(status.planned.message_file, "rb") as file:
            message = file.read(results.MESSAGE_LIMIT)
        policy = status.planned.spec.get("terminationMessagePolicy")
        if not message and status.has_failed and policy == "FallbackToLogsOnError":
            message = output.fallback_message(status.planned.name)
    return status.view(output.hide(message.decode("utf-8", "replace")))
