"""Branches by the time of day, the date, or the day of the week."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from tradewind.sdk import errors, timezone
from tradewind.sdk.branching import BaseBranchOperator
from tradewind.sdk.sensors.time import week_days


class BranchDateTimeOperator(BaseBranchOperator):
    """Follows one way between two moments (dates, or times of the day in question), another outside of them."""

    def __init__(
        self,
        *,
        follow_task_ids_if_true: str | Iterable[str],
        follow_task_ids_if_false: str | Iterable[str],
        target_lower: dt.datetime | dt.time | None,
        target_upper: dt.datetime | dt.time | None,
        use_task_logical_date: bool = False,
        use_task_execution_date: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if target_lower is None and target_upper is None:
            said = "target_lower and target_upper are both None, so there is nothing to compare with"
            raise errors.ValueProblem.of("no-target", f"task {self.task_id!r}", said, "give at least one of them")
        self.target_lower = target_lower
        self.target_upper = target_upper
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.follow_task_ids_if_false = follow_task_ids_if_false
        self.use_task_logical_date = use_task_logical_date or use_task_execution_date

    def choose_branch(self, context: Any) -> Any:
        """Compare now, or the run's date."""
        now = _date_of_run(context) if self.use_task_logical_date else timezone.utcnow()
        lower, upper = (self._on(now, one) for one in (self.target_lower, self.target_upper))
        times_only = not (isinstance(self.target_lower, dt.datetime) and isinstance(self.target_upper, dt.datetime))
        if times_only and lower is not None and upper is not None and upper < lower:
            upper += dt.timedelta(days=1)
        inside = (upper is None or now <= upper) and (lower is None or now >= lower)
        return self.follow_task_ids_if_true if inside else self.follow_task_ids_if_false

    def _on(self, day: dt.datetime, target: dt.datetime | dt.time | None) -> Any:
        if isinstance(target, dt.time):
            target = dt.datetime.combine(day, target)
        return timezone.coerce_datetime(target, self.dag.timezone)


class BranchDayOfWeekOperator(BaseBranchOperator):
    """Follows one way on some days of the week, another on the others."""

    def __init__(
        self,
        *,
        follow_task_ids_if_true: str | Iterable[str],
        follow_task_ids_if_false: str | Iterable[str],
        week_day: Any,
        use_task_logical_date: bool = False,
        use_task_execution_day: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.follow_task_ids_if_true = follow_task_ids_if_true
        self.follow_task_ids_if_false = follow_task_ids_if_false
        self.week_day = week_day
        self.use_task_logical_date = use_task_logical_date or use_task_execution_day
        self._days = week_days(self.task_id, week_day)

    def choose_branch(self, context: Any) -> Any:
        """Compare today in the DAG's time zone, or the run's day."""
        here = self.dag.timezone
        now = _date_of_run(context) if self.use_task_logical_date else timezone.make_naive(timezone.utcnow(), here)
        return self.follow_task_ids_if_true if now.isoweekday() in self._days else self.follow_task_ids_if_false


def _date_of_run(context: Any) -> dt.datetime:
    found: dt.datetime = context.get("logical_date") or context["dag_run"].run_after
    return found
