"""`context["ti"]`: the task instance that runs, as user code knows it.

Its XComs are `xcoms`. What it is not told with its work it asks of the control plane through the supervisor.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import Any
from urllib.parse import quote

import msgspec
import pendulum

from tradewind.protocol import work as works
from tradewind.sdk.supervision import Supervisor
from tradewind.sdk.unset import NOTSET
from tradewind.worker.dagrun import RuntimeDagRun, moment
from tradewind.worker.xcoms import RETURN_VALUE, Asked, XComs


class RuntimeTaskInstance:
    """One task instance. Methods block while the control plane answers."""

    is_mapped = False
    test_mode = False
    end_date: datetime | None = None
    hostname_override: str | None = None

    def __init__(
        self,
        work: works.PythonWork | works.RenderWork | works.CallbackWork,
        task: Any,
        dag_run: RuntimeDagRun,
        supervisor: Supervisor,
    ) -> None:
        row = work.task
        if row is None:
            raise ValueError("a task instance needs the row of its task")
        self._row = row
        self._supervisor = supervisor
        self._context: Callable[[], Any] = dict
        self.task = task
        self.dag_run = dag_run
        self.dag_id = dag_run.dag_id
        self.run_id = dag_run.run_id
        self.task_id = str(row.task_id)
        self.map_index = row.map_index
        self.try_number = max(row.try_number, 1)
        self.max_tries = getattr(work, "max_tries", row.max_tries)
        self.attempt_id = getattr(work, "attempt_id", "") or ""
        self.state = row.state.value
        self.rendered_map_index: str | None = row.rendered_map_index
        self.xcoms = XComs(
            supervisor=supervisor,
            dag_id=self.dag_id,
            run_id=self.run_id,
            task_id=self.task_id,
            map_index=self.map_index,
            means_2=dag_run.meaning == "2",
            max_bytes=getattr(work, "max_xcom_bytes", 0),
        )
        self.skips: list[str] = []
        self.skip_all_downstream = False

    # -- what it is ------------------------------------------------------------------------------------------------

    @cached_property
    def id(self) -> str:
        """The attempt's id."""
        return self.attempt_id

    @cached_property
    def log(self) -> logging.Logger:
        """Its logger."""
        return logging.getLogger("airflow.task")

    @cached_property
    def start_date(self) -> pendulum.DateTime:
        """When this try began."""
        began = self._row.first_started_at or self._row.started_at
        return moment(began) or pendulum.now("UTC")

    @property
    def logical_date(self) -> pendulum.DateTime | None:
        return self.dag_run.logical_date

    @property
    def execution_date(self) -> pendulum.DateTime | None:
        """Airflow 2's name of the logical date."""
        return self.dag_run.logical_date

    @property
    def key(self) -> tuple[str, str, str, int, int]:
        """DAG, task, run, try number, map index."""
        return (self.dag_id, self.task_id, self.run_id, self.try_number, self.map_index)

    @property
    def operator(self) -> str:
        """Name of its operator's class."""
        return str(getattr(self.task, "task_type", type(self.task).__name__))

    @property
    def queue(self) -> str:
        return str(self.task.queue)

    @property
    def pool(self) -> str:
        return str(self.task.pool)

    @property
    def pool_slots(self) -> int:
        return int(self.task.pool_slots)

    @property
    def priority_weight(self) -> int:
        return int(self.task.priority_weight)

    @property
    def hostname(self) -> str:
        return socket.gethostname()

    @property
    def pid(self) -> int:
        return os.getpid()

    @property
    def prev_attempted_tries(self) -> int:
        """Tries before this one, as Airflow 2 counts."""
        return self.try_number

    @property
    def next_try_number(self) -> int:
        return self.try_number + 1

    @property
    def duration(self) -> float:
        """Seconds since this try began."""
        return (datetime.now(timezone.utc) - self.start_date).total_seconds()

    @property
    def log_url(self) -> str:
        """Where its log would be shown; the address of a site is a later setting, so it has the path only."""
        index = f"/mapped/{self.map_index}" if self.map_index >= 0 else ""
        path = f"/dags/{self.dag_id}/runs/{quote(self.run_id)}/tasks/{self.task_id}{index}"
        return f"{path}?try_number={self.try_number}"

    @property
    def mark_success_url(self) -> str:
        return self.log_url

    def __repr__(self) -> str:
        index = f"[{self.map_index}]" if self.map_index >= 0 else ""
        return f"<TaskInstance: {self.dag_id}.{self.task_id}{index} {self.run_id} [{self.state}]>"

    # -- context ---------------------------------------------------------------------------------------------------

    def bind(self, context: Callable[[], Any]) -> None:
        """Say where its context is."""
        self._context = context

    def get_template_context(self, *_: Any, **__: Any) -> Any:
        """The context of the task that runs."""
        return self._context()

    def render_templates(self, context: Any = None, jinja_env: Any = None) -> Any:
        """Render the task's template fields once more; the task."""
        self.task.render_template_fields(context or self._context(), jinja_env)
        return self.task

    def get_dagrun(self, *_: Any, **__: Any) -> RuntimeDagRun:
        """Its run (Airflow 2)."""
        return self.dag_run

    # -- XComs -----------------------------------------------------------------------------------------------------

    def xcom_push(self, key: str, value: Any, *_: Any, **__: Any) -> None:
        """Keep a value for other tasks. Raises what cannot be written as JSON, and `XComTooLarge`."""
        self.xcoms.push(key, value)

    async def axcom_push(self, key: str, value: Any) -> None:
        """As `xcom_push`."""
        self.xcoms.push(key, value)

    def xcom_pull(
        self,
        task_ids: str | Iterable[str] | None = None,
        dag_id: str | None = None,
        key: str = RETURN_VALUE,
        include_prior_dates: bool = False,
        session: Any = None,
        *,
        map_indexes: Any = NOTSET,
        default: Any = None,
        run_id: str | None = None,
    ) -> Any:
        """One value, or a list where several tasks or map indexes are asked for.

        Without `map_indexes` all values of a task come; a single one comes by itself (Airflow 2: only from a task that
        is not mapped). None stands for a task without a value.
        """
        asked = Asked(
            dag_id=dag_id or self.dag_id,
            run_id=run_id or self.run_id,
            key=key,
            include_prior_dates=include_prior_dates,
            default=default,
        )
        return self.xcoms.pull(asked, self.task_id if task_ids is None else task_ids, map_indexes)

    async def axcom_pull(self, *args: Any, **kwargs: Any) -> Any:
        """As `xcom_pull`."""
        return self.xcom_pull(*args, **kwargs)

    # -- branches --------------------------------------------------------------------------------------------------

    def skip_downstream(self, tasks: Iterable[Any] = (), *, everything: bool = False) -> None:
        """Decide against downstream tasks (ids, operators or (id, map index)); `everything`: all that is below."""
        for task in tasks:
            name = task if isinstance(task, str) else task[0] if isinstance(task, tuple) else task.task_id
            if name not in self.skips:
                self.skips.append(name)
        self.skip_all_downstream = self.skip_all_downstream or everything

    # -- other runs and tasks --------------------------------------------------------------------------------------

    def get_previous_dagrun(self, state: str | None = None, *_: Any, **__: Any) -> RuntimeDagRun | None:
        """The run before this one by logical date."""
        row = self._row_of_previous_run(state)
        return None if row is None else RuntimeDagRun(row)

    def _row_of_previous_run(self, state: str | None) -> Any:
        before = self.dag_run.logical_date
        if before is None:
            return None
        found = self._supervisor.get_run(
            self.dag_id, before=before, state=None if state is None else getattr(state, "value", str(state))
        )
        return None if found is None else as_row(found)

    def get_previous_ti(self, state: str | None = None, *_: Any, **__: Any) -> Any:
        """The same task in the run before, as an object with its fields."""
        run = self.get_previous_dagrun(state)
        if run is None:
            return None
        found = self._supervisor.get_tasks(self.dag_id, run.run_id, [self.task_id])
        return next(
            (_Told(one, run_id=run.run_id) for one in found if one.get("map_index", -1) == self.map_index), None
        )

    @property
    def previous_ti(self) -> Any:
        """The same task in the run before (Airflow 2)."""
        return self.get_previous_ti()

    @property
    def previous_ti_success(self) -> Any:
        """The same task in the last successful run (Airflow 2)."""
        return self.get_previous_ti("success")

    def get_first_reschedule_date(self, context: Any) -> datetime | None:
        """When the first try that was rescheduled began, None where none was yet."""
        return moment(self._row.first_rescheduled_at)

    def get_dagrun_state(self, dag_id: str, run_id: str) -> str | None:
        """State of any run."""
        found = self._supervisor.get_run(dag_id, run_id)
        return None if found is None else str(found.get("state"))

    def get_dr_count(
        self,
        dag_id: str,
        logical_dates: list[datetime] | None = None,
        run_ids: list[str] | None = None,
        states: list[str] | None = None,
    ) -> int:
        """How many runs match."""
        return self._supervisor.count_runs(dag_id, logical_dates or (), run_ids or (), states or ())

    def get_task_states(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: list[str] | None = None,
        task_group_id: str | None = None,
        logical_dates: list[datetime] | None = None,
        run_ids: list[str] | None = None,
    ) -> dict[str, dict[str, str]]:
        """{run id: {task id: state}} of runs named by id or logical date."""
        states: dict[str, dict[str, str]] = {}
        for run_id in self._run_ids(dag_id, logical_dates, run_ids):
            rows = self._supervisor.get_tasks(dag_id, run_id, task_ids or ())
            prefix = f"{task_group_id}." if task_group_id else ""
            states[run_id] = {
                _shown(row): str(row.get("state", "none"))
                for row in rows
                if str(row["task_id"]).startswith(prefix) and map_index in (None, row.get("map_index", -1))
            }
        return states

    def _run_ids(self, dag_id: str, dates: list[datetime] | None, run_ids: list[str] | None) -> list[str]:
        if not dates:
            return run_ids or [self.run_id]
        found = [self._supervisor.get_run(dag_id, before=date + timedelta(microseconds=1)) for date in dates]
        runs = [RuntimeDagRun(as_row(one)) for one in found if one is not None]
        return [run.run_id for run in runs if run.logical_date in dates]

    def get_ti_count(
        self,
        dag_id: str,
        map_index: int | None = None,
        task_ids: list[str] | None = None,
        task_group_id: str | None = None,
        logical_dates: list[datetime] | None = None,
        run_ids: list[str] | None = None,
        states: list[str] | None = None,
    ) -> int:
        """How many task instances of runs named by id or logical date match."""
        found = self.get_task_states(dag_id, map_index, task_ids, task_group_id, logical_dates, run_ids)
        return sum(1 for run in found.values() for state in run.values() if states is None or state in states)


class _Told:
    """A task instance of another run: the fields of its row as attributes."""

    def __init__(self, fields: dict[str, Any], **more: Any) -> None:
        self.__dict__.update(fields, **more)
        self.start_date = fields.get("started_at")
        self.end_date = fields.get("ended_at")
        self.try_number = fields.get("try_number", 0)
        self.map_index = fields.get("map_index", -1)


def as_row(fields: dict[str, Any]) -> Any:
    """A DagRun's row from the object that the supervisor gave."""
    from tradewind.model import rows

    return msgspec.convert(fields, rows.DagRun)


def _shown(row: dict[str, Any]) -> str:
    index = row.get("map_index", -1)
    return str(row["task_id"]) if index < 0 else f"{row['task_id']}_{index}"
