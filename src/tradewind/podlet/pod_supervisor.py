"""The supervisor of one pod: starts its containers in order, watches them, and leaves how it ended in its folder.

Invariants: no container starts before the start fence is made; the result is on disk before it exits; no process of
the pod outlives it.

Order of Kubernetes: init containers one after the other, sidecars among them stay; then all containers together. The
end of the main container is the pod's; what still runs then is stopped.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from tradewind.model.outcome import Failed, Result
from tradewind.podlet import child, container, endings, fence, limits, mounts, pod_end, pod_plan, processes
from tradewind.podlet.messages import Entered, Unwritten
from tradewind.podlet.pod_folder import PodFolder
from tradewind.podlet.pod_output import Output
from tradewind.podlet.pod_plan import Plan
from tradewind.podlet.pod_status import Status
from tradewind.podlet.refusal import PodRefused
from tradewind.protocol import frames
from tradewind.protocol.podlet import StartPod
from tradewind.worker import secrets

_DEFAULT_GRACE = 30.0
_HELPERS_GRACE = 5.0
"""For what still runs when the main container has ended: a task in a cluster does not wait for that, here it does."""
_FIRST_RESTART, _LONGEST_RESTART = 10.0, 300.0


class Supervisor:
    """One pod."""

    def __init__(self, start: StartPod, folder: Path, told: int) -> None:
        self._start = start
        self._told = told
        self._folder = folder
        self._spec = start.manifest.get("spec") or {}
        self._poll = select.poll()
        self._output = Output(
            folder / "out",
            main=start.base_container,
            logged=start.logged,
            prefixed=start.prefixed,
            masked=start.masked,
            poll=self._poll,
        )
        self._statuses: list[Status] = []
        self._running: dict[int, Status] = {}
        self._timers: dict[int, tuple[float, Callable[[], None]]] = {}
        self._timers_made = 0
        self._groups_made = 0
        self._namespaces = False
        self._wakeup = -1
        self._stop_reason: str | None = None
        self._is_late = False
        self._own = PodFolder(folder)
        given = self._spec.get("terminationGracePeriodSeconds")
        self._grace_given = given is not None
        self._grace = _DEFAULT_GRACE if given is None else float(given)

    def run(self) -> int:
        """The pod's whole life; the exit code of the process."""
        self._watch_signals()
        if self._grace_given:
            self._own.put_grace(self._grace)
        processes.become_subreaper()
        why_not = mounts.enter()
        self._namespaces = why_not is None
        self._output.notes(self._start.notes)
        if why_not is not None:
            self._output.notes([f"{why_not}: processes see this machine's files as they are"])
        try:
            plan = pod_plan.make(self._start, self._own.path, no_mounts=why_not)
        except PodRefused as refused:
            self._write(Result(outcome=refused.outcome))
            return 0
        self._hide(plan.secrets)
        self._look(0)
        if self._stop_reason is not None:
            never = Failed(message="", entered=False)
            self._write(Result(outcome=endings.stopped(never, self._stop_reason, killed=False)))
            return 0
        if not fence.enter(str(self._folder), self._start.log_quota_bytes):
            return child.BARRED
        if deadline := self._spec.get("activeDeadlineSeconds"):
            self._at(time.monotonic() + float(deadline), self._pass_deadline)
        self._statuses = [Status(one, role="init") for one in plan.inits]
        self._statuses += [Status(one, role="main" if one is plan.main else "other") for one in plan.containers]
        self._live()
        self._end_all()
        self._tell(plan)
        # Here and not when the attempt is released: a large volume must not hold up the podlet.
        shutil.rmtree(plan.volumes, ignore_errors=True)
        return 0

    def _hide(self, given: Sequence[str]) -> None:
        """Before a container begins: what it is given is written down for whoever stamps its log."""
        secrets.OWN.write_to(str(self._folder))
        secrets.OWN.add(given)
        self._output.also_hide(given)

    # -- order -----------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        """Up to the end of the main container, or to the first init container that fails."""
        inits = [status for status in self._statuses if status.role == "init"]
        for status in inits:
            if self._is_ending:
                return
            self._begin(status)
            if status.planned.is_sidecar:
                self._wait(partial(_has_begun, status))
                if status.was_refused:
                    return
            else:
                self._wait(partial(_has_ended, [status]))
                if status.has_failed:
                    self._output.show_tail(status.planned.name)
                    return
        if not self._is_ending:
            containers = self._statuses[len(inits) :]
            for status in containers:
                self._begin(status)
            self._wait(partial(_has_ended, containers[:1]))

    def _end_all(self) -> None:
        """SIGTERM, then SIGKILL for what still runs: containers together, then sidecars from the last to the first."""
        left_over = self._main.is_over and not self._is_ending and not self._grace_given
        until = time.monotonic() + (_HELPERS_GRACE if left_over else self._grace)
        sidecars = [one for one in reversed(self._statuses) if one.planned.is_sidecar]
        self._end([one for one in self._statuses if not one.planned.is_sidecar], until)
        for sidecar in sidecars:
            self._end([sidecar], until)

    def _end(self, group: Sequence[Status], until: float) -> None:
        for status in group:
            status.is_wanted = False
            status.signal(signal.SIGTERM)
        timer = self._at(until, partial(_kill, group))
        self._wait(partial(_has_ended, group), is_final=True)
        self._timers.pop(timer, None)

    def _tell(self, plan: Plan) -> None:
        seen = pod_end.view(self._start, self._statuses, self._output, is_late=self._is_late)
        self._own.put_detail(pod_end.detail(seen))
        self._write(pod_end.result(self._start, plan, seen, self._stop_reason, killed=self._main.was_killed))

    def _write(self, result: Result) -> None:
        child.write(str(self._folder / "result"), msgspec.msgpack.encode(result))

    # -- containers ------------------------------------------------------------------------------------------------

    def _begin(self, status: Status) -> None:
        planned = status.planned
        stage = self._own.path / "stage" / planned.name
        stage.mkdir(parents=True, exist_ok=True)
        output = self._output.open(planned.name)
        running = container.start(
            planned.container,
            stage=stage,
            output=output,
            memory=self._memory_group(planned.container),
            namespaces=self._namespaces,
        )
        os.close(output)
        status.run(running)
        self._running[running.events] = status
        self._poll.register(running.events, select.POLLIN)

    def _memory_group(self, planned: container.Container) -> limits.MemoryGroup | None:
        if planned.memory_limit is None:
            return None
        self._groups_made += 1
        group = limits.find_group(group_name(self._start.attempt_id, self._groups_made), planned.memory_limit)
        if group is None:
            said = "no cgroup can be made here; its address space is limited instead"
            self._output.notes([f"memory limit of container {planned.name!r}: {said}"])
        return group

    def _take(self, descriptor: int) -> None:
        status = self._running[descriptor]
        assert status.running is not None
        for what, detail in status.running.read():
            if what == "gone":
                self._poll.unregister(descriptor)
                del self._running[descriptor]
                self._output.drain(status.planned.name)
                status.close(time.time())
                self._come_back(status)
            else:
                now = time.time()
                status.take(what, detail, now)
                if what == "refused" and status.role == "other":
                    self._output.notes([f"[{status.planned.name}] could not be started: {detail}"])
                if what == "started" and status.role == "main":
                    # Until here it counts as queued, as a pod whose init containers run is pending.
                    say(self._told, Entered(id=self._start.attempt_id, pid=os.getpid(), at=now))
                if what == "started" and not status.is_wanted:
                    status.signal(signal.SIGTERM)

    def _come_back(self, status: Status) -> None:
        """A sidecar is started again after the kubelet's delays: none, then 10 s doubled up to 5 minutes."""
        if status.planned.is_sidecar and status.is_wanted and not status.was_refused:
            delay = min(_FIRST_RESTART * 2 ** (status.restarts - 1), _LONGEST_RESTART) if status.restarts else 0.0
            status.restarts += 1
            self._at(time.monotonic() + delay, partial(self._begin_again, status))

    def _begin_again(self, status: Status) -> None:
        if status.is_wanted:
            self._begin(status)

    # -- waiting ---------------------------------------------------------------------------------------------------

    @property
    def _is_ending(self) -> bool:
        return self._stop_reason is not None or self._is_late

    def _wait(self, is_done: Callable[[], bool], *, is_final: bool = False) -> None:
        """Until it is done, or (not for the final waits) the pod is to end."""
        while not is_done() and (is_final or not self._is_ending):
            now = time.monotonic()
            due = [number for number, (when, _) in self._timers.items() if when <= now]
            for number in due:
                self._timers.pop(number)[1]()
            if due:
                continue
            next_due = min((when for when, _ in self._timers.values()), default=None)
            self._look(None if next_due is None else next_due - now)

    def _look(self, seconds: float | None) -> None:
        """Take what has happened; wait for it this long."""
        for descriptor, _ in self._poll.poll(None if seconds is None else seconds * 1000 + 1):
            if descriptor == self._wakeup:
                self._take_signals()
            elif descriptor in self._running:
                self._take(descriptor)
            else:
                self._output.read(descriptor)

    def _at(self, when: float, what: Callable[[], None]) -> int:
        self._timers_made += 1
        self._timers[self._timers_made] = (when, what)
        return self._timers_made

    def _pass_deadline(self) -> None:
        self._is_late = not self._main_has_ended

    def _watch_signals(self) -> None:
        self._wakeup, write = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(write, False)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self._poll.register(self._wakeup, select.POLLIN)

    def _take_signals(self) -> None:
        if signal.SIGTERM not in os.read(self._wakeup, 4096) or self._stop_reason is not None:
            return
        asked = self._own.asked_to_stop()
        # What the pod itself asks for is kept to, as a kubelet does.
        if asked.grace_seconds is not None and not self._grace_given:
            self._grace = asked.grace_seconds
        if not self._main_has_ended:
            self._stop_reason = asked.reason

    @property
    def _main_has_ended(self) -> bool:
        return bool(self._statuses) and self._main.is_over and self._main.began

    @property
    def _main(self) -> Status:
        return next(status for status in self._statuses if status.role == "main")


def _has_begun(status: Status) -> bool:
    return status.began


def _has_ended(group: Sequence[Status]) -> bool:
    return all(status.is_over for status in group)


def _kill(group: Sequence[Status]) -> None:
    for status in group:
        status.signal(signal.SIGKILL)


def group_name(attempt_id: str, number: object) -> str:
    """Name of a cgroup of an attempt; without a number, what all of them begin with."""
    return f"tradewind-{attempt_id}-{number}"


def say(told: int, message: Entered | Unwritten) -> None:
    """Tell the podlet."""
    with suppress(OSError):  # no podlet is there to be told; its successor reads the files
        os.write(told, frames.pack(message))
