"""`tradewind backfill`: runs for the dates of a range. The leader makes them; a dry run is worked out here.

Invariant: what a dry run says of a date is what the leader would decide now: both go by `model.timetable_range`.
"""

from __future__ import annotations

import asyncio
import enum
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from tradewind.cli import exits, groups, options, tables
from tradewind.model.ids import DagId

if TYPE_CHECKING:
    from tradewind.model.commands import CreateBackfill
    from tradewind.model.dagspec import DagSpec
    from tradewind.model.rows import Backfill, DagRun
    from tradewind.model.timetable import RunSlot
    from tradewind.ports.store import DagView, Store

app = groups.new("Backfills: runs for every date of a range, forwards or backwards, under a limit of their own.")

_ASK_ABOVE = 1_000
"""Dates that are backfilled without a question."""
_COUNTED = 100_000
"""Dates that are counted before one is created; of more it is only said that they are more."""
_COUNTED_TO_SHOW = 2_000
"""The same where it is only shown, which must be quick; how much of the range is done is told besides."""


class Reprocess(enum.StrEnum):
    """What becomes of dates that have a run already."""

    NONE = "none"
    FAILED = "failed"
    COMPLETED = "completed"


BackfillArgument = Annotated[int, typer.Argument(metavar="ID", help="The backfill's number, as `list` shows it.")]


@app.command(
    epilog=options.examples(
        "tradewind backfill create sales --from 2026-01-01 --to 2026-01-31 --dry-run",
        "tradewind backfill create sales --from 2026-01-01 --to 2026-01-31 --reprocess failed --max-active-runs 4",
        "tradewind backfill create sales --from 2020-01-01 --to 2026-01-01 --run-backwards --yes",
    )
)
def create(
    dag_id: options.DagArgument,
    from_date: Annotated[
        str, typer.Option("--from-date", "--from", help="The first logical date, ISO 8601 (UTC where it has no zone).")
    ],
    to_date: Annotated[str, typer.Option("--to-date", "--to", help="The last logical date, inclusive.")],
    run_backwards: Annotated[
        bool, typer.Option("--run-backwards", "--reverse", help="Begin with the last date.")
    ] = False,
    reprocess: Annotated[
        Reprocess,
        typer.Option("--reprocess-behavior", "--reprocess", help="Which dates that have a run are run again."),
    ] = Reprocess.NONE,
    max_active_runs: Annotated[
        int, typer.Option("--max-active-runs", min=1, help="Of this backfill at once, whatever the DAG's own limit is.")
    ] = 10,
    conf: Annotated[str | None, typer.Option("--dag-run-conf", "--conf", help="A JSON object for its runs.")] = None,
    latest_version: Annotated[
        bool,
        typer.Option(
            "--run-on-latest-version/--no-run-on-latest-version",
            "--latest-version/--original-version",
            help="Today's version of the DAG; or the one a run had, and for new runs the one of this moment.",
        ),
    ] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the dates and what would become of each.")] = False,
    limit: options.LimitOption = 100,
    after: options.AfterOption = None,
    yes: options.YesOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make a run for each date of the range that has none (or run those again that have one)."""
    from tradewind.cli import client
    from tradewind.model.commands import CreateBackfill

    with exits.reported():
        command = CreateBackfill(
            dag_id=dag_id,
            start=_needed(from_date, "--from-date"),
            end=_needed(to_date, "--to-date"),
            reverse=run_backwards,
            reprocess=reprocess.value,
            max_active_runs=max_active_runs,
            conf=options.read_conf(conf),
            run_on_latest_version=latest_version,
        )
        tree = client.settings_of(home, settings)
        if dry_run:
            listed = asyncio.run(_dates(home, tree, command, limit, options.read_moment(after, "--after")))
            rows, more, count = listed
            tables.show(rows, output=output, empty="no date of the schedule lies in the range", more=more)
            if output is options.Output.TABLE and rows:
                typer.echo(f"{_told(count)} dates in all; nothing was done", err=True)
            return
        paused, count = asyncio.run(_size(home, tree, command))
        if count > _ASK_ABOVE and not yes:
            exits.confirm(f"Backfill {_told(count)} dates of DAG {dag_id!r}?")
        result = asyncio.run(client.send(home, tree, command))
        message = result.message
        if paused:
            message = f"the DAG is paused: its runs are made after `tradewind dags unpause {dag_id}`"
        elif not client.is_served(home):
            message = "it waits until a server runs: `tradewind standalone`"
        tables.show_object(
            {"backfill_id": result.backfill_id, "dag_id": dag_id, "dates": _told(count), "message": message},
            output=output,
        )


@app.command("list", epilog=options.examples("tradewind backfill list", "tradewind backfill list sales -o json"))
def list_backfills(
    dag_id: Annotated[
        str | None,
        typer.Argument(metavar="DAG_ID", help="Of this DAG only.", autocompletion=options.complete_dag_id),
    ] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 100,
    after: options.AfterOption = None,
) -> None:
    """All backfills, the newest first."""
    from tradewind.cli import client
    from tradewind.ports.store import Page

    async def read() -> list[Backfill]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            if dag_id is not None:
                await store.views.get_dag(DagId(dag_id))
            page = Page(limit=limit, after=after)
            return list(await store.views.list_backfills(page, None if dag_id is None else DagId(dag_id)))

    with exits.reported():
        found = asyncio.run(read())
        rows = [
            {
                "backfill_id": one.backfill_id,
                "dag_id": one.dag_id,
                "state": one.state.value,
                "from": one.start,
                "to": one.end,
                "direction": "backwards" if one.reverse else "forwards",
                "made": one.created,
                "run_again": one.cleared,
                "left_alone": one.left_alone,
                "at": one.cursor.logical_date if one.cursor else None,
            }
            for one in found
        ]
        more = str(found[-1].backfill_id) if len(found) == limit else None
        tables.show(rows, output=output, empty="no backfills; `tradewind backfill create` makes one", more=more)


@app.command(epilog=options.examples("tradewind backfill show 3", "tradewind backfill show 3 -o json"))
def show(
    backfill_id: BackfillArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 20,
    after: options.AfterOption = None,
) -> None:
    """One backfill: how far it is, its runs by state, and its last runs."""
    from tradewind.cli import client
    from tradewind.ports.store import Page

    async def read() -> tuple[Backfill, DagSpec, dict[str, int], list[DagRun], DagView]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            row = await store.views.get_backfill(backfill_id)
            spec = (await store.versions.get(row.version)).spec
            counts = await store.views.count_backfill_runs(backfill_id)
            runs = await store.views.list_backfill_runs(backfill_id, Page(limit=limit, after=after))
            return row, spec, counts, list(runs), await store.views.get_dag(row.dag_id)

    with exits.reported():
        row, spec, counts, runs, view = asyncio.run(read())
        fields = _fields(row, spec, counts, paused=view.dag.paused)
        listed = [
            {
                "run_id": run.run_id,
                "state": run.state.value,
                "logical_date": run.logical_date,
                "started_at": run.started_at,
                "ended_at": run.ended_at,
                "verdict": run.verdict,
            }
            for run in runs
        ]
        more = str(runs[-1].run_key) if len(runs) == limit else None
        if output in (options.Output.JSON, options.Output.YAML):
            tables.show_object({**fields, "runs": listed}, output=output)
            if more is not None:
                tables.say_more(f"--after {more}")
            return
        tables.show_object(fields, output=output)
        print()
        tables.show(listed, output=output, empty="no runs yet", more=more)


@app.command(epilog=options.examples("tradewind backfill pause 3"))
def pause(
    backfill_id: BackfillArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make and start no more of its runs. What runs goes on."""
    _change(backfill_id, "pause", home, settings, output)


@app.command(epilog=options.examples("tradewind backfill unpause 3"))
def unpause(
    backfill_id: BackfillArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Go on with a paused backfill."""
    _change(backfill_id, "unpause", home, settings, output)


@app.command(epilog=options.examples("tradewind backfill cancel 3"))
def cancel(
    backfill_id: BackfillArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make no more of its runs, fail those that wait to start. What runs goes on: `runs cancel` stops it."""
    _change(backfill_id, "cancel", home, settings, output)


def _change(
    backfill_id: int,
    action: Literal["pause", "unpause", "cancel"],
    home: Path | None,
    settings: Path | None,
    output: options.Output,
) -> None:
    from tradewind.cli import client
    from tradewind.model.commands import SetBackfill
    from tradewind.ports import errors

    async def find() -> Backfill:
        async with client.opened(home, tree) as (_, store):
            return await store.views.get_backfill(backfill_id)

    with exits.reported():
        tree = client.settings_of(home, settings)
        row = asyncio.run(find())
        if row.state.is_finished:
            raise errors.Conflict(
                f"is {row.state.value} already",
                object=f"backfill {backfill_id}",
                code="backfill-over",
                hint=f"`tradewind backfill show {backfill_id}` shows what became of it",
            )
        asyncio.run(client.send(home, tree, SetBackfill(backfill_id=backfill_id, action=action)))
        row = asyncio.run(find())
        tables.show_object(
            {"backfill_id": row.backfill_id, "dag_id": row.dag_id, "state": row.state.value}, output=output
        )


# -- how far it is -------------------------------------------------------------------------------------------------


def _fields(row: Backfill, spec: DagSpec, counts: dict[str, int], *, paused: bool) -> dict[str, Any]:
    from tradewind.model.timetable import summary
    from tradewind.model.timetable_range import count_slots

    looked = row.created + row.cleared + row.left_alone
    total = looked
    if not row.exhausted:
        total = count_slots(spec.timetable, row.start, min(row.end, row.created_at), at_most=_COUNTED_TO_SHOW)
    fields: dict[str, Any] = {
        "backfill_id": row.backfill_id,
        "dag_id": row.dag_id,
        "state": row.state.value,
        "verdict": row.verdict,
        "waits": "" if row.state.is_finished or not paused else "the DAG is paused",
        "from": row.start,
        "to": row.end,
        "schedule": summary(spec.timetable),
        "direction": "backwards" if row.reverse else "forwards",
        "reprocess": row.reprocess,
        "max_active_runs": row.max_active_runs,
        "version": "latest" if row.run_on_latest_version else f"original ({row.version[:12]})",
        "conf": row.conf,
        "dates": f"{looked:,} of {_told(max(looked, total), _COUNTED_TO_SHOW)}",
        "progress": _progress(row),
        "made": row.created,
        "run_again": row.cleared,
        "left_alone": row.left_alone,
    }
    fields |= {name: counts.get(name, 0) for name in ("queued", "running", "success", "failed")}
    return fields | {"by": row.triggered_by, "created_at": row.created_at, "ended_at": row.ended_at}


def _told(count: int, counted: int = _COUNTED) -> str:
    return f"more than {counted:,}" if count > counted else f"{count:,}"


def _progress(row: Backfill) -> str:
    """How much of the range in time was looked at."""
    end = min(row.end, row.created_at)
    if row.exhausted:
        return "100 %"
    if row.cursor is None or end <= row.start:
        return "0 %"
    at = row.cursor.logical_date or row.cursor.run_after
    done = (end - at if row.reverse else at - row.start) / (end - row.start)
    return f"{100 * min(1.0, max(0.0, done)):.1f} %"


# -- before it is created ------------------------------------------------------------------------------------------


def _needed(text: str, option: str) -> datetime:
    from tradewind.ports import errors

    moment = options.read_moment(text, option)
    if moment is None:
        raise errors.Rejected("is empty", object=option, code="bad-date", hint="write it as 2026-01-31")
    return moment


async def _find(store: Store, command: CreateBackfill) -> tuple[DagView, DagSpec, datetime]:
    """The DAG and the last moment whose slot may be due. Raises `errors.Rejected` for what has no dates."""
    from tradewind.model.timetable import BadTimetable
    from tradewind.model.timetable_range import slots_from
    from tradewind.ports import errors
    from tradewind.wiring import homes

    view = await store.views.get_dag(DagId(command.dag_id))
    spec = (await store.versions.get(view.dag.version)).spec
    if command.end < command.start:
        raise errors.Rejected(
            "the range ends before it begins",
            object="--to-date",
            code="bad-range",
            hint="swap --from-date and --to-date",
        )
    if command.start.year < 1900:
        raise errors.Rejected(
            "the range begins before 1900", object="--from-date", code="bad-range", hint="check the year"
        )
    try:
        slots_from(spec.timetable, command.start, min(command.end, homes.now()), reverse=command.reverse)
    except BadTimetable as error:
        problem = error.problem
        raise errors.Rejected(problem.message, object=problem.object, hint=problem.hint, code=problem.code) from error
    return view, spec, min(command.end, homes.now())


async def _size(home: Path | None, tree: Any, command: CreateBackfill) -> tuple[bool, int]:
    """Whether the DAG is paused, and how many dates there are."""
    from tradewind.cli import client
    from tradewind.model.timetable_range import count_slots

    async with client.opened(home, tree) as (_, store):
        view, spec, end = await _find(store, command)
    return view.dag.paused, count_slots(spec.timetable, command.start, end, at_most=_COUNTED)


async def _dates(
    home: Path | None, tree: Any, command: CreateBackfill, limit: int, after: datetime | None
) -> tuple[list[dict[str, Any]], str | None, int]:
    """A page of dates, the key of the next page, and how many dates there are."""
    from itertools import dropwhile, islice

    from tradewind.cli import client
    from tradewind.model.snapshot import RunRef
    from tradewind.model.timetable_range import count_slots, slots_from
    from tradewind.wiring import homes

    def is_behind(slot: RunSlot) -> bool:
        at = slot.logical_date or slot.run_after
        return after is not None and (at >= after if command.reverse else at <= after)

    async with client.opened(home, tree) as (_, store):
        view, spec, end = await _find(store, command)
        now = homes.now()
        slots = slots_from(spec.timetable, command.start, end, reverse=command.reverse)
        due = (slot for slot in slots if slot.run_after <= now)
        chosen = list(islice(dropwhile(is_behind, due), limit + 1))
        rows = []
        for slot in chosen[:limit]:
            date = slot.logical_date or slot.run_after
            there = await store.runs.find_run(RunRef(dag_id=view.dag.dag_id, logical_date=date))
            rows.append(_row(slot, None if there is None else there.run, command))
        count = count_slots(spec.timetable, command.start, end, at_most=_COUNTED)
    last = chosen[limit - 1] if len(chosen) > limit else None
    return rows, None if last is None else (last.logical_date or last.run_after).isoformat(), count


def _row(slot: RunSlot, there: DagRun | None, command: CreateBackfill) -> dict[str, Any]:
    interval = slot.data_interval
    return {
        "logical_date": slot.logical_date,
        "interval_start": interval.start if interval else None,
        "interval_end": interval.end if interval else None,
        "run_id": there.run_id if there else "",
        "state": there.state.value if there else "",
        "action": _action(there, command),
    }


def _action(there: DagRun | None, command: CreateBackfill) -> str:
    if there is None:
        return "make a run"
    if not there.state.is_finished:
        return "leave alone: it is active"
    if command.reprocess == "completed" or (command.reprocess == "failed" and there.state.value == "failed"):
        return "run again"
    return "leave alone: it exists"
