"""What `tradewind dags` asks of the leader: trigger, pause, unpause, delete."""

from __future__ import annotations

import asyncio
import fnmatch
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewind.cli import exits, options, tables
from tradewind.model.ids import DagId
from tradewind.ports import errors

PatternArguments = Annotated[
    list[str],
    typer.Argument(
        metavar="DAG_ID...", help="DAGs, or patterns such as 'etl_*'.", autocompletion=options.complete_dag_id
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the group."""
    told = options.examples
    app.command(
        epilog=told(
            "tradewind dags trigger my_dag --conf '{\"day\": 3}'",
            "tradewind dags trigger my_dag --logical-date 2026-01-31 --wait",
        )
    )(trigger)
    app.command(epilog=told("tradewind dags pause my_dag", "tradewind dags pause 'etl_*'"))(pause)
    app.command(epilog=told("tradewind dags unpause my_dag"))(unpause)
    app.command(epilog=told("tradewind dags delete old_dag", "tradewind dags delete old_dag --yes"))(delete)


def trigger(
    dag_id: options.DagArgument,
    run_id: Annotated[str | None, typer.Option("--run-id", help="The run's id (else made from the moment).")] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="A JSON object.")] = None,
    logical_date: Annotated[str | None, typer.Option("--logical-date", help="ISO 8601.")] = None,
    note: Annotated[str, typer.Option("--note", help="Kept with the run.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Until the run has ended; exit code 1 if it failed.")] = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Ask for a run. It begins when a server leads this home."""
    from tradewind.cli import client, finding
    from tradewind.model.commands import TriggerRun

    with exits.reported():
        command = TriggerRun(
            dag_id=dag_id,
            run_id=run_id,
            conf=options.read_conf(conf),
            logical_date=options.read_moment(logical_date),
            note=note,
        )
        tree = client.settings_of(home, settings)
        result = asyncio.run(client.send(home, tree, command))
        found = {"dag_id": dag_id, "run_id": result.run_id, "message": result.message}
        if wait:
            run = asyncio.run(finding.wait_for_end(home, tree, dag_id, result.run_id or ""))
            found |= {"state": run.state.value, "verdict": run.verdict}
        elif not client.is_served(home):
            found["message"] = result.message or "it waits until a server runs: `tradewind standalone`"
        tables.show_object(found, output=output)
    if found.get("state") == "failed":
        raise typer.Exit(exits.RUN_FAILED)


def pause(
    dag_ids: PatternArguments,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make no more runs of these DAGs and launch no more tasks of theirs. What runs goes on."""
    _set_paused(dag_ids, home, settings, output, paused=True)


def unpause(
    dag_ids: PatternArguments,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Go on with these DAGs."""
    _set_paused(dag_ids, home, settings, output, paused=False)


def _set_paused(
    patterns: list[str], home: Path | None, settings: Path | None, output: options.Output, *, paused: bool
) -> None:
    from tradewind.cli import client
    from tradewind.model.commands import SetPaused

    with exits.reported():
        tree = client.settings_of(home, settings)
        names = asyncio.run(_matching(home, tree, patterns))
        commands = [SetPaused(dag_id=name, paused=paused) for name in names]
        results = asyncio.run(client.send_all(home, tree, commands))
        rows = [
            {"dag_id": name, "paused": paused, "changed": result.touched > 0}
            for name, result in zip(names, results, strict=True)
        ]
        tables.show(rows, output=output, empty="")


async def _matching(home: Path | None, tree: Any, patterns: list[str]) -> list[str]:
    """The DAGs that the patterns name, each of which must name one. Raises `errors.NotFound`."""
    from tradewind.cli import client, finding

    async with client.opened(home, tree) as (_, store):
        if not any(set(pattern) & set("*?[") for pattern in patterns):
            for pattern in patterns:
                await store.views.get_dag(DagId(pattern))
            return patterns
        known = [view.dag.dag_id for view in await finding.all_dags(store) if not view.dag.removed]
    found: dict[str, None] = {}
    for pattern in patterns:
        matches = [name for name in known if fnmatch.fnmatchcase(name, pattern)]
        if not matches:
            raise errors.NotFound(
                "names no DAG", object=f"pattern {pattern!r}", code="no-such-dag", hint="`tradewind dags list`"
            )
        found |= dict.fromkeys(matches)
    return list(found)


def delete(
    dag_id: options.DagArgument,
    yes: options.YesOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Delete a DAG's history: its runs, task instances, XComs and logs. Refused while a run of it is active."""
    from tradewind.cli import client
    from tradewind.model.commands import DeleteDag

    with exits.reported():
        tree = client.settings_of(home, settings)
        asyncio.run(_matching(home, tree, [dag_id]))
        if not yes:
            exits.confirm(f"Delete DAG {dag_id!r} with all its runs and logs?")
        result = asyncio.run(client.send(home, tree, DeleteDag(dag_id=dag_id)))
        tables.show_object({"dag_id": dag_id, "message": result.message or "deleted"}, output=output)
