"""Versions, files and what people look at, in memory: what `MemoryStore` gives as `DagVersions` and `Views`."""

from __future__ import annotations

import collections
import difflib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from tradewind.model.ids import AttemptId, DagId, RunKey, VersionHash
from tradewind.model.rows import Attempt, Backfill, DagRow, DagRun, Pool, TaskInstance
from tradewind.model.states import BackfillState, RunState, TaskState
from tradewind.model.timetable import summary
from tradewind.ports import errors
from tradewind.ports import store as port
from tradewind.testing.memory_runs import attempts_of, tasks_of
from tradewind.testing.memory_tables import Tables


class MemoryDagVersions:
    """Implements `ports.store.DagVersions`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def put(
        self,
        versions: Sequence[port.Version],
        files: Sequence[port.FileStatus],
        removed_dag_ids: Sequence[DagId],
        at: datetime,
    ) -> Sequence[DagRow]:
        """Changed rows in order of id: those of versions, then removed ones."""
        dags = self._tables.dags
        for version in versions:
            self._tables.versions.setdefault(version.version, version)
        for file in files:
            self._tables.files[file.bundle, file.path] = file
        in_order = sorted(versions, key=lambda one: one.spec.dag_id)
        rows = [one.as_newest(dags.get(DagId(one.spec.dag_id))) for one in in_order]
        gone = [dags[dag_id] for dag_id in sorted(removed_dag_ids) if dag_id in dags]
        rows += [msgspec.structs.replace(row, removed=True) for row in gone]
        changed = [row for row in rows if dags.get(row.dag_id) != row]
        dags.update({row.dag_id: row for row in changed})
        return changed

    async def forget_files(self, bundle: str, paths: Sequence[str]) -> None:
        """No error for one that is not there."""
        for path in paths:
            self._tables.files.pop((bundle, path), None)

    async def get(self, version: VersionHash) -> port.Version:
        """By hash."""
        found = self._tables.versions.get(version)
        if found is None:
            raise errors.NotFound("no such version", object=f"DAG version {version[:12]}", code="no-such-version")
        return found

    async def list_of_dag(self, dag_id: DagId, limit: int) -> Sequence[port.Version]:
        """Newest first."""
        mine = [one for one in self._tables.versions.values() if one.spec.dag_id == dag_id]
        return sorted(mine, key=lambda one: (one.created_at, one.version), reverse=True)[:limit]

    async def list_files(self, bundle: str) -> Sequence[port.FileStatus]:
        """In order of path."""
        return [file for key, file in sorted(self._tables.files.items()) if key[0] == bundle]

    async def list_trees_in_use(self) -> frozenset[str]:
        """Of newest versions and of unfinished runs."""
        tables = self._tables
        wanted = {dag.version for dag in tables.dags.values()}
        wanted |= {run.version for run in tables.runs.values() if not run.state.is_finished}
        wanted |= {one.version for one in tables.backfills.values() if not one.state.is_finished}
        return frozenset(version.tree for key, version in tables.versions.items() if key in wanted)


class MemoryViews:
    """Implements `ports.store.Views`."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def list_dags(self, page: port.Page) -> Sequence[port.DagView]:
        """In order of id."""
        dags = [dag for dag_id, dag in sorted(self._tables.dags.items()) if dag_id > (page.after or "")]
        return [self._view(dag) for dag in dags[: page.limit]]

    async def get_dag(self, dag_id: DagId) -> port.DagView:
        """One DAG."""
        dag = self._tables.dags.get(dag_id)
        if dag is None:
            near = difflib.get_close_matches(dag_id, self._tables.dags, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "`tradewind dags list` shows them"
            raise errors.NotFound("no such DAG", object=f"DAG {dag_id!r}", hint=hint, code="no-such-dag")
        return self._view(dag)

    def _view(self, dag: DagRow) -> port.DagView:
        runs = [run for _, run in sorted(self._tables.runs.items()) if run.dag_id == dag.dag_id]
        last_run = runs[-1] if runs else None
        active_runs = sum(1 for run in runs if not run.state.is_finished)
        version = self._tables.versions.get(dag.version)
        if version is None:
            return port.DagView(dag=dag, last_run=last_run, active_runs=active_runs)
        return port.DagView(
            dag=dag,
            schedule=summary(version.spec.timetable),
            tags=version.spec.tags,
            owners=version.spec.owners,
            meaning=version.spec.meaning,
            meaning_from=version.spec.meaning_from,
            task_count=len(version.spec.tasks),
            last_run=last_run,
            active_runs=active_runs,
        )

    async def list_runs(
        self, page: port.Page, dag_id: DagId | None = None, states: Sequence[RunState] = ()
    ) -> Sequence[DagRun]:
        """Newest first."""
        after = None if page.after is None else _number(page.after)
        runs = [run for _, run in sorted(self._tables.runs.items(), reverse=True) if dag_id in (None, run.dag_id)]
        runs = [run for run in runs if after is None or run.run_key < after]
        return [run for run in runs if not states or run.state in states][: page.limit]

    async def get_run(self, dag_id: DagId, run_id: str) -> DagRun:
        """One run."""
        runs = [run for _, run in sorted(self._tables.runs.items(), reverse=True) if run.dag_id == dag_id]
        for run in runs:
            if run.run_id == run_id:
                return run
        last = ", ".join(run.run_id for run in runs[:3])
        hint = f"its last ones: {last}" if last else f"DAG {dag_id!r} has no runs"
        raise errors.NotFound("no such run", object=f"run {run_id!r} of DAG {dag_id!r}", hint=hint, code="no-such-run")

    async def list_tasks(
        self, run_key: RunKey, page: port.Page, states: Sequence[TaskState] = ()
    ) -> Sequence[TaskInstance]:
        """In order of task id and map index."""
        after = None if page.after is None else _task_key(page.after)
        tasks = [one for one in tasks_of(self._tables, run_key) if after is None or one.key[1:] > after]
        return [one for one in tasks if not states or one.state in states][: page.limit]

    async def list_attempts(self, run_key: RunKey, task_id: str, map_index: int = -1) -> Sequence[Attempt]:
        """In order of creation."""
        return attempts_of(self._tables, run_key, task_id, map_index)

    async def get_attempt(self, attempt_id: AttemptId) -> Attempt:
        """One attempt."""
        found = self._tables.attempts.get(attempt_id)
        if found is None:
            raise errors.NotFound("no such attempt", object=f"attempt {attempt_id}", code="no-such-attempt")
        return found

    async def counts(self, run_keys: Sequence[RunKey]) -> dict[RunKey, dict[str, int]]:
        """Of whole runs."""
        found: dict[RunKey, dict[str, int]] = {key: {} for key in run_keys}
        for (run_key, group_id, state), n in self._tables.counts.items():
            if group_id == "" and n > 0 and RunKey(run_key) in found:
                found[RunKey(run_key)][state] = n
        return found

    async def list_backfills(
        self, page: port.Page, dag_id: DagId | None = None, states: Sequence[BackfillState] = ()
    ) -> Sequence[Backfill]:
        """Newest first."""
        after = None if page.after is None else _number(page.after)
        found = [one for _, one in sorted(self._tables.backfills.items(), reverse=True) if dag_id in (None, one.dag_id)]
        found = [one for one in found if after is None or one.backfill_id < after]
        return [one for one in found if not states or one.state in states][: page.limit]

    async def get_backfill(self, backfill_id: int) -> Backfill:
        """One backfill."""
        found = self._tables.backfills.get(backfill_id)
        if found is None:
            last = await self.list_backfills(port.Page(limit=3))
            told = ", ".join(f"{one.backfill_id} of {one.dag_id}" for one in last)
            hint = f"the last ones: {told}" if told else "there are none yet; `tradewind backfill create` makes one"
            raise errors.NotFound(
                "no such backfill", object=f"backfill {backfill_id}", hint=hint, code="no-such-backfill"
            )
        return found

    async def count_backfill_runs(self, backfill_id: int) -> dict[str, int]:
        """By state."""
        return dict(collections.Counter(run.state.value for run in self._runs_of(backfill_id)))

    async def list_backfill_runs(self, backfill_id: int, page: port.Page) -> Sequence[DagRun]:
        """Newest first."""
        after = None if page.after is None else _number(page.after)
        runs = self._runs_of(backfill_id)
        return [run for run in runs if after is None or run.run_key < after][: page.limit]

    def _runs_of(self, backfill_id: int) -> list[DagRun]:
        runs = sorted(self._tables.runs.items(), reverse=True)
        return [run for _, run in runs if run.backfill_id == backfill_id]

    async def list_pools(self) -> Sequence[Pool]:
        """In order of name."""
        return [pool for _, pool in sorted(self._tables.pools.items())]


def _task_key(after: str) -> tuple[str, int]:
    task_id, _, map_index = after.rpartition(":")
    return task_id, _number(map_index)


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        hint = "give the key of the last row seen"
        raise errors.Rejected("not a key of a row", object=f"page after {text!r}", hint=hint, code="page-key") from None
