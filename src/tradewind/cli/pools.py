"""`tradewind pools`: the pools of slots, changed through the leader like everything that decides what runs."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewind.cli import exits, groups, options, tables
from tradewind.model.commands import DeletePool, SetPool
from tradewind.model.rows import Pool
from tradewind.ports import errors

_DEFAULT = Pool(name="default_pool", slots=128, description="Every task that names no other.")
"""As the engine has it until somebody changes it; a test compares."""

app = groups.new("Pools: list them, set their slots, move them between installations.")


@app.command("list", epilog=options.examples("tradewind pools list"))
def list_pools(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """All pools."""
    with exits.reported():
        tables.show([_row(pool) for pool in asyncio.run(_read(home, settings))], output=output, empty="no pools")


@app.command(epilog=options.examples("tradewind pools get default_pool"))
def get(
    name: Annotated[str, typer.Argument(help="The pool.")],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """One pool."""
    with exits.reported():
        pools = asyncio.run(_read(home, settings))
        for pool in pools:
            if pool.name == name:
                tables.show_object(_row(pool), output=output)
                return
        raise errors.NotFound(
            "no such pool",
            object=f"pool {name!r}",
            code="no-such-pool",
            hint=f"there are: {', '.join(pool.name for pool in pools)}; `tradewind pools set {name} 8` makes it",
        )


@app.command("set", epilog=options.examples("tradewind pools set database 4 --description 'the old server'"))
def set_pool(
    name: Annotated[str, typer.Argument(help="The pool; made where it is not there.")],
    slots: Annotated[int, typer.Argument(help="Slots; -1 for no limit.", min=-1)],
    description: Annotated[str, typer.Option("--description", help="What it is for.")] = "",
    include_deferred: Annotated[
        bool, typer.Option("--include-deferred", help="Deferred tasks hold their slots.")
    ] = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make a pool, or change it. What runs goes on."""
    command = SetPool(name=name, slots=slots, description=description, include_deferred=include_deferred)
    with exits.reported():
        _send([command], home, settings)
        tables.show_object({"pool": name, "slots": slots, "result": "set"}, output=output)


@app.command(epilog=options.examples("tradewind pools delete database"))
def delete(
    name: Annotated[str, typer.Argument(help="The pool.")],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Delete a pool. Tasks that name it wait until it is there again."""
    with exits.reported():
        _send([DeletePool(name=name)], home, settings)
        tables.show_object({"pool": name, "result": "deleted"}, output=output)


@app.command("export", epilog=options.examples("tradewind pools export pools.json"))
def export_pools(
    file: Annotated[Path, typer.Argument(help="Where to; - for stdout.", allow_dash=True)],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Write all pools as JSON, in Airflow's form."""
    with exits.reported():
        found = {
            pool.name: {
                "slots": pool.slots,
                "description": pool.description,
                "include_deferred": pool.include_deferred,
            }
            for pool in asyncio.run(_read(home, settings))
        }
        text = json.dumps(found, indent=4)
        if str(file) == "-":
            print(text)
        else:
            file.write_text(text + "\n")
            print(f"{len(found)} pools written to {file}", file=sys.stderr)


@app.command("import", epilog=options.examples("tradewind pools import pools.json"))
def import_pools(
    file: Annotated[Path, typer.Argument(help="From `pools export`, ours or Airflow's; - for stdin.", allow_dash=True)],
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make or change pools as a file says; nothing is changed where an entry of it is bad."""
    with exits.reported():
        commands = _parse(file)
        _send(commands, home, settings)
        rows = [{"pool": one.name, "slots": one.slots, "result": "set"} for one in commands]
        tables.show(rows, output=output, empty="the file holds no pools")


def _parse(file: Path) -> list[SetPool]:
    try:
        found = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text())
    except (OSError, ValueError) as error:
        raise errors.Rejected(
            f"cannot be read as JSON: {error}", object=str(file), code="bad-pools-file", hint="see `pools export`"
        ) from None
    if not isinstance(found, dict):
        raise errors.Rejected(
            "holds no mapping of names", object=str(file), code="bad-pools-file", hint="see `pools export`"
        )
    return [_pool(file, name, entry) for name, entry in found.items()]


def _pool(file: Path, name: str, entry: Any) -> SetPool:
    slots = entry.get("slots") if isinstance(entry, dict) else None
    if not isinstance(slots, int) or isinstance(slots, bool) or slots < -1:
        raise errors.Rejected(
            "its slots are no whole number from -1",
            object=f"pool {name!r} in {file}",
            code="bad-pools-file",
            hint='write {"NAME": {"slots": 8, "description": ""}}',
        )
    return SetPool(
        name=name,
        slots=slots,
        description=str(entry.get("description") or ""),
        include_deferred=bool(entry.get("include_deferred")),
    )


async def _read(home: Path | None, settings: Path | None) -> list[Pool]:
    from tradewind.cli import client

    async with client.opened(home, client.settings_of(home, settings)) as (_, store):
        pools = list(await store.views.list_pools())
    if not any(pool.name == _DEFAULT.name for pool in pools):
        pools.insert(0, _DEFAULT)
    return pools


def _send(commands: list[Any], home: Path | None, settings: Path | None) -> None:
    from tradewind.cli import client

    asyncio.run(client.send_all(home, client.settings_of(home, settings), commands))


def _row(pool: Pool) -> dict[str, Any]:
    return {
        "name": pool.name,
        "slots": pool.slots,
        "include_deferred": pool.include_deferred,
        "description": pool.description,
    }
