"""`tradewind runs`: what ran and runs, one run with its timeline, and what is asked of one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tradewind.cli import clearing, exits, groups, options, tables
from tradewind.model.ids import DagId
from tradewind.model.rows import DagRun
from tradewind.model.states import RunState
from tradewind.ports import errors

app = groups.new("Runs: list them, look at one, cancel, clear, mark, note.")


@app.command(
    "list",
    epilog=options.examples(
        "tradewind runs list my_dag --state failed",
        "tradewind runs list --output plain | cut -f1,2",
    ),
)
def list_runs(
    dag_id: Annotated[
        str | None, typer.Argument(help="Only this DAG's.", autocompletion=options.complete_dag_id)
    ] = None,
    state: Annotated[
        list[str] | None, typer.Option("--state", help="queued, running, success or failed; repeatable.")
    ] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 25,
    after: options.AfterOption = None,
) -> None:
    """Runs, newest first."""
    from tradewind.cli import client
    from tradewind.ports import store as store_port

    async def read() -> tuple[list[DagRun], dict[Any, dict[str, int]]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            page = store_port.Page(limit=limit + 1, after=after)
            if dag_id is not None:
                await store.views.get_dag(DagId(dag_id))
            runs = list(await store.views.list_runs(page, DagId(dag_id) if dag_id else None, _states(state)))
            return runs, await store.views.counts([run.run_key for run in runs])

    with exits.reported():
        runs, counts = asyncio.run(read())
        rows = [
            {
                "dag_id": run.dag_id,
                "run_id": run.run_id,
                "state": run.state.value,
                "tasks": _counted(counts.get(run.run_key, {})),
                "logical_date": run.logical_date,
                "started": run.started_at,
                "took": run.ended_at - run.started_at if run.started_at and run.ended_at else None,
                "note": run.note,
            }
            for run in runs[:limit]
        ]
        if not any(row["note"] for row in rows) and output is options.Output.TABLE:
            for row in rows:
                del row["note"]
        tables.show(
            rows,
            output=output,
            empty="no runs; `tradewind dags trigger DAG_ID` makes one",
            more=str(runs[limit - 1].run_key) if len(runs) > limit else None,
        )


def _counted(counts: dict[str, int]) -> str:
    return " ".join(f"{name}:{count}" for name, count in sorted(counts.items()) if count)


@app.command(
    epilog=options.examples(
        "tradewind runs show my_dag latest",
        "tradewind runs show my_dag manual__2026-01-31T00:00:00+00:00 --output json --with-xcom",
    )
)
def show(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    with_xcom: Annotated[bool, typer.Option("--with-xcom", help="XCom values too.")] = False,
    timeline: Annotated[
        bool, typer.Option("--timeline/--no-timeline", help="Draw when each task waited and ran.")
    ] = True,
) -> None:
    """One run, its tasks and their timeline. With --output json: the same object as `tradewind run --output json`."""
    from tradewind.cli import client, document, finding, progress
    from tradewind.cli import timeline as timeline_drawing

    async def read() -> Any:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            found = await finding.load_run(store, dag_id, run_id)
            xcoms = await store.xcoms.list(found.run.run_key) if with_xcom else None
        return found, xcoms

    with exits.reported():
        found, xcoms = asyncio.run(read())
        if output is not options.Output.TABLE:
            tables.show_object(document.run_document(found.run, found.tasks, xcoms), output=output)
            return
        tables.show_object(_facts(found.run), output=output)
        print()
        progress.show_final(found.run, found.tasks, xcoms)
        if timeline and found.run.started_at is not None:
            print()
            timeline_drawing.show(found.run, found.tasks)


def _facts(run: DagRun) -> dict[str, Any]:
    deadlines = [
        f"{tables.local(at)}{' (missed)' if number in run.missed_deadlines else ''}"
        for number, at in enumerate(run.deadlines)
        if at is not None
    ]
    return {
        "dag_id": run.dag_id,
        "run_id": run.run_id,
        "run_type": run.run_type.value,
        "logical_date": run.logical_date,
        "data_interval_start": run.interval_start,
        "data_interval_end": run.interval_end,
        "queued": run.queued_at,
        "started": run.started_at,
        "ended": run.ended_at,
        "airflow": run.meaning,
        "version": run.version[:12],
        "triggered_by": run.triggered_by,
        "conf": run.conf,
        "note": run.note,
        **({"deadlines": deadlines} if deadlines else {}),
    }


@app.command(epilog=options.examples("tradewind runs cancel my_dag latest"))
def cancel(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Stop a run: what runs is stopped, what has not begun is skipped, teardowns tidy up; the run is failed."""
    from tradewind.model.commands import CancelRun

    _act(dag_id, run_id, home, settings, output, "cancelled", lambda run: CancelRun(dag_id=dag_id, run_id=run))


@app.command(
    epilog=options.examples("tradewind runs clear my_dag latest", "tradewind runs clear my_dag latest --failed")
)
def clear(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    failed: Annotated[bool, typer.Option("--failed", help="Only tasks that failed or were never reached.")] = False,
    newest_version: clearing.NewestVersionOption = False,
    this_dag_only: clearing.ThisDagOnlyOption = False,
    dry_run: clearing.DryRunOption = False,
    yes: options.YesOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Run all tasks of a run again, or those that failed, with those of other DAGs that an ExternalTaskMarker names."""
    from tradewind.model.commands import ClearTasks, TaskSelection

    def command(run: str) -> ClearTasks:
        chosen = TaskSelection(dag_id=dag_id, run_id=run, only_failed=failed)
        return ClearTasks(
            selection=chosen, newest_version=newest_version, dependent_dags=not this_dag_only, dry_run=dry_run
        )

    with exits.reported():
        if not yes and not failed and not dry_run:
            exits.confirm(f"Run all tasks of run {run_id!r} of DAG {dag_id!r} again?")
    _act(dag_id, run_id, home, settings, output, "cleared", command)


@app.command(epilog=options.examples("tradewind runs mark my_dag latest success"))
def mark(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    state: Annotated[Literal["success", "failed"], typer.Argument(help="success or failed.")],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Set a run to success or failed; what runs of it is stopped in that state."""
    from tradewind.model.commands import MarkRun

    _act(
        dag_id,
        run_id,
        home,
        settings,
        output,
        f"marked {state}",
        lambda run: MarkRun(dag_id=dag_id, run_id=run, state=state),
    )


@app.command(epilog=options.examples("tradewind runs note my_dag latest 'run again after the outage'"))
def note(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    text: Annotated[str, typer.Argument(help="The note; '' takes it away.")],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Keep a note with a run."""
    from tradewind.model.commands import SetNote

    _act(dag_id, run_id, home, settings, output, "noted", lambda run: SetNote(dag_id=dag_id, run_id=run, note=text))


def _act(
    dag_id: str,
    run_id: str,
    home: Path | None,
    settings: Path | None,
    output: options.Output,
    done: str,
    command: Any,
) -> None:
    """Ask something of one run, and tell what came of it."""
    from tradewind.cli import client, finding

    with exits.reported():
        tree = client.settings_of(home, settings)
        name = asyncio.run(finding.name_run(home, tree, dag_id, run_id))
        asked = command(name)
        result = asyncio.run(client.send(home, tree, asked))
        if getattr(asked, "dry_run", False):
            clearing.show(result.tasks, output=output)
            return
        told = {"dag_id": dag_id, "run_id": name, "result": done, "tasks": result.touched, "message": result.message}
        tables.show_object(told, output=output)


def _states(names: list[str] | None) -> tuple[RunState, ...]:
    try:
        return tuple(RunState(name) for name in names or ())
    except ValueError:
        allowed = ", ".join(state.value for state in RunState)
        raise errors.Rejected(
            f"{names} is not a state", object="--state", code="bad-option", hint=f"one of {allowed}"
        ) from None
