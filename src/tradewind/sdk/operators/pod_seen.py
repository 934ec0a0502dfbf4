"""A pod that was handed over, as its worker knows it: what was asked for, what was told since, and how it ended."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from tradewind.model.outcome import Failed, Outcome, Result, Skipped, Success
from tradewind.sdk import errors


class SeenPod:
    """State of one pod. `told` is what the control plane said last."""

    def __init__(self, pod: dict[str, Any], told: dict[str, Any]) -> None:
        self._pod = pod
        self._told = told

    def take(self, told: dict[str, Any]) -> None:
        """The newest that is known."""
        self._told = told

    @property
    def name(self) -> str:
        """Its name."""
        return self._told.get("name") or str((self._pod.get("metadata") or {}).get("name") or "")

    @property
    def namespace(self) -> str:
        """Where it is."""
        return self._told.get("namespace") or str((self._pod.get("metadata") or {}).get("namespace") or "")

    def outcome(self) -> Outcome | None:
        """How it ended; None while it has not."""
        found = self._result()
        return None if found is None else found.outcome

    def value(self) -> bytes | None:
        """JSON that it gave back."""
        return self.values().get("return_value")

    def values(self) -> dict[str, bytes]:
        """JSON by key, of all that it gave."""
        found = self._result()
        return {} if found is None else {push.key: push.value for push in found.xcoms}

    def raise_failed(self) -> None:
        """Raise how it ended, unless it did what it was to do."""
        outcome = self.outcome()
        if isinstance(outcome, Skipped):
            raise errors.AirflowSkipException(outcome.message)
        if isinstance(outcome, Failed):
            raise errors.PodFailed(outcome)

    def _result(self) -> Result | None:
        given = self._told.get("result")
        return None if given is None else msgspec.convert(given, Result)

    def raise_without_pod(self) -> None:
        """Raise where there never was one: it was refused, or it could not be created."""
        outcome = self.outcome()
        if isinstance(outcome, Failed) and not self._told.get("name"):
            raise errors.PodFailed(outcome)

    def raise_unless_started(self) -> None:
        """Raise where it ended before its main container began."""
        outcome = self.outcome()
        if isinstance(outcome, Failed) and not self._told.get("started") and not outcome.entered:
            raise errors.PodFailed(outcome)

    def is_to_go(self, action: str) -> bool:
        """Whether it is deleted at its end."""
        if action == "delete_succeeded_pod":
            return isinstance(self.outcome(), (Success, Skipped)) and self._phase() == "Succeeded"
        return action == "delete_pod" or (action == "delete_active_pod" and self._phase() in ("Pending", "Running"))

    # -- as API JSON -----------------------------------------------------------------------------------------------

    def request(self) -> dict[str, Any]:
        """What was asked for, under the name that it has."""
        pod = copy.deepcopy(self._pod)
        pod["metadata"] = {**(pod.get("metadata") or {}), "name": self.name, "namespace": self.namespace}
        return pod

    def json(self) -> dict[str, Any]:
        """The pod with its status."""
        pod = self.request()
        if uid := self._told.get("uid"):
            pod["metadata"]["uid"] = uid
        if node := self._told.get("node"):
            pod["spec"] = {**pod["spec"], "nodeName": node}
        status: dict[str, Any] = {"phase": self._phase()}
        detail = self._told.get("detail") or {}
        for name in ("reason", "message"):
            if detail.get(name):
                status[name] = detail[name]
        seen = detail.get("containers") or ()
        for group, roles in (
            ("initContainerStatuses", ("init", "sidecar")),
            ("containerStatuses", ("main", "other", None)),
        ):
            found = [_container(one) for one in seen if one.get("role", "main") in roles]
            if found:
                status[group] = found
        pod["status"] = status
        return pod

    def _phase(self) -> str:
        if told := (self._told.get("detail") or {}).get("phase"):
            return str(told)
        outcome = self.outcome()
        if outcome is not None:
            return "Succeeded" if isinstance(outcome, Success) else "Failed"
        return "Running" if self._told.get("started") else "Pending"

    def event(self) -> dict[str, Any]:
        """Its end, as the provider's trigger tells it."""
        outcome = self.outcome()
        failed = outcome if isinstance(outcome, (Failed, Skipped)) else None
        return {
            "status": "success" if failed is None else "failed",
            "namespace": self.namespace,
            "name": self.name,
            "message": "The pod completed." if failed is None else failed.message,
        }


def _container(seen: dict[str, Any]) -> dict[str, Any]:
    state = seen.get("state") or "waiting"
    names = {"exit_code": "exitCode", "started_at": "startedAt", "finished_at": "finishedAt"}
    fields = ("reason", "message", "exit_code", "signal", "started_at", "finished_at")
    told = {names.get(name, name): seen[name] for name in fields if seen.get(name) is not None}
    if state == "terminated":
        told.setdefault("exitCode", 0)
    if state == "running":
        told = {name: value for name, value in told.items() if name == "startedAt"}
    return {
        "name": seen.get("name"),
        "image": seen.get("image") or "",
        "imageID": "",
        "ready": state == "running",
        "restartCount": int(seen.get("restarts") or 0),
        "state": {state: told},
    }
