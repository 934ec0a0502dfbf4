"""How an attempt ended, in one sentence and as data, where it could not say so itself."""

from __future__ import annotations

import os
import signal
from datetime import datetime, timezone

from tradewind.model.outcome import Failed, Result
from tradewind.model.problem import Problem
from tradewind.model.states import EndReason
from tradewind.protocol import podlet as protocol


def never_started(why: str) -> Failed:
    """Its code did not begin; launching it again is safe."""
    return Failed(message=f"Its code never began: {why}.", reason=EndReason.NEVER_STARTED, entered=False)


def lost(why: str) -> Failed:
    """Its code began, and nobody can say how it ended."""
    return Failed(message=f"Nobody can say how it ended: {why}.", reason=EndReason.LOST, entered=True)


def unknown() -> Failed:
    """The podlet has nothing of it."""
    message = "The podlet does not know it: it was not handed over, or its end was taken already."
    return Failed(message=message, reason=EndReason.LOST, entered=False)


def of_status(status: int, *, memory: str = "") -> Failed:
    """Its code began, and its process ended without a result. `status` as of waitpid; `memory`: what it exceeded."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if memory and number == signal.SIGKILL:
            message = f"It needed more than {memory}, and the kernel killed it by SIGKILL."
            return Failed(message=message, reason=EndReason.OOM_KILLED, signal=number)
        return Failed(message=f"Its process was killed by {name(number)}.", reason=EndReason.KILLED, signal=number)
    code = os.WEXITSTATUS(status)
    return Failed(
        message=f"Its process ended with exit code {code} and without a result: its code called os._exit.",
        reason=EndReason.ERROR,
        exit_code=code,
    )


def rejected(why: str) -> Failed:
    """It cannot run at all."""
    return Failed(message=why, retry=False, reason=EndReason.REJECTED, entered=False)


def ended_now(attempt_id: str, failed: Failed) -> protocol.Ended:
    """The end of an attempt that the podlet does not keep."""
    return protocol.Ended(attempt_id=attempt_id, at=datetime.now(timezone.utc), result=Result(outcome=failed))


def stopped(failed: Failed, why: str, *, killed: bool) -> Failed:
    """It ended because we were asked to stop it."""
    how = "killed with SIGKILL, since it did not end by SIGTERM in time" if killed else "ended by SIGTERM"
    reason = f" ({why})" if why else ""
    return Failed(
        message=f"It was stopped on request{reason}: {how}.",
        reason=EndReason.STOPPED,
        signal=failed.signal,
        exit_code=failed.exit_code,
        entered=failed.entered,
    )


def stopped_early(why: str) -> Failed:
    """Stopped on request before it had a process."""
    reason = f" ({why})" if why else ""
    message = f"It was stopped on request{reason} before its code began."
    return Failed(message=message, reason=EndReason.STOPPED, entered=False)


def unwritten(message: str, *, entered: bool) -> Failed:
    """Its files could not be written, most often because the disk is full."""
    if entered:
        return Failed(message=f"Its result could not be written: {message}.", reason=EndReason.LOST, entered=True)
    return never_started(f"its files could not be written: {message}")


def how(status: int | None) -> str:
    """The end of a process as the rest of a sentence about it."""
    if status is None:
        return "ended, nobody knows how"
    if os.WIFSIGNALED(status):
        return f"was killed by {name(os.WTERMSIG(status))}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"


def while_loading(file: str, status: int | None, output: str) -> Problem:
    """The process that loaded a DAG file ended before it could report."""
    said = f"; the last it wrote:\n{output}" if output else ""
    return Problem(
        code="parse-died",
        object=f"file {file}",
        file=file,
        message=f"its process {how(status)} while the file was loaded{said}",
        hint="the top of the file must not call os._exit, and nothing that it imports may crash",
    )


def loading_too_slow(file: str, seconds: float, output: str) -> Problem:
    """Loading took too long, and its process had to be killed."""
    said = f"; the last it wrote:\n{output}" if output else ""
    return Problem(
        code="load-timeout",
        object=f"file {file}",
        file=file,
        message=f"loading it took longer than {seconds:g} s, and it did not react to being interrupted{said}",
        hint="move slow work out of the top of the file, or raise dags.parse_timeout_seconds",
    )


def worker_broken() -> Problem:
    """The process that all others are forked from does not start."""
    return Problem(
        code="worker-broken",
        message="the process that loads DAG files does not start",
        hint="HOME/podlet.log says why; is the installation whole?",
    )


def unloaded(problem: Problem, *, blameless: bool) -> Failed:
    """Its file could not be loaded, so its code did not begin."""
    reason = EndReason.NEVER_STARTED if blameless else EndReason.ERROR
    return Failed(message=f"Its file could not be loaded: {problem.message}.", reason=reason, entered=False)


def name(number: int) -> str:
    """Name of a signal."""
    try:
        return signal.Signals(number).name
    except ValueError:  # a real-time signal
        return f"signal {number}"
