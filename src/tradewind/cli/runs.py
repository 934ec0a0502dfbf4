"""`tradewind runs list|show`."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer

from tradewind.cli import exits, groups, options, tables
from tradewind.model.ids import DagId
from tradewind.model.states import RunState
from tradewind.ports import errors

app = groups.new("Runs: list them, look at one.")


@app.command("list")
def list_runs(
    dag_id: Annotated[str | None, typer.Argument(help="Only this DAG's.")] = None,
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

    async def read() -> list[dict[str, Any]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            page = store_port.Page(limit=limit, after=after)
            if dag_id is not None:
                await store.views.get_dag(DagId(dag_id))
            runs = await store.views.list_runs(page, DagId(dag_id) if dag_id else None, _states(state))
            counts = await store.views.counts([run.run_key for run in runs])
        return [
            {
                "dag_id": run.dag_id,
                "run_id": run.run_id,
                "state": run.state.value,
                "tasks": " ".join(
                    f"{name}:{count}" for name, count in sorted(counts.get(run.run_key, {}).items()) if count
                ),
                "logical_date": run.logical_date,
                "started": run.started_at,
                "ended": run.ended_at,
            }
            for run in runs
        ]

    with exits.reported():
        tables.show(asyncio.run(read()), output=output, empty="no runs; `tradewind dags trigger DAG_ID` makes one")


@app.command()
def show(
    dag_id: Annotated[str, typer.Argument(help="The DAG.")],
    run_id: Annotated[str, typer.Argument(help="The run.")],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    with_xcom: Annotated[bool, typer.Option("--with-xcom", help="XCom values too.")] = False,
) -> None:
    """One run and its tasks. With --output json: the same object as `tradewind run --output json`."""
    from tradewind.cli import client, document, progress
    from tradewind.model.snapshot import RunRef

    async def read() -> Any:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            await store.views.get_run(DagId(dag_id), run_id)
            found = await store.runs.find_run(RunRef(dag_id=DagId(dag_id), run_id=run_id))
            xcoms = await store.xcoms.list(found.run.run_key) if found is not None and with_xcom else None
        return found, xcoms

    with exits.reported():
        found, xcoms = asyncio.run(read())
        if output is not options.Output.TABLE:
            tables.show_object(document.run_document(found.run, found.tasks, xcoms), output=output)
        else:
            progress.show_final(found.run, found.tasks, xcoms)


def _states(names: list[str] | None) -> tuple[RunState, ...]:
    try:
        return tuple(RunState(name) for name in names or ())
    except ValueError:
        allowed = ", ".join(state.value for state in RunState)
        raise errors.Rejected(
            f"{names} is not a state", object="--state", code="bad-option", hint=f"one of {allowed}"
        ) from None
