"""What real Airflow's timetables answer, printed as JSON; `dag.next_dagrun_info` without the DAG around it.

Runs by the interpreter that `scripts/airflow-env` makes, never by ours, and imports nothing of this project.

stdin:  [{"timetable": {"type": ..., ...}, "earliest": T|null, "latest": T|null, "catchup": bool, "chain": N,
         "nows": [T], "manual": [T]}]      T is in microseconds since 1970; the timetable as this project writes it
stdout: one {"chain": [SLOT], "walk": [SLOT], "manual": [[T, T]]} for each, SLOT being [start, end, run_after], null for
        no run, or "error" where Airflow raises
"chain" follows one run with the next, as a backfill does; "walk" asks at each of the times, as the scheduler does, the
last run being the last answer that was due then.
"""
# ruff: noqa: E402 - Airflow reads its settings when it is imported

from __future__ import annotations

import datetime
import json
import os
import sys
import tempfile
from typing import Any

HOME = tempfile.TemporaryDirectory(prefix="tradewind-oracle-")
os.environ["AIRFLOW_HOME"] = HOME.name
os.environ["AIRFLOW__LOGGING__LOGGING_LEVEL"] = "ERROR"

import pendulum
from airflow.serialization.definitions.assets import SerializedAsset
from airflow.timetables import events, interval, simple, trigger
from airflow.timetables.assets import AssetOrTimeSchedule
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from dateutil.relativedelta import relativedelta, weekday

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


class Clock:
    """The time that Airflow's timetables are told."""

    now = EPOCH

    def utcnow(self) -> datetime.datetime:
        """Stand in for `timezone.utcnow`."""
        return self.now

    def time(self) -> float:
        """Stand in for `time.time`."""
        return self.now.timestamp()


CLOCK = Clock()


def main() -> None:
    """Answer every case of stdin."""
    for module in (interval, trigger):
        module.utcnow = CLOCK.utcnow
    for module in (simple, events):
        module.timezone.utcnow = CLOCK.utcnow
    trigger.time = CLOCK
    json.dump([answer(case) for case in json.load(sys.stdin)], sys.stdout)


def answer(case: dict[str, Any]) -> dict[str, Any]:
    """Answer one case."""
    timetable = build(case["timetable"])
    earliest, latest = moment(case["earliest"]), moment(case["latest"])
    return {
        "chain": chain(timetable, TimeRestriction(earliest, latest, True), case["chain"]),
        "walk": walk(timetable, TimeRestriction(earliest, latest, case["catchup"]), case["nows"]),
        "manual": [manual(timetable, moment(at)) for at in case["manual"]],
    }


def chain(timetable: Any, restriction: TimeRestriction, count: int) -> list[Any]:
    """The first runs, each following from the one before."""
    CLOCK.now = restriction.latest or EPOCH
    found: list[Any] = []
    info: DagRunInfo | None = None
    for _ in range(count):
        try:
            info = timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction)
        except Exception:  # noqa: BLE001 - whatever it raises, it is an answer
            found.append("error")
            break
        found.append(slot(info))
        if info is None:
            break
    return found


def walk(timetable: Any, restriction: TimeRestriction, nows: list[int]) -> list[Any]:
    """What is next at each of the times."""
    found: list[Any] = []
    last: DagRunInfo | None = None
    for at in nows:
        CLOCK.now = moment(at)
        try:
            info = timetable.next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction)
        except Exception:  # noqa: BLE001 - whatever it raises, it is an answer
            found.append("error")
            continue
        found.append(slot(info))
        if info is not None and info.run_after <= CLOCK.now:
            last = info
    return found


def manual(timetable: Any, at: Any) -> Any:
    """The interval of a run made by hand."""
    try:
        found: DataInterval = timetable.infer_manual_data_interval(run_after=at)
    except Exception:  # noqa: BLE001 - whatever it raises, it is an answer
        return "error"
    return [number(found.start), number(found.end)]


def build(spec: dict[str, Any]) -> Any:
    """Airflow's timetable of the same meaning."""
    kind = spec["type"]
    if kind == "Never":
        return simple.NullTimetable()
    if kind == "Once":
        return simple.OnceTimetable()
    if kind == "Continuous":
        return simple.ContinuousTimetable()
    if kind == "CronDataInterval":
        (cron,) = spec["crons"]
        return interval.CronDataIntervalTimetable(cron, zone(spec))
    if kind == "CronTrigger":
        kwargs = {"timezone": zone(spec), "interval": span(spec), "run_immediately": patience(spec)}
        if len(spec["crons"]) == 1:
            return trigger.CronTriggerTimetable(spec["crons"][0], **kwargs)
        return trigger.MultipleCronTriggerTimetable(*spec["crons"], **kwargs)
    if kind == "DeltaDataInterval":
        return interval.DeltaDataIntervalTimetable(delta(spec["delta"]))
    if kind == "DeltaTrigger":
        return trigger.DeltaTriggerTimetable(delta(spec["delta"]), interval=span(spec))
    if kind == "Events":
        dates = [pendulum.parse(date) for date in spec["dates"]]
        return events.EventsTimetable(dates, restrict_to_events=spec.get("restrict_to_events", False))
    if kind == "AssetOrTime":
        return AssetOrTimeSchedule(timetable=build(spec["time"]), assets=SerializedAsset("a", "a", "asset", {}, []))
    raise ValueError(f"no timetable {kind}")


def zone(spec: dict[str, Any]) -> Any:
    """A pendulum zone; a fixed one has its offset as `+hh:mm`."""
    name = spec.get("timezone", "UTC")
    if name[0] in "+-":
        hours, minutes = int(name[1:3]), int(name[4:6])
        return pendulum.FixedTimezone((1 if name[0] == "+" else -1) * (hours * 3600 + minutes * 60))
    return pendulum.timezone(name)


def span(spec: dict[str, Any]) -> Any:
    """The length of a trigger's data interval."""
    if spec.get("interval"):
        return delta(spec["interval"])
    return datetime.timedelta(seconds=spec.get("interval_seconds", 0))


def patience(spec: dict[str, Any]) -> Any:
    """`run_immediately`, whose seconds are a timedelta to Airflow."""
    value = spec.get("run_immediately", False)
    return value if isinstance(value, bool) else datetime.timedelta(seconds=value)


def delta(fields: dict[str, Any]) -> Any:
    """A timedelta or a relativedelta."""
    fields = dict(fields)
    if not fields.pop("relative", False):
        return datetime.timedelta(**fields)
    if "weekday" in fields:
        fields["weekday"] = weekday(*fields["weekday"])
    return relativedelta(**fields)


def slot(info: DagRunInfo | None) -> Any:
    """A run as three numbers."""
    if info is None or info.data_interval is None:
        return None
    return [number(info.data_interval.start), number(info.data_interval.end), number(info.run_after)]


def moment(number: int | None) -> Any:
    """A time from its number, as Airflow has it."""
    return None if number is None else pendulum.instance(EPOCH + datetime.timedelta(microseconds=number))


def number(at: datetime.datetime) -> int:
    """A time as its number."""
    since = at.astimezone(datetime.UTC) - EPOCH
    return (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds


if __name__ == "__main__":
    main()
