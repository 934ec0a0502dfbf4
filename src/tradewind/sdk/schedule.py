"""From what a DAG's `schedule` says to a timetable, as the Airflow that the file means reads it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tradewind.model import timetable
from tradewind.model.dagspec import Meaning
from tradewind.sdk import assets, errors, registry, standin
from tradewind.sdk.unset import NOTSET

_DEFAULTS: dict[str, Any] = {"2": timedelta(days=1), "3": None}


def timetable_of(dag_id: str, schedule: Any, *, meaning: Meaning, zone: str) -> timetable.Timetable:
    """The timetable. Raises DagProblem for what is no schedule."""
    if schedule is NOTSET:
        schedule = _DEFAULTS[meaning]
    about = f"DAG {dag_id!r}"
    try:
        found = _read(about, schedule, meaning, zone)
        timetable.check(found)
    except timetable.BadTimetable as error:
        problem = error.problem
        said = (
            f"schedule: {problem.message}" if not problem.object else f"schedule: {problem.object}: {problem.message}"
        )
        raise errors.DagProblem.of(problem.code, about, said, problem.hint) from error
    return found


def _read(about: str, schedule: Any, meaning: Meaning, zone: str) -> timetable.Timetable:
    if schedule is None or schedule == "None":
        return timetable.Never()
    if isinstance(schedule, str):
        return timetable.parse_schedule(schedule, meaning=meaning, timezone=zone)
    if isinstance(schedule, timedelta) or type(schedule).__name__ == "relativedelta":
        return timetable.delta_schedule(schedule, meaning=meaning)
    if hasattr(schedule, "to_timetable"):
        made: timetable.Timetable = schedule.to_timetable()
        return made
    if assets.is_condition(schedule):
        return timetable.AssetTriggered(condition=assets.condition_of(schedule))
    if isinstance(schedule, Sequence) and not schedule:
        return timetable.Never()
    if isinstance(schedule, Sequence) and all(assets.is_condition(one) for one in schedule):
        return timetable.AssetTriggered(condition=assets.condition_of(assets.AssetAll(*schedule)))
    if isinstance(schedule, standin.StandIn):
        registry.note(f"{about}: no run comes by itself, since its schedule cannot be kept; {type(schedule).reason}")
        return timetable.Opaque(classpath=type(schedule).classpath, data={})
    if hasattr(schedule, "next_dagrun_info") or hasattr(schedule, "infer_manual_data_interval"):
        kind = type(schedule)
        data = schedule.serialize() if hasattr(schedule, "serialize") else {}
        return timetable.Opaque(classpath=f"{kind.__module__}.{kind.__qualname__}", data=data)
    said = (
        f"schedule must be a cron text, a timedelta, a timetable or assets, got {type(schedule).__name__}: {schedule!r}"
    )
    raise errors.ArgumentProblem.of(
        "wrong-type", about, said, "for example '@daily', '0 6 * * *' or timedelta(hours=1)"
    )
