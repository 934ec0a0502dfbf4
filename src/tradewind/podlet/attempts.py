"""Python attempts: each one's directory, what became of it, and what is told about it.

Invariant: an attempt has exactly one end, told again until it is released. Its result is what its process wrote; only
where there is none, its fence and the status of its process say how it ended.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tradewind.model import ids
from tradewind.model.outcome import Failed, Result
from tradewind.podlet import child, endings, fence, limits, pod, processes
from tradewind.podlet import loop as loops
from tradewind.podlet.attempt import Attempt
from tradewind.podlet.following import Following
from tradewind.podlet.memory import Memory
from tradewind.podlet.messages import Do, Entered, Unwritten
from tradewind.podlet.output import Outputs
from tradewind.podlet.processes import Identity
from tradewind.podlet.reaper import Reaper
from tradewind.podlet.spares import Spares
from tradewind.protocol import podlet as protocol
from tradewind.protocol.work import PythonWork

_ANNOUNCE_SECONDS = 0.05
_LATE_SECONDS = 60.0
"""So long a fork of a podlet that died may still be on its way."""


class Attempts:
    """All Python attempts that are not released."""

    def __init__(
        self,
        loop: loops.Loop,
        folder: str,
        *,
        outputs: Outputs,
        reaper: Reaper,
        tell: Callable[[Any], None],
        hear: Callable[[], None],
    ) -> None:
        """`tell` the control plane; `hear` what attempts said and nobody read yet."""
        self._loop = loop
        self._folder = folder
        self._outputs = outputs
        self._reaper = reaper
        self._tell = tell
        self._hear = hear
        self._spares = Spares(f"{os.path.dirname(folder)}/spare")
        self._following = Following(loop, self.end_by_files)
        self._attempts: dict[str, Attempt] = {}
        self._unannounced: list[Attempt] = []
        self._memory = Memory(loop, is_needed=lambda: any(not attempt.over for attempt in self._attempts.values()))

    # -- what is asked ---------------------------------------------------------------------------------------------

    def start(self, work: PythonWork) -> Do | None:
        """Make its directory; what a zygote is to do. None where it is known, or ended already for want of disk."""
        if work.attempt_id in self._attempts:
            return None
        attempt = Attempt(work.attempt_id, f"{self._folder}/{work.attempt_id}", work.log_quota_bytes)
        if not self._open(attempt):
            return None
        group = ""
        if work.memory_bytes:
            attempt.memory_bytes = work.memory_bytes
            attempt.group = limits.find_group(f"tradewind-{attempt.id}", work.memory_bytes)
            group = "" if attempt.group is None else str(attempt.group.path)
        self._memory.watch()
        return Do(id=attempt.id, folder=attempt.folder, group=group, python=work)

    def start_pod(self, start: protocol.StartPod, told: int, *, bound: bool) -> None:
        """Fork the supervisor of a pod, which tells and ends as any attempt's process does."""
        if (known := self._attempts.get(start.attempt_id)) is not None:
            self._tell_start(known)  # whoever asks again does not know how far it is
            return
        attempt = Attempt(start.attempt_id, f"{self._folder}/{start.attempt_id}", start.log_quota_bytes)
        attempt.is_pod = True
        if not self._open(attempt):
            return
        worker_id = ids.worker_of(attempt.id)
        if worker_id is not None and (worker := self._attempts.get(worker_id)) is not None:
            self._outputs.catch_up(worker.output)  # its lines from before the pod come before those of the pod
        try:
            attempt.pid = pod.launch(start, Path(attempt.folder), told, bound=bound)
        except OSError as error:
            self._end(attempt, endings.unwritten(str(error), entered=False))
            return
        self._reaper.follow(attempt.pid, lambda status: self.done(start.attempt_id, status))
        self._outputs.begin(attempt.output)  # it writes before its main container has entered
        self._memory.watch()

    def _open(self, attempt: Attempt) -> bool:
        """Know it and make its directory; False where there is nothing to begin any more."""
        self._attempts[attempt.id] = attempt
        try:
            if attempt.is_pod or not self._spares.take(attempt.folder):
                os.mkdir(attempt.folder, 0o700)
            else:
                attempt.output.stamper.start_at(os.stat(attempt.output.out).st_size)
        except FileExistsError:  # a podlet that died had it, and it may have begun since
            del self._attempts[attempt.id]
            if self.adopt(attempt.id):
                return False
            self._attempts[attempt.id] = attempt
        except OSError as error:
            self._end(attempt, endings.unwritten(str(error), entered=False))
            return False
        return True

    def adopt(self, attempt_id: str) -> bool:
        """Know an attempt of a podlet that died; False where its code did not begin, so that it may begin anew."""
        attempt = Attempt(attempt_id, f"{self._folder}/{attempt_id}", 1 << 30)
        if not os.path.isdir(attempt.folder):
            return False
        attempt.is_adopted = True
        attempt.is_pod = os.path.isdir(f"{attempt.folder}/{pod.OWN_FOLDER}")
        if attempt.is_pod:
            fence.bar(attempt.folder)  # two supervisors would be in each other's way even before the fence
        found = fence.find(attempt.folder)
        if found is None and not fence.exists(attempt.folder):
            return False
        self._attempts[attempt_id] = attempt
        if found is None or found.runner is None:
            attempt.entered_at = None if found is None else found.made_at
            self.end_by_files(attempt, None)
        else:
            attempt.output.stamper.quota = found.log_quota
            attempt.output.stamper.start_at(found.base)
            attempt.output.stamper.resume()
            self._follow(attempt, found, found.runner)
        return True

    def _follow(self, attempt: Attempt, found: fence.Fence, runner: Identity) -> None:
        """Its code runs in a process that is not of ours."""
        attempt.is_adopted = True
        attempt.entered_at = found.made_at
        attempt.pid = runner.pid
        self._outputs.begin(attempt.output)
        self._following.follow(attempt, runner)

    def knows(self, attempt_id: str) -> bool:
        """Whether it is here, ended or not."""
        return attempt_id in self._attempts

    def stop(self, message: protocol.Stop) -> None:
        """SIGTERM to its group now, SIGKILL to all of it after the grace. The first word counts."""
        attempt = self._attempts[message.attempt_id]
        if attempt.over or attempt.stop is not None:
            return
        attempt.stop = message
        if attempt.pid:
            self._terminate(attempt, message.grace_seconds)

    def stop_unknown(self, message: protocol.Stop) -> protocol.Ended | None:
        """One that this podlet was not asked to begin: it never will. None where it is told in due time."""
        if self.adopt(message.attempt_id):
            self.stop(message)
            return None
        attempt = Attempt(message.attempt_id, f"{self._folder}/{message.attempt_id}", 0)
        if not os.path.isdir(attempt.folder):
            return endings.ended_now(attempt.id, endings.unknown())
        if not fence.bar(attempt.folder):
            return self.stop_unknown(message)
        self._loop.after(_LATE_SECONDS, attempt.remove_folder)
        return endings.ended_now(attempt.id, endings.stopped_early(message.reason))

    def withdrawn(self, message: protocol.Stop) -> None:
        """It is to stop, and was taken back before it had a process."""
        attempt = self._attempts[message.attempt_id]
        self._end(attempt, endings.stopped_early(message.reason))

    def release(self, attempt_id: str) -> None:
        """Forget it and remove its directory: when there is time, since a disk may be slow at that.

        What a podlet that died did not remove is told once more by its successor, and released again.
        """
        attempt = self._attempts.get(attempt_id)
        if attempt is None or attempt.ended is None:
            return
        del self._attempts[attempt_id]
        self._loop.when_idle(lambda: self._retire(attempt))

    def _retire(self, attempt: Attempt) -> None:
        # One that had secrets is never used again: its output holds them as they were written.
        if not attempt.is_tidy or attempt.has_secrets() or not self._spares.keep(attempt.folder):
            attempt.remove_folder()

    def list_alive(self) -> list[str]:
        """Ids of those without an end."""
        return [one.id for one in self._attempts.values() if one.ended is None]

    def list_ended(self) -> list[protocol.Ended]:
        """Ends not yet released."""
        return [one.ended for one in self._attempts.values() if one.ended is not None]

    def kill_all(self, *, adopted: bool) -> None:
        """SIGKILL to all that runs; `adopted`: to what another podlet began, too."""
        for attempt in self._attempts.values():
            if not attempt.over and (adopted or not attempt.is_adopted):
                self._kill(attempt)

    # -- what is heard ---------------------------------------------------------------------------------------------

    def forked(self, attempt_id: str, pid: int) -> None:
        """It has a process."""
        attempt = self._attempts.get(attempt_id)
        if attempt is None or attempt.over:
            return
        attempt.pid = pid
        if attempt.stop is not None:
            self._terminate(attempt, attempt.stop.grace_seconds)

    def told(self, message: Entered | Unwritten) -> None:
        """Its own process says something."""
        attempt = self._attempts.get(message.id)
        if attempt is None or attempt.over:
            return
        if isinstance(message, Unwritten):
            attempt.unwritten = message.message
            return
        attempt.entered_at = message.at
        if not attempt.is_pod:
            self._outputs.begin(attempt.output)
        # Most are over before the control plane could show that they run; those are spared a message of their own.
        if not self._unannounced:
            self._loop.after(_ANNOUNCE_SECONDS, self._announce)
        self._unannounced.append(attempt)

    def done(self, attempt_id: str, status: int) -> None:
        """Its process ended; `status` as of waitpid."""
        attempt = self._attempts.get(attempt_id)
        if attempt is None or attempt.over:
            return
        self._reaper.look_for_strays()
        self.end_by_files(attempt, status)

    def orphaned(self, attempt_id: str, pid: int) -> None:
        """Its zygote died. `pid` 0: nobody knows whether it was forked."""
        attempt = self._attempts.get(attempt_id)
        if attempt is None or attempt.over:
            return
        if not pid:
            if fence.bar(attempt.folder):
                self._end(attempt, endings.never_started("the process that was to fork it ended"))
                return
            found = fence.find(attempt.folder)
            pid = found.runner.pid if found is not None and found.runner is not None else 0
        attempt.pid = pid
        if pid and self._reaper.has(pid):
            self._reaper.follow(pid, lambda status: self.done(attempt_id, status))
        else:
            self.end_by_files(attempt, None)

    def refused(self, attempt_id: str, failed: Failed) -> None:
        """It could not be begun."""
        attempt = self._attempts.get(attempt_id)
        if attempt is not None and not attempt.over:
            self._end(attempt, failed)

    # -- ends ------------------------------------------------------------------------------------------------------

    def end_by_files(self, attempt: Attempt, status: int | None) -> None:
        """Its process is gone: its end is what it wrote down, or what `status` and fence say."""
        if attempt.entered_at is None:
            self._hear()
        result = attempt.read_result()
        if result is None and status == child.BARRED << 8 and not attempt.is_adopted:
            found = fence.find(attempt.folder)
            if found is not None and found.runner is not None and found.runner.pid != attempt.pid:
                self._follow(attempt, found, found.runner)  # a late fork of a podlet that died was first
                return
        attempt.is_tidy = result is not None and not attempt.is_pod and not attempt.is_adopted
        if result is None and attempt.is_pod:
            pod.clean_up(attempt.id)
        self._end(attempt, self._explained(attempt, status) if result is None else result)

    def _explained(self, attempt: Attempt, status: int | None) -> Failed:
        found = fence.find(attempt.folder)
        if found is None and not fence.bar(attempt.folder):
            found = fence.find(attempt.folder)
        failed: Failed
        if attempt.unwritten:
            failed = endings.unwritten(attempt.unwritten, entered=found is not None)
        elif found is None:
            failed = endings.never_started("its process ended before" if attempt.pid else "it has no process")
        elif status is None:
            failed = endings.lost("its process ended while nobody looked")
        else:
            failed = endings.of_status(status, memory=self._memory.find_exceeded(attempt))
        if attempt.stop is not None:
            failed = endings.stopped(failed, attempt.stop.reason, killed=attempt.killed)
        return failed

    def _end(self, attempt: Attempt, ended: Failed | Result) -> None:
        attempt.over = True
        result = Result(outcome=ended) if isinstance(ended, Failed) else ended
        if attempt.group is not None:
            attempt.group.remove()
        at = datetime.now(timezone.utc)
        self._outputs.close(attempt.output, lambda: self._tell_end(attempt, at, result))

    def _tell_end(self, attempt: Attempt, at: datetime, result: Result) -> None:
        detail = pod.find_detail(Path(attempt.folder)) if attempt.is_pod else {}
        if detail:
            attempt.entered_at = pod.main_start(detail)
        attempt.ended = protocol.Ended(
            attempt_id=attempt.id,
            at=at,
            result=result,
            started_at=attempt.started_at(),
            log_bytes=attempt.output.stamper.taken,
            detail=detail,
        )
        self._tell(attempt.ended)

    def _announce(self) -> None:
        unannounced, self._unannounced = self._unannounced, []
        for attempt in unannounced:
            self._tell_start(attempt)

    def _tell_start(self, attempt: Attempt) -> None:
        at = attempt.started_at()
        if not attempt.over and at is not None:
            self._tell(protocol.Started(attempt_id=attempt.id, at=at, pid=attempt.pid))

    # -- signals ---------------------------------------------------------------------------------------------------

    def _terminate(self, attempt: Attempt, grace_seconds: float) -> None:
        if attempt.is_pod and attempt.stop is not None:
            patience = pod.ask_to_stop(attempt.pid, Path(attempt.folder), attempt.stop)
            self._loop.after(patience, lambda: self._kill(attempt))
            return
        self._loop.after(grace_seconds, lambda: self._kill(attempt))
        try:
            os.killpg(attempt.pid, signal.SIGTERM)
        except ProcessLookupError:  # it is so young that it has no group yet
            processes.send(attempt.pid, signal.SIGTERM)

    @staticmethod
    def _kill(attempt: Attempt) -> None:
        if attempt.over or not attempt.pid:
            return
        attempt.killed = True
        for pid in (attempt.pid, *processes.descendants(attempt.pid)):
            processes.send(pid, signal.SIGKILL)
        processes.send_group(attempt.pid, signal.SIGKILL)
