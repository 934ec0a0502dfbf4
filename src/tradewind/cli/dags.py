"""`tradewind dags list|show|trigger|import-errors`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import typer

from tradewind.cli import exits, groups, options, tables
from tradewind.model.ids import DagId

app = groups.new("DAGs: list them, look at one, trigger one, see which files are broken.")


@app.command("list")
def list_dags(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 100,
    after: options.AfterOption = None,
) -> None:
    """All DAGs, in order of id."""
    from tradewind.cli import client
    from tradewind.ports import store as store_port

    async def read() -> list[dict[str, Any]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            views = await store.views.list_dags(store_port.Page(limit=limit, after=after))
        return [
            {
                "dag_id": view.dag.dag_id,
                "schedule": view.schedule,
                "paused": view.dag.paused,
                "airflow": view.meaning,
                "tasks": view.task_count,
                "file": view.dag.file,
                "last_run": view.last_run.run_id if view.last_run else "",
                "state": view.last_run.state.value if view.last_run else "",
                "next_run": view.dag.next_slot.run_after if view.dag.next_slot else None,
            }
            for view in views
            if not view.dag.removed
        ]

    with exits.reported():
        tables.show(
            asyncio.run(read()), output=output, empty="no DAGs; `tradewind dags import-errors` tells of broken files"
        )


@app.command()
def show(
    dag_id: Annotated[str, typer.Argument(help="The DAG.")],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """One DAG: what it is, and its tasks with their upstreams."""
    from tradewind.cli import client

    async def read() -> tuple[dict[str, Any], list[dict[str, Any]]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            view = await store.views.get_dag(DagId(dag_id))
            spec = (await store.versions.get(view.dag.version)).spec
        facts = {
            "dag_id": view.dag.dag_id,
            "file": view.dag.file,
            "version": view.dag.version[:12],
            "airflow": f"{view.meaning} ({view.meaning_from or 'not told by the file; set dags.airflow'})",
            "schedule": view.schedule,
            "paused": view.dag.paused,
            "start_date": spec.start_date,
            "catchup": spec.catchup,
            "max_active_runs": spec.max_active_runs,
            "tags": list(spec.tags),
            "owners": list(spec.owners),
            "description": spec.description,
            "warnings": list(spec.warnings),
        }
        tasks = [
            {
                "task_id": task.task_id,
                "operator": task.operator,
                "trigger_rule": task.trigger_rule.value,
                "mapped": task.mapping is not None,
                "upstream": list(task.upstream),
            }
            for task in spec.tasks
        ]
        return facts, tasks

    with exits.reported():
        facts, tasks = asyncio.run(read())
        if output is not options.Output.TABLE:
            tables.show_object({**facts, "tasks": tasks}, output=output)
        else:
            tables.show_object(facts, output=output)
            print()
            tables.show(tasks, output=output, empty="no tasks")


@app.command()
def trigger(
    dag_id: Annotated[str, typer.Argument(help="The DAG.")],
    run_id: Annotated[str | None, typer.Option("--run-id", help="The run's id (else made from the moment).")] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="A JSON object.")] = None,
    logical_date: Annotated[str | None, typer.Option("--logical-date", help="ISO 8601.")] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Ask for a run. It begins when a server leads this home."""
    from tradewind.cli import client
    from tradewind.model.commands import TriggerRun

    with exits.reported():
        command = TriggerRun(
            dag_id=dag_id,
            run_id=run_id,
            conf=options.read_conf(conf),
            logical_date=_moment(logical_date),
        )
        result = asyncio.run(client.send(home, client.settings_of(home, settings), command))
        tables.show_object({"dag_id": dag_id, "run_id": result.run_id, "message": result.message}, output=output)


@app.command("import-errors")
def import_errors(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    bundle: Annotated[str, typer.Option("--bundle", help="Which bundle.")] = "dags",
) -> None:
    """Files that could not be loaded, with their tracebacks. Exit code 1 where there are some."""
    from tradewind.cli import client
    from tradewind.model.problem import Problem

    async def read() -> list[tuple[str, Problem]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            files = await store.versions.list_files(bundle)
        return [(file.path, problem) for file in files for problem in file.problems]

    with exits.reported():
        found = asyncio.run(read())
        if output is not options.Output.TABLE:
            rows = [
                {
                    "file": path,
                    "code": problem.code,
                    "object": problem.object,
                    "message": problem.message,
                    "hint": problem.hint,
                    "line": problem.line or None,
                    "traceback": problem.traceback,
                }
                for path, problem in found
            ]
            tables.show(rows, output=output, empty="")
        else:
            for path, problem in found:
                print(f"{path}{f':{problem.line}' if problem.line else ''}")
                print("\n".join(f"  {line}" for line in (problem.traceback or str(problem)).splitlines()))
                if problem.traceback and problem.hint:
                    print(f"  hint: {problem.hint}")
            if not found:
                print("every file loads")
    raise typer.Exit(exits.RUN_FAILED if found else exits.OK)


def _moment(text: str | None) -> datetime | None:
    return options.read_moment(text)
