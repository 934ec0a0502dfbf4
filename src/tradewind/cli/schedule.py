"""`tradewind dags next`: when a DAG's next runs are made, and why there are none.

Invariant: it is worked out with the engine's own arithmetic from what is stored, so that it tells the same with a
server and without one; what the engine would find wrong with a timetable is told here too.
"""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tradewind.cli import exits, options, tables
from tradewind.model.ids import DagId

if TYPE_CHECKING:
    from tradewind.model.dagspec import DagSpec
    from tradewind.model.problem import Problem
    from tradewind.model.rows import DagRow
    from tradewind.model.timetable import RunSlot


def add_to(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command(
        "next", epilog=options.examples("tradewind dags next my_dag", "tradewind dags next my_dag --count 20 -o json")
    )(show_next)


def show_next(
    dag_id: options.DagArgument,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many runs.")] = 5,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """The next scheduled runs of a DAG: when each is made and what it is about; or why there are none."""
    from tradewind.cli import client
    from tradewind.wiring import homes

    with exits.reported():
        tree = client.settings_of(home, settings)

        async def read() -> tuple[DagRow, DagSpec, int]:
            async with client.opened(home, tree) as (_, store):
                view = await store.views.get_dag(DagId(dag_id))
                spec = (await store.versions.get(view.dag.version)).spec
                return view.dag, spec, await _active(store, view.dag.dag_id, spec.max_active_runs)

        dag, spec, active = asyncio.run(read())
        coming = find_coming(
            dag, spec, now=homes.now(), count=count, window_seconds=tree.scheduler.schedule_jitter_seconds
        )
        reasons = find_reasons(dag, spec, coming, active=active, served=client.is_served(home))
        where = zone_of(spec)
        rows = [_row(slot, coming.delay, where) for slot in coming.slots]
        if output in (options.Output.JSON, options.Output.YAML):
            tables.show_object(
                {"dag_id": dag_id, "schedule": _schedule(spec), "timezone": where, "why": reasons, "runs": rows},
                output=output,
            )
            return
        tables.show(_narrowed(rows, where), output=output, empty="no scheduled run is to come")
        for reason in reasons:
            typer.echo(reason, err=True)


@dataclasses.dataclass(frozen=True, slots=True)
class Coming:
    """What is to come: the slots in order, how much later each is made, and what is wrong with the timetable."""

    slots: tuple[RunSlot, ...]
    delay: timedelta
    problem: Problem | None = None


def find_coming(dag: DagRow, spec: DagSpec, *, now: datetime, count: int, window_seconds: float) -> Coming:
    """The slots that the scheduler would make runs of from now on, were there always room."""
    from tradewind.model import timetable_jitter
    from tradewind.model.problem import Problem
    from tradewind.model.timetable import BadTimetable, Continuous, next_slot

    delay = timetable_jitter.delay(spec.timetable, spec.dag_id, window_seconds)
    found: list[RunSlot] = []
    last, at = dag.last_slot, now
    try:
        while len(found) < count and not dag.removed:
            slot = next_slot(
                spec.timetable,
                last=last,
                earliest=spec.start_date,
                latest=spec.end_date,
                catchup=spec.catchup,
                now=at - delay,
            )
            if slot is None:
                break
            found.append(slot)
            if isinstance(spec.timetable, Continuous):  # what follows depends on when this one ends
                break
            last, at = slot, max(at, slot.run_after + delay)
    except BadTimetable as error:
        return Coming((), delay, error.problem)
    except (ArithmeticError, ValueError) as error:
        problem = Problem(
            code="bad-timetable",
            message=f"its next run cannot be computed: {error}",
            object=f"DAG {dag.dag_id!r}",
            hint="check its schedule, its start date and its end date",
        )
        return Coming(tuple(found), delay, problem)
    return Coming(tuple(found), delay)


def find_reasons(dag: DagRow, spec: DagSpec, coming: Coming, *, active: int, served: bool) -> list[str]:
    """Why there is no run to come, or why those that are due are not made; each a sentence."""
    found: list[str] = []
    if dag.removed:
        found.append(f"its file {dag.file} is gone, or no longer defines it")
    if coming.problem is not None:
        problem = coming.problem
        hint = f" ({problem.hint})" if problem.hint else ""
        found.append(f"its timetable cannot be computed: {problem.object}: {problem.message}{hint}")
    elif not coming.slots and not dag.removed:
        found.append(_why_none(dag, spec))
    if dag.paused:
        found.append(f"it is paused: `tradewind dags unpause {dag.dag_id}`")
    if spec.max_active_runs and active >= spec.max_active_runs:
        found.append(
            f"{active} of its runs are active, as many as its max_active_runs of {spec.max_active_runs} allows: "
            "the next is made when one has ended"
        )
    if not served:
        found.append("no server runs on this home: `tradewind standalone`")
    return found


def _why_none(dag: DagRow, spec: DagSpec) -> str:
    from tradewind.model.timetable import AssetTriggered, DataInterval, Never, Once, is_periodic

    timetable = spec.timetable
    if isinstance(timetable, Never):
        return "it has no schedule: it runs when it is triggered"
    if isinstance(timetable, AssetTriggered):
        return "it is scheduled on assets, never by time"
    if isinstance(timetable, Once) and dag.last_slot is not None:
        return f"it is scheduled once, and was made for {tables.local(dag.last_slot.run_after)}"
    if spec.end_date is not None:
        return f"its schedule ends with its end_date, {tables.local(spec.end_date)}"
    if spec.start_date is None and is_periodic(timetable) and spec.catchup:
        return "it has no start_date from which to catch up"
    last = dag.last_slot.data_interval if dag.last_slot else None
    assert last is None or isinstance(last, DataInterval)
    return "its timetable has no further run" + (f" after {tables.local(last.end)}" if last else "")


def zone_of(spec: DagSpec) -> str:
    """The zone in which its times are meant: the timetable's, else the DAG's."""
    from tradewind.model.timetable import AssetOrTime

    timetable = spec.timetable
    if isinstance(timetable, AssetOrTime):
        timetable = timetable.time
    return str(getattr(timetable, "timezone", spec.timezone))


async def _active(store: Any, dag_id: DagId, limit: int) -> int:
    """Queued and running runs beside those of backfills, which the limit does not count; no more than matter."""
    from tradewind.model.states import RunState
    from tradewind.ports.store import Page

    found, after = 0, None
    while limit and found < limit:
        page = await store.views.list_runs(Page(limit=200, after=after), dag_id, (RunState.QUEUED, RunState.RUNNING))
        found += sum(run.backfill_id is None for run in page)
        if len(page) < 200:
            break
        after = str(page[-1].run_key)
    return found


def _schedule(spec: DagSpec) -> str:
    from tradewind.model.timetable import summary

    return summary(spec.timetable)


def _row(slot: RunSlot, delay: timedelta, where: str) -> dict[str, Any]:
    interval = slot.data_interval
    return {
        "made_at": slot.run_after + delay,
        "run_after": slot.run_after,
        "jitter": delay,
        "logical_date": slot.logical_date,
        "interval_start": interval.start if interval else None,
        "interval_end": interval.end if interval else None,
        "run_after_there": _there(slot.run_after, where),
        "interval_there": f"{_there(interval.start, where)} – {_there(interval.end, where)}" if interval else "",
    }


def _there(moment: datetime, where: str) -> str:
    """As the clocks of the DAG's zone show it."""
    from tradewind.model.timetable_zone import zone

    return moment.astimezone(zone(where)).strftime("%Y-%m-%d %H:%M:%S %Z")


def _narrowed(rows: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    """Without the columns that say nothing (jitter, interval, the user's own zone); the DAG's zone in the heads."""
    hidden: set[str] = set()
    if not any(row["jitter"] for row in rows):
        hidden |= {"jitter", "made_at"}
    if all(row["interval_start"] == row["interval_end"] == row["logical_date"] for row in rows):
        hidden |= {"interval_start", "interval_end", "interval_there"}
    if all(tables.local(row["run_after"]) == row["run_after_there"] for row in rows):
        hidden |= {"run_after_there", "interval_there"}
    return [
        {name.replace("_there", f" in {where}"): value for name, value in row.items() if name not in hidden}
        for row in rows
    ]
