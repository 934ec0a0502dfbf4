"""ExternalTaskSensor and ExternalTaskMarker: waiting for another DAG's run, and saying that another DAG waits.

The engine does the waiting, and follows the markers when tasks are cleared. `execution_date_fn` is code of the user's,
and most templates of a marker are: a worker asks it, once, for the dates, and renders them.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, ClassVar

from tradewind.model import dagspec
from tradewind.sdk import callables, errors, timezone
from tradewind.sdk.operators.empty import EmptyOperator
from tradewind.sdk.sensors.engine_wait import EngineSensor, is_deferrable
from tradewind.sdk.standard_errors import AirflowExternalTaskSensorException
from tradewind.sdk.states import DagRunState, TaskInstanceState
from tradewind.sdk.unset import NOTSET

_OWN_DATE = re.compile(r"\{\{\s*(ts|(dag_run\.)?(logical_date|execution_date)(\.isoformat\(\))?)\s*\}\}")
"""Templates that give the run's own logical date, whatever it is."""


class DuplicateStateError(errors.ValueProblem):
    """A state is allowed and failing at once."""


class ExternalTaskNotFoundError(AirflowExternalTaskSensorException):
    """There is no such task."""


class ExternalDagNotFoundError(AirflowExternalTaskSensorException):
    """There is no such DAG."""


class ExternalDagDeletedError(AirflowExternalTaskSensorException):
    """The DAG is gone."""


class ExternalTaskGroupNotFoundError(AirflowExternalTaskSensorException):
    """There is no such group."""


class ExternalTaskFailedError(AirflowExternalTaskSensorException):
    """The task that was waited for failed."""


class ExternalTaskGroupFailedError(AirflowExternalTaskSensorException):
    """The group that was waited for failed."""


class ExternalDagFailedError(AirflowExternalTaskSensorException):
    """The DAG that was waited for failed."""


class ExternalTaskSensor(EngineSensor):
    """Waits for tasks, a group or the run of another DAG at the same logical date, or at one that it is told."""

    template_fields: ClassVar[Sequence[str]] = (
        "external_dag_id", "external_task_id", "external_task_ids", "external_task_group_id",
    )  # fmt: skip
    ui_color = "#4db7db"

    def __init__(
        self,
        *,
        external_dag_id: Any,
        external_task_id: Any = None,
        external_task_ids: Any = None,
        external_task_group_id: Any = None,
        allowed_states: Iterable[str] | None = None,
        skipped_states: Iterable[str] | None = None,
        failed_states: Iterable[str] | None = None,
        execution_delta: dt.timedelta | None = None,
        execution_date_fn: Callable[..., Any] | None = None,
        check_existence: bool = False,
        poll_interval: float | None = None,
        deferrable: Any = NOTSET,
        **kwargs: Any,
    ) -> None:
        if poll_interval is not None:
            kwargs.setdefault("poke_interval", poll_interval)
        super().__init__(**kwargs)
        self.allowed_states = _texts(allowed_states) or ["success"]
        self.skipped_states = _texts(skipped_states)
        self.failed_states = _texts(failed_states)
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.external_task_ids = external_task_ids or None
        self.external_task_group_id = external_task_group_id
        self.execution_delta = execution_delta
        self.execution_date_fn = execution_date_fn
        self.check_existence = check_existence
        self.deferrable = is_deferrable(deferrable)
        self.external_dates_filter: str | None = None
        self._check()
        if self.external_task_id is not None:
            self.external_task_ids = [self.external_task_id]

    @property
    def poll_interval(self) -> float:
        """An older name of `poke_interval`."""
        return self.poke_interval

    def _check(self) -> None:
        about = f"task {self.task_id!r}"
        self._only_one(about, "external_task_id", "external_task_ids", "external_task_group_id")
        self._only_one(about, "execution_delta", "execution_date_fn")
        states = [*self.allowed_states, *self.skipped_states, *self.failed_states]
        if twice := sorted({state for state in states if states.count(state) > 1}):
            said = f"{', '.join(twice)} is in more than one of allowed_states, skipped_states and failed_states"
            raise DuplicateStateError.of("duplicate-state", about, said, "keep each state in one of them")
        whole = not (self.external_task_id or self.external_task_ids or self.external_task_group_id)
        kind: Any = DagRunState if whole else TaskInstanceState
        known = [state.value for state in kind]
        if wrong := [state for state in states if state not in known]:
            what = "a run" if whole else "a task"
            said = f"{', '.join(map(repr, wrong))} is no state of {what}"
            raise errors.ValueProblem.of("bad-state", about, said, f"states of {what} are {', '.join(known)}")

    def _only_one(self, about: str, *names: str) -> None:
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) > 1:
            said = f"only one of {', '.join(names)} can be given, got {' and '.join(given)}"
            raise errors.ValueProblem.of("only-one", about, said, "keep one of them")

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """Whom it waits for; with an `execution_date_fn` only a worker can tell."""
        if context is None and self.execution_date_fn is not None:
            return None
        return dagspec.WaitTaskBody(
            dag_id=str(self.external_dag_id),
            task_ids=self._ids(),
            group_id=self.external_task_group_id or None,
            delta_seconds=0 if self.execution_delta is None else self.execution_delta.total_seconds(),
            dates=tuple(self._dates(context)) if self.execution_date_fn is not None else (),
            allowed_states=tuple(self.allowed_states),
            skipped_states=tuple(self.skipped_states),
            failed_states=tuple(self.failed_states),
            check_existence=self.check_existence,
            timeout_seconds=self.wait_limit(),
            soft_fail=self.soft_fail or self.never_fail,
        )

    def _ids(self) -> tuple[str, ...]:
        given = self.external_task_ids or ()
        ids = (given,) if isinstance(given, str) else tuple(str(one) for one in given)
        if len(set(ids)) < len(ids):
            raise ValueError(f"external_task_ids names a task twice: {ids}")
        return ids

    def _dates(self, context: Any) -> list[dt.datetime]:
        date = context.get("logical_date") or context["dag_run"].run_after
        if self.execution_date_fn is None:
            return [timezone.to_plain(date - (self.execution_delta or dt.timedelta(0)))]
        rest = context.copy()
        for name in ("logical_date", "execution_date"):
            rest.pop(name, None)
        rest["context"] = context
        given = callables.determine_kwargs(self.execution_date_fn, (date,), rest)
        found = self.execution_date_fn(date, **given)
        dates = list(found) if isinstance(found, (list, tuple, set)) else [found]
        if wrong := [one for one in dates if not isinstance(one, dt.datetime)]:
            said = f"execution_date_fn must return a date or a list of dates, got {wrong[0]!r}"
            raise errors.AirflowException(said)
        if not dates:
            raise errors.AirflowException("execution_date_fn returned an empty list: there is nothing to wait for")
        return [timezone.to_plain(timezone.convert_to_utc(one)) for one in dates]

    def poke(self, context: Any) -> bool:
        """Whether all is there, for a subclass that asks itself. Raises where some of it failed or was skipped."""
        dates = self._dates(context)
        ids = self._ids()
        if self.failed_states and self._count(context, ids, dates, self.failed_states):
            self._fail()
        if self.skipped_states and self._count(context, ids, dates, self.skipped_states):
            raise errors.AirflowSkipException(f"{self._what()} was skipped")
        wanted = len(dates) * max(len(ids), 1)
        return self._count(context, ids, dates, self.allowed_states) >= wanted

    def _count(self, context: Any, ids: Collection[str], dates: list[dt.datetime], states: list[str]) -> int:
        ti = context["ti"]
        if not ids and self.external_task_group_id is None:
            return int(ti.get_dr_count(self.external_dag_id, logical_dates=dates, states=states))
        if ids:
            return int(ti.get_ti_count(self.external_dag_id, task_ids=list(ids), logical_dates=dates, states=states))
        group = self.external_task_group_id
        runs = ti.get_task_states(self.external_dag_id, task_group_id=group, logical_dates=dates)
        if states == self.allowed_states:
            return sum(1 for found in runs.values() if found and all(state in states for state in found.values()))
        return sum(1 for found in runs.values() for state in found.values() if state in states)

    def _fail(self) -> None:
        said = f"{self._what()} failed"
        if self.soft_fail:
            raise errors.AirflowSkipException(f"{said}, and soft_fail makes that a skip")
        if self.external_task_ids:
            raise ExternalTaskFailedError(said)
        raise (ExternalTaskGroupFailedError if self.external_task_group_id else ExternalDagFailedError)(said)

    def _what(self) -> str:
        if self.external_task_ids:
            return f"some of the tasks {list(self.external_task_ids)} of DAG {self.external_dag_id!r}"
        if self.external_task_group_id:
            return f"group {self.external_task_group_id!r} of DAG {self.external_dag_id!r}"
        return f"DAG {self.external_dag_id!r}"


class ExternalTaskMarker(EmptyOperator):
    """Says that a task of another DAG waits for this one: who clears this one clears that one, too."""

    template_fields: ClassVar[Sequence[str]] = ("external_dag_id", "external_task_id", "logical_date")
    ui_color = "#4db7db"

    def __init__(
        self,
        *,
        external_dag_id: str,
        external_task_id: str,
        logical_date: str | dt.datetime | None = "{{ logical_date.isoformat() }}",
        recursion_depth: int = 10,
        execution_date: str | dt.datetime | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        given = execution_date if execution_date is not None else logical_date
        errors.expect(
            "wrong-type", f"task {self.task_id!r}", "logical_date", given, (str, dt.datetime),
            words="a date or its text", hint="for example '{{ logical_date.isoformat() }}'",
        )  # fmt: skip
        if recursion_depth <= 0:
            raise errors.ValueProblem.of(
                "bad-depth",
                f"task {self.task_id!r}",
                f"recursion_depth is {recursion_depth}; it is 1 or more",
                "10 is usual",
            )
        self.external_dag_id = external_dag_id
        self.external_task_id = external_task_id
        self.logical_date = given.isoformat() if isinstance(given, dt.datetime) else given
        self.recursion_depth = recursion_depth

    @property
    def marks_own_date(self) -> bool:
        """Whether the other DAG's run has the logical date of this one, which needs no rendering to be known."""
        return isinstance(self.logical_date, str) and _OWN_DATE.fullmatch(self.logical_date) is not None

    def native(self, context: Any) -> dagspec.NativeBody | None:
        """What it marks; None where only a worker can tell."""
        try:
            date = None if self.marks_own_date else _moment(self.logical_date)
        except ValueError:
            if context is None:
                return None
            raise
        return dagspec.MarkTaskBody(
            dag_id=str(self.external_dag_id),
            task_id=str(self.external_task_id),
            date=date,
            recursion_depth=self.recursion_depth,
        )

    def execute(self, context: Any) -> Any:
        """Leave to the engine what it marks, now that it is rendered."""
        body = self.native(context)
        assert body is not None
        raise errors.LeftToEngine(body)


def _moment(given: Any) -> dt.datetime:
    """A date, or its text; a template that gives values of its own gives a date."""
    return timezone.to_plain(given if isinstance(given, dt.datetime) else timezone.parse(str(given)))


def _texts(given: Iterable[str] | None) -> list[str]:
    return [str(getattr(state, "value", state)) for state in given or ()]
