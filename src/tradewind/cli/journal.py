"""What an operator is told while a server runs: who leads, files, runs, what is held back and why.

Invariant: a thing is told when it changes, not again at each look; a failed task gets one line, a good one none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from tradewind.model.facts import AttemptFact, Batch, RunFact
from tradewind.model.ids import RunKey
from tradewind.model.problem import Problem
from tradewind.model.rows import Attempt, DagRun
from tradewind.model.snapshot import ActiveSnapshot
from tradewind.model.states import AttemptPhase, EndReason, RunState
from tradewind.ports import store as store_port

_log = logging.getLogger("tradewind.server")
_MOST_FILES = 5
"""More files than that at once get one line together (those that are broken get theirs)."""
_QUIET = frozenset({EndReason.COMPLETED, EndReason.STOPPED})


class Journal:
    """Writes the lines."""

    def __init__(self) -> None:
        self._open: dict[RunKey, dict[str, str]] = {}
        """Unfinished runs, by what a line names them with."""
        self._running: set[RunKey] = set()
        self._missed: dict[RunKey, int] = {}
        """How many deadlines of an unfinished run were told as missed."""
        self._files: dict[str, store_port.FileStatus] | None = None
        self._told: dict[str, str] = {}
        """What is wrong and was told, by its subject."""

    # -- the leader and its runs -----------------------------------------------------------------------------------

    def restored(self, snapshot: ActiveSnapshot, epoch: int) -> None:
        """We lead, and this was unfinished."""
        self._open = {one.run.run_key: _names(one.run) for one in snapshot.runs if not one.run.state.is_finished}
        self._running = {one.run.run_key for one in snapshot.runs if one.run.state is RunState.RUNNING}
        self._missed = {one.run.run_key: len(one.run.missed_deadlines) for one in snapshot.runs}
        alive = sum(1 for run in snapshot.runs for one in run.attempts if one.phase is not AttemptPhase.ENDED)
        found = f"{_plural(len(self._open), 'run')} unfinished, {_plural(alive, 'attempt')} adopted"
        _log.info("leads this home: %s", found if self._open else "no run is unfinished", extra={"epoch": epoch})

    def batch(self, batch: Batch) -> None:
        """A committed batch."""
        for fact in batch.facts:
            if isinstance(fact, RunFact):
                self._deadlines(fact)
                self._run(fact.run)
            elif isinstance(fact, AttemptFact) and _is_failure(fact.attempt):
                self._failed(fact.attempt)

    def _run(self, run: DagRun) -> None:
        ids = _names(run)
        if not run.state.is_finished:
            self._open[run.run_key] = ids
            if run.state is RunState.RUNNING and run.run_key not in self._running:
                self._running.add(run.run_key)
                _log.info("run begun", extra=ids)
            return
        if run.run_key not in self._open:
            return  # a note on a run that ended before
        del self._open[run.run_key]
        self._running.discard(run.run_key)
        seconds = (run.ended_at - run.started_at).total_seconds() if run.started_at and run.ended_at else None
        took = "" if seconds is None else f" in {_duration(seconds)}"
        why = f": {run.verdict}" if run.verdict else ""
        extra = {**ids, "state": run.state.value, "seconds": seconds}
        _log.info("run ended: %s%s%s", run.state.value, took, why, extra=extra)

    def _deadlines(self, fact: RunFact) -> None:
        run, missed = fact.run, len(fact.run.missed_deadlines)
        if missed > self._missed.pop(run.run_key, 0):
            _log.warning("%s", fact.cause, extra=_names(run))
        if missed and not run.state.is_finished:
            self._missed[run.run_key] = missed

    def _failed(self, attempt: Attempt) -> None:
        name = attempt.task_id if attempt.map_index < 0 else f"{attempt.task_id}[{attempt.map_index}]"
        reason = "" if attempt.reason is None else attempt.reason.value
        _log.info(
            "try %d: %s",
            attempt.try_number,
            attempt.verdict or reason,
            extra={
                **self._open.get(attempt.run_key, {}),
                "task": name,
                "try": attempt.try_number,
                "attempt": attempt.attempt_id,
                "code": reason,
            },
        )

    @property
    def knows_files(self) -> bool:
        """Whether the folder was looked at before."""
        return self._files is not None

    # -- files -----------------------------------------------------------------------------------------------------

    def files(self, now: Sequence[store_port.FileStatus]) -> None:
        """The folder was looked at."""
        before = {} if self._files is None else self._files
        self._files = {file.path: file for file in now}
        changed = [file for file in now if before.get(file.path) != file]
        good = [file for file in changed if not file.problems]
        if len(good) > _MOST_FILES:
            dags = sum(len(file.dag_ids) for file in good)
            _log.info("loaded %d DAG files: %s", len(good), _plural(dags, "DAG"))
        else:
            for file in good:
                _log.info("loaded %s: %s", file.path, ", ".join(file.dag_ids) or "no DAGs", extra={"file": file.path})
        for file in changed:
            was = before.get(file.path)
            if file.problems and (was is None or was.problems != file.problems):
                for problem in file.problems:
                    self._broken(file, problem)
        for path in sorted(set(before) - set(self._files)):
            _log.info("%s is gone, or no DAG file any more", path, extra={"file": path})
        if not before and not now:
            _log.info("no DAG files yet")

    def _broken(self, file: store_port.FileStatus, problem: Problem) -> None:
        line = f":{problem.line}" if problem.line else ""
        kept = f" (the last good version of {', '.join(file.dag_ids)} stays)" if file.dag_ids else ""
        extra = {"file": file.path, "code": problem.code, "hint": problem.hint}
        _log.warning("broken: %s%s: %s%s", file.path, line, problem.message, kept, extra=extra)

    # -- what is held back -----------------------------------------------------------------------------------------

    def held(self, problems: Mapping[str, Problem], missing_pools: Mapping[str, tuple[str, ...]]) -> None:
        """What keeps DAGs from running, looked at now and then: told when it begins and when it is over."""
        wrong: dict[str, tuple[str, str]] = {}
        for dag_id, problem in problems.items():
            wrong[f"the schedule of {dag_id}"] = (f"{dag_id} gets no scheduled runs: {problem.message}", problem.hint)
        for pool, dags in missing_pools.items():
            hint = f"make it with `tradewind pools set {pool} SLOTS`, or name another one in the DAG file"
            wrong[f"pool {pool}"] = (f"tasks of {', '.join(dags)} wait for pool {pool!r}, which does not exist", hint)
        for subject, (message, hint) in wrong.items():
            if subject not in self._told:
                _log.warning("%s", message, extra={"hint": hint})
        for subject in sorted(set(self._told) - set(wrong)):
            _log.info("in order again: %s", subject)
        self._told = {subject: message for subject, (message, _) in wrong.items()}

    # -- the end ---------------------------------------------------------------------------------------------------

    def draining(self, alive: int, seconds: float) -> None:
        """The first signal."""
        running = f"{_plural(alive, 'attempt')} may end within {seconds:g} s" if alive else "nothing runs"
        _log.info("draining: nothing new begins, %s; once more to stop at once", running)

    def stopped(self, alive: int) -> None:
        """The end."""
        left = f"{_plural(alive, 'attempt')} under the podlet, for the next server to adopt" if alive else ""
        _log.info("stopped%s", f"; {left}" if left else "")


def _names(run: DagRun) -> dict[str, str]:
    return {"dag": run.dag_id, "run": run.run_id}


def _is_failure(attempt: Attempt) -> bool:
    return attempt.phase is AttemptPhase.ENDED and attempt.reason not in _QUIET


def _plural(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _duration(seconds: float) -> str:
    """1.2 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
