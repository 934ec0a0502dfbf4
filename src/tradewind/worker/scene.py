"""Everything that user code can see while it runs: its operator, its run, its task instance, its context.

Made for each attempt, rendering and callback; what costs is computed when it is first asked for.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import jinja2

from tradewind import templates
from tradewind.model.problem import Problem
from tradewind.protocol import work as works
from tradewind.sdk import errors, params
from tradewind.sdk.supervision import Supervisor
from tradewind.worker import keys
from tradewind.worker.context import RunContext
from tradewind.worker.dagrun import RuntimeDagRun
from tradewind.worker.task_instance import RuntimeTaskInstance, as_row

if TYPE_CHECKING:
    from tradewind.worker.loading import LoadedFile


class Scene:
    """One task of one run, or (without a task) one run."""

    def __init__(
        self,
        loaded: LoadedFile,
        work: works.PythonWork | works.RenderWork | works.CallbackWork,
        supervisor: Supervisor,
    ) -> None:
        """Find the DAG and the task in the file. Raises `DagProblem` where the file no longer has them."""
        self.dag = _find_dag(loaded, work.run.dag_id)
        self.dag_run = RuntimeDagRun(work.run)
        self.map_length: int | None = getattr(work, "map_length", None)
        self.reschedule_count = 0
        self._supervisor = supervisor
        self.context = RunContext(
            keys.makers(work.run.meaning, has_date=work.run.logical_date is not None, has_task=work.task is not None),
            self,
            keys.DISTANT,
        )
        if work.task is not None:
            self.task = _find_task(self.dag, work.task.task_id)
            self.is_mapped = bool(getattr(self.task, "is_mapped", False))
            self.ti = RuntimeTaskInstance(work, self.task, self.dag_run, supervisor)
            self.ti.bind(lambda: self.context)
            row = work.task
            self.reschedule_count = max(row.attempts_in_try - 1 - row.infrastructure_failures, 0)

    def unmap(self) -> None:
        """Replace a mapped operator by the one of its element."""
        if self.is_mapped:
            self.task = self.task.unmap(self.context, self.ti.map_index)
            self.ti.task = self.task
            self.ti.is_mapped = True
            self.context["task"] = self.task

    def check_params(self) -> None:
        """Raise ParamValidationError where a parameter has no value or one against its schema."""
        _ = self.params

    @cached_property
    def params(self) -> Any:
        """Parameters of DAG and task with the run's conf over them, validated."""
        return params.for_run(self.dag, getattr(self, "task", None), self.dag_run.conf)

    @cached_property
    def previous_success(self) -> RuntimeDagRun | None:
        """The last successful run before this one."""
        before = self.dag_run.logical_date
        if before is None:
            return None
        found = self._supervisor.get_run(self.dag_run.dag_id, before=before, state="success")
        return None if found is None else RuntimeDagRun(as_row(found))

    @cached_property
    def jinja(self) -> jinja2.Environment:
        """Environment for the task's templates."""
        return templates.environment(self.dag, native=getattr(self.task, "render_template_as_native_obj", None))


def _find_dag(loaded: LoadedFile, dag_id: str) -> Any:
    if (dag := loaded.dags.get(dag_id)) is not None:
        return dag
    told = loaded.report.problems[0] if loaded.report.problems else None
    raise errors.DagProblem(
        Problem(
            code="dag-not-in-file",
            object=f"DAG {dag_id!r}",
            message=f"the file {loaded.file.file} does not define it{f': {told.message}' if told else ''}",
            hint=(told.hint if told else "") or "does the file define other DAGs at other times?",
            traceback=told.traceback if told else "",
        )
    )


def _find_task(dag: Any, task_id: str) -> Any:
    found = dag.task_dict.get(task_id)
    if found is None:
        raise errors.DagProblem(
            Problem(
                code="task-not-in-dag",
                object=f"task {task_id!r} of DAG {dag.dag_id!r}",
                message="the DAG has no such task when the file is loaded now",
                hint="tasks made from the time of day, from chance or from a changing file come and go",
            )
        )
    return found
