"""`tradewind xcom`: the values that tasks pushed."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer

from tradewind.cli import exits, groups, options, tables
from tradewind.model.rows import XComRow
from tradewind.ports import errors

app = groups.new("XComs: list them, print one.")
_SHOWN = 80
"""Characters of a value in a list."""


@app.command("list", epilog=options.examples("tradewind xcom list my_dag latest", "tradewind xcom list d latest load"))
def list_xcoms(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    task_id: Annotated[
        str | None, typer.Argument(help="Only this task's.", autocompletion=options.complete_task_id)
    ] = None,
    key: Annotated[str | None, typer.Option("--key", help="Only with this key.")] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 100,
    offset: Annotated[int, typer.Option("--offset", help="Leave out so many first.", min=0)] = 0,
) -> None:
    """The XComs of a run, in order of task, map index and key. A table shows the beginning of long values."""
    from tradewind.cli import client, finding

    async def read() -> list[XComRow]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            run = await finding.find_run(store, dag_id, run_id)
            return list(await store.xcoms.list(run.run_key, task_id, key, offset, offset + limit + 1))

    with exits.reported():
        found = asyncio.run(read())
        rows = [
            {
                "task_id": row.task_id,
                "map_index": row.map_index,
                "key": row.key,
                "bytes": len(row.value),
                "value": _value(row, output),
            }
            for row in found[:limit]
        ]
        more = len(found) > limit
        tables.show(rows, output=output, empty="no XComs")
        if more:
            tables.say_more(f"--offset {offset + limit}")


def _value(row: XComRow, output: options.Output) -> Any:
    if output in (options.Output.JSON, options.Output.YAML):
        return json.loads(row.value)
    text = row.value.decode("utf-8", "backslashreplace")
    return text if output is options.Output.PLAIN or len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


@app.command(
    epilog=options.examples(
        "tradewind xcom get my_dag latest extract",
        "tradewind xcom get my_dag latest 'load[3]' --key rows --output yaml",
    )
)
def get(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    task_id: options.TaskArgument,
    key: Annotated[str, typer.Option("--key", help="Which of them.")] = "return_value",
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.JSON,
) -> None:
    """Print one value, as JSON (with Airflow's encoding of other types), or a plain text as it is with -o plain."""
    from tradewind.cli import client, finding

    async def read() -> Any:
        name, index = options.read_task(task_id)
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            run = await finding.find_run(store, dag_id, run_id)
            row = await store.xcoms.find(run.run_key, name, index, key)
            if row is not None:
                return json.loads(row.value)
            there = [one.key for one in await store.xcoms.list(run.run_key, name) if one.map_index == index]
        raise errors.NotFound(
            f"has no XCom {key!r}",
            object=f"task {task_id!r} in run {run.run_id!r}",
            code="no-xcom",
            hint=f"it has: {', '.join(there)}" if there else "`tradewind xcom list` shows what was pushed",
        )

    with exits.reported():
        tables.show_value(asyncio.run(read()), output=output)
