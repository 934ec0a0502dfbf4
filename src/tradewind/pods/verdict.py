"""How a pod ended: the reason as data, and one English sentence, the same wherever it is shown."""

from __future__ import annotations

import signal as signals
from collections.abc import Sequence

import msgspec

from tradewind.model.states import EndReason
from tradewind.pods.view import ContainerView, PodView

_POD_REASONS = {
    "Evicted": EndReason.EVICTED,
    "Preempting": EndReason.PREEMPTED,
    "Preempted": EndReason.PREEMPTED,
    "NodeLost": EndReason.NODE_LOST,
    "NodeShutdown": EndReason.NODE_LOST,
    "Terminated": EndReason.NODE_LOST,
    "Shutdown": EndReason.NODE_LOST,
    "NodeAffinity": EndReason.NEVER_STARTED,
    "UnexpectedAdmissionError": EndReason.NEVER_STARTED,
    "OutOfcpu": EndReason.NEVER_STARTED,
    "OutOfmemory": EndReason.NEVER_STARTED,
    "OutOfpods": EndReason.NEVER_STARTED,
    # A node older than 1.29 got a pod with a native sidecar.
    "InitContainerRestartPolicyForbidden": EndReason.NEVER_STARTED,
}
# https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions
_DISRUPTIONS = {
    "PreemptionByScheduler": (EndReason.PREEMPTED, "was preempted{on} by one of higher priority"),
    "EvictionByEvictionAPI": (EndReason.EVICTED, "was evicted{on}"),
    "DeletionByTaintManager": (EndReason.NODE_LOST, "was taken off its node{node}, whose taints it does not tolerate"),
    "DeletionByPodGC": (EndReason.NODE_LOST, "was lost with its node{node}"),
    "TerminationByKubelet": (EndReason.EVICTED, "was ended by the kubelet{on}, which lacks room or shuts down"),
}
_OF_A_DELETION = (signals.SIGTERM, signals.SIGKILL)
_NOT_FOUND, _NOT_EXECUTABLE, _FIRST_SIGNAL = 127, 126, 128


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`sentence` is for people; the rest is what decides."""

    reason: EndReason
    sentence: str
    exit_code: int | None = None
    signal: int | None = None
    skipped: bool = False
    container: str = ""
    """Which container decided."""


def judge(view: PodView, *, skip_exit_codes: Sequence[int] = ()) -> Verdict:
    """The verdict on a pod that has ended (or is gone)."""
    if view.reason == "DeadlineExceeded" and not view.hurried:
        limit = "" if view.deadline_seconds is None else f" of {view.deadline_seconds} s"
        return Verdict(reason=EndReason.TIMED_OUT, sentence=f"The pod ran longer than its active deadline{limit}.")
    if (reason := _POD_REASONS.get(view.reason)) is not None:
        return Verdict(reason=reason, sentence=_of_pod(view))
    if _was_disrupted(view):
        return _of_disruption(view)
    failed_init = next((one for one in view.containers if one.role == "init" and _failed(one)), None)
    if failed_init is not None:
        return _of_container(failed_init)
    main = view.main
    if main is None or main.state != "terminated":
        return _never_ended(view, main)
    if main.exit_code in skip_exit_codes and main.exit_code is not None:
        said = f"Container {main.name!r} ended with exit code {main.exit_code}, which means: skip."
        return Verdict(reason=EndReason.COMPLETED, sentence=said, exit_code=main.exit_code, skipped=True)
    found = _of_container(main)
    return _of_deletion(main, found) if view.deletion_at is not None and found.signal in _OF_A_DELETION else found


def sentence(view: PodView, *, skip_exit_codes: Sequence[int] = ()) -> str:
    """The sentence alone."""
    return judge(view, skip_exit_codes=skip_exit_codes).sentence


def signal_name(number: int) -> str:
    """SIGKILL for 9."""
    try:
        return signals.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _of_container(one: ContainerView) -> Verdict:
    code = one.exit_code
    signal = one.signal or (code - _FIRST_SIGNAL if code is not None and _FIRST_SIGNAL < code <= 192 else None)
    who = f"Container {one.name!r}" if one.role in ("main", "other") else f"Init container {one.name!r}"
    if one.reason == "OOMKilled":
        limit = f" at its limit of {one.memory_limit}" if one.memory_limit else ": the node ran out of memory"
        said, reason = f"{who} was OOMKilled{limit}.", EndReason.OOM_KILLED
    elif code == 0:
        said, reason = f"{who} completed.", EndReason.COMPLETED
    elif one.reason in ("StartError", "ContainerCannotRun"):
        said, reason = f"{who} could not be started: {_one_line(one.message) or one.reason}.", EndReason.ERROR
    elif signal is not None:
        said, reason = f"{who} was killed by {signal_name(signal)}.", EndReason.KILLED
    else:
        said, reason = f"{who} failed with exit code {code}{_meaning(code)}.", EndReason.ERROR
    if one.message and reason in (EndReason.ERROR, EndReason.KILLED) and "could not" not in said:
        said = f"{said[:-1]}: {_one_line(one.message)}"
    return Verdict(reason=reason, sentence=said, exit_code=code, signal=signal, container=one.name)


def _meaning(code: int | None) -> str:
    if code == _NOT_FOUND:
        return " (its command was not found)"
    return " (its command may not be executed)" if code == _NOT_EXECUTABLE else ""


def _of_pod(view: PodView) -> str:
    where = f" on node {view.node}" if view.node else ""
    what = {
        EndReason.EVICTED: f"The pod was evicted{where}",
        EndReason.PREEMPTED: f"The pod was preempted{where} by one of higher priority",
        EndReason.NODE_LOST: f"The pod was lost with its node {view.node}".rstrip(),
        EndReason.NEVER_STARTED: f"The pod was not admitted{where} ({view.reason})",
    }[_POD_REASONS[view.reason]]
    return f"{what}: {_one_line(view.message)}" if view.message else f"{what}."


def _was_disrupted(view: PodView) -> bool:
    """Whether the cluster took the pod away before its main container had ended by itself."""
    main = view.main
    if not view.disruption or main is None:
        return bool(view.disruption)
    if main.exit_code == 0 or main.reason == "OOMKilled":
        return False
    return main.finished_at is None or view.disrupted_at is None or main.finished_at >= view.disrupted_at


def _of_disruption(view: PodView) -> Verdict:
    otherwise = (EndReason.EVICTED, f"was taken away{{on}} ({view.disruption})")
    reason, what = _DISRUPTIONS.get(view.disruption, otherwise)
    said = "The pod " + what.format(
        on=f" on node {view.node}" if view.node else "", node=f" {view.node}" if view.node else ""
    )
    main = view.main
    return Verdict(
        reason=reason,
        sentence=f"{said}: {_one_line(view.message)}" if view.message else f"{said}.",
        exit_code=main.exit_code if main else None,
        signal=main.signal if main else None,
    )


def _of_deletion(main: ContainerView, found: Verdict) -> Verdict:
    """The kubelet ended it because the pod was deleted, by whom is not told. Nobody knows what it would have done."""
    if found.reason is not EndReason.KILLED or found.signal is None:
        return found
    said = f"The pod was deleted while container {main.name!r} ran, which ended by {signal_name(found.signal)}."
    return msgspec.structs.replace(found, reason=EndReason.LOST, sentence=said)


def _never_ended(view: PodView, main: ContainerView | None) -> Verdict:
    if main is not None and main.state == "running":
        said = f"The pod went away while container {main.name!r} ran; nobody can say how it ended."
        return Verdict(reason=EndReason.LOST, sentence=said)
    if main is not None and main.reason:
        told = f": {_one_line(main.message)}" if main.message else ""
        said = f"Container {main.name!r} never started ({main.reason}{told})."
        return Verdict(reason=EndReason.NEVER_STARTED, sentence=said, container=main.name)
    unscheduled = view.conditions.get("PodScheduled", "")
    told = f": {_one_line(unscheduled)}" if unscheduled.startswith("False") else "."
    return Verdict(reason=EndReason.NEVER_STARTED, sentence=f"The pod never started{told}")


def _failed(one: ContainerView) -> bool:
    return one.state == "terminated" and (one.exit_code != 0 or one.signal is not None)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]
