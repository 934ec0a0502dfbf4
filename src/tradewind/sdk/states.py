"""The words that DAG files use for states, trigger rules and weights: Airflow's enumerations, whose members are texts.

Members compare equal to the plain words and print as them, since users mix both.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class Word(str, Enum):
    """A string enumeration that prints as its value."""

    def __str__(self) -> str:
        return str(self.value)


class TaskInstanceState(Word):
    """States of a task in a run."""

    REMOVED = "removed"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    RESTARTING = "restarting"
    FAILED = "failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    DEFERRED = "deferred"


class DagRunState(Word):
    """States of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"


class DagRunType(Word):
    """What made a run."""

    BACKFILL_JOB = "backfill"
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    OPERATOR_TRIGGERED = "operator_triggered"
    ASSET_TRIGGERED = "asset_triggered"
    ASSET_MATERIALIZATION = "asset_materialization"


class State:
    """All states in one place, with the groups that people ask for."""

    SUCCESS = TaskInstanceState.SUCCESS
    RUNNING = TaskInstanceState.RUNNING
    FAILED = TaskInstanceState.FAILED
    NONE = None
    REMOVED = TaskInstanceState.REMOVED
    SCHEDULED = TaskInstanceState.SCHEDULED
    QUEUED = TaskInstanceState.QUEUED
    RESTARTING = TaskInstanceState.RESTARTING
    UP_FOR_RETRY = TaskInstanceState.UP_FOR_RETRY
    UP_FOR_RESCHEDULE = TaskInstanceState.UP_FOR_RESCHEDULE
    UPSTREAM_FAILED = TaskInstanceState.UPSTREAM_FAILED
    SKIPPED = TaskInstanceState.SKIPPED
    DEFERRED = TaskInstanceState.DEFERRED
    task_states = (None, *TaskInstanceState)
    dag_states = (DagRunState.QUEUED, DagRunState.SUCCESS, DagRunState.RUNNING, DagRunState.FAILED)
    finished = frozenset(
        {
            TaskInstanceState.SUCCESS,
            TaskInstanceState.FAILED,
            TaskInstanceState.SKIPPED,
            TaskInstanceState.UPSTREAM_FAILED,
            TaskInstanceState.REMOVED,
        }
    )
    unfinished = frozenset({None, *TaskInstanceState} - finished)
    failed_states = frozenset({TaskInstanceState.FAILED, TaskInstanceState.UPSTREAM_FAILED})
    success_states = frozenset({TaskInstanceState.SUCCESS, TaskInstanceState.SKIPPED})


class TriggerRule(Word):
    """When a task runs, given its direct upstreams."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_DONE_MIN_ONE_SUCCESS = "all_done_min_one_success"
    ALL_DONE_SETUP_SUCCESS = "all_done_setup_success"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    ALL_SKIPPED = "all_skipped"
    # Names of Airflow 2 for two of them.
    DUMMY = ALWAYS
    NONE_FAILED_OR_SKIPPED = NONE_FAILED_MIN_ONE_SUCCESS

    @classmethod
    def is_valid(cls, trigger_rule: str) -> bool:
        """Whether there is such a rule."""
        return trigger_rule in cls.all_triggers()

    @classmethod
    def all_triggers(cls) -> set[str]:
        """All rules, as text."""
        return {rule.value for rule in cls}


OLD_TRIGGER_RULES = {"dummy": TriggerRule.ALWAYS, "none_failed_or_skipped": TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS}
"""Rules as Airflow 2 spelled them."""


class WeightRule(Word):
    """How a task's priority weight becomes its effective one."""

    DOWNSTREAM = "downstream"
    UPSTREAM = "upstream"
    ABSOLUTE = "absolute"

    @classmethod
    def is_valid(cls, weight_rule: str) -> bool:
        """Whether there is such a rule."""
        return weight_rule in {rule.value for rule in cls}


class WeekDay(IntEnum):
    """Days of the week as `datetime.isoweekday` counts them."""

    MONDAY = 1
    TUESDAY = 2
    WEDNESDAY = 3
    THURSDAY = 4
    FRIDAY = 5
    SATURDAY = 6
    SUNDAY = 7

    __str__ = int.__repr__  # the number, on any Python; before 3.11 an IntEnum said its name

    @classmethod
    def get_weekday_number(cls, week_day_str: str) -> WeekDay:
        """The day of this English name."""
        return cls[week_day_str.upper()]

    @classmethod
    def convert(cls, day: str | WeekDay) -> int:
        """Number of a day given by name or member."""
        return int(cls.get_weekday_number(day) if isinstance(day, str) else day)

    @classmethod
    def validate_week_day(cls, week_day: object) -> set[int]:
        """Numbers of one day or of several."""
        days = [week_day] if isinstance(week_day, (str, WeekDay)) else week_day
        if not isinstance(days, (list, tuple, set, frozenset, dict)):
            raise TypeError(f"a day of the week is a name or a WeekDay, not {type(week_day).__name__}: {week_day!r}")
        return {cls.convert(day) for day in days}
