"""How one container of a pod is doing, in the words of a Kubernetes container status."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timezone
from typing import Literal

from tradewind.podlet.container import NOT_STARTED, Running
from tradewind.podlet.pod_plan import Planned
from tradewind.pods.view import ContainerView

_FIRST_SIGNAL = 128


class Status:
    """One container, through all its restarts."""

    def __init__(self, planned: Planned, role: Literal["main", "init", "sidecar", "other"]) -> None:
        self.planned = planned
        self.role = role
        self.running: Running | None = None
        self.restarts = 0
        self.is_wanted = True
        """False: it is being stopped."""
        self.began = False
        self.was_killed = False
        """SIGTERM did not end it in time."""
        self._started_at: float | None = None
        self._ended_at: float | None = None
        self._wait_status: int | None = None
        self._refused = ""
        self._oom_kills = 0

    @property
    def is_over(self) -> bool:
        """Nothing of it runs now."""
        return self.running is None

    @property
    def has_failed(self) -> bool:
        """It ended, and not well."""
        return self.is_over and (self._wait_status != 0 or bool(self._refused))

    @property
    def was_refused(self) -> bool:
        """Its command or its file tree could not be had."""
        return self._refused != ""

    def run(self, running: Running) -> None:
        """It was started."""
        self.running = running
        self._refused, self._wait_status, self._ended_at = "", None, None

    def take(self, what: str, detail: str, now: float) -> None:
        """News from its keeper."""
        if what == "started":
            self.began, self._started_at = True, now
        elif what == "refused":
            self.began, self._refused = True, detail
        elif what == "ended":
            self._wait_status, self._ended_at = int(detail), now

    def close(self, now: float) -> None:
        """Its keeper is gone."""
        assert self.running is not None
        if self.running.memory is not None:
            self._oom_kills += self.running.memory.oom_kills()
        self.running.close()
        self.running = None
        self.began = True
        if self._ended_at is None:
            # Only SIGKILL takes a keeper away without a word: ours after the grace, or the machine's.
            self._ended_at = now
            if not self._refused:
                self._wait_status = 9

    def signal(self, number: int) -> None:
        """To its main process (SIGKILL: to all)."""
        if self.running is not None:
            self.was_killed = self.was_killed or number == signal.SIGKILL
            self.running.signal(number)

    def view(self, message: str) -> ContainerView:
        """As a status; `message` is its termination message."""
        spec = self.planned.spec
        limits = (spec.get("resources") or {}).get("limits") or {}
        state, code = self._state(), self._exit_code()
        return ContainerView(
            name=self.planned.name,
            # A sidecar that cannot be started ends the pod, as an init container that fails.
            role="sidecar" if self.planned.is_sidecar and not self._refused else self.role,
            state=state,
            reason=self._reason(code) if state == "terminated" else "",
            message=self._refused or message,
            exit_code=code if state == "terminated" else None,
            signal=None if code is None or code <= _FIRST_SIGNAL or self._refused else code - _FIRST_SIGNAL,
            started_at=_time(self._started_at),
            finished_at=_time(self._ended_at),
            restarts=self.restarts,
            image=str(spec.get("image") or ""),
            memory_limit=str(limits.get("memory") or ""),
            cpu_limit=str(limits.get("cpu") or ""),
        )

    def _state(self) -> Literal["waiting", "running", "terminated"]:
        if self._ended_at is not None:
            return "terminated"
        return "running" if self.running is not None else "waiting"

    def _exit_code(self) -> int | None:
        if self._refused:
            return NOT_STARTED
        if self._wait_status is None:
            return None
        code = os.waitstatus_to_exitcode(self._wait_status)
        return code if code >= 0 else _FIRST_SIGNAL - code

    def _reason(self, code: int | None) -> str:
        if self._refused:
            return "StartError"
        if code == 0:
            return "Completed"
        return "OOMKilled" if self._oom_kills else "Error"


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
