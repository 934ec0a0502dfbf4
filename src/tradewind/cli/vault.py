"""`tradewind vault`: the keys with which Variables and Connections are encrypted."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from tradewind.cli import exits, groups, options, secret_values, tables

app = groups.new("The vault's keys: which there are, and a new one for everything.")


@app.command(epilog=options.examples("tradewind vault status", "tradewind vault status -o json"))
def status(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Which keys there are, how many rows each has sealed, and what is wrong with their files."""

    async def read() -> dict[str, Any]:
        async with secret_values.vault(home, settings) as vault:
            found = await vault.status()
        there = dict(found.keys)
        rows = [
            {"key": name, "file": there.get(name, ""), "rows": found.rows.get(name, 0)}
            for name in [*there, *(name for name in found.rows if name not in there)]
        ]
        warnings = list(found.warnings)
        warnings += [f"{row['rows']} rows name key {row['key']}, which is not here" for row in rows if not row["file"]]
        if len(there) > 1:
            warnings.append("a rotation was stopped; `tradewind vault rotate-key` ends it")
        return {"place": found.place, "backends": [*found.backends, "store"], "keys": rows, "warnings": warnings}

    with exits.reported():
        found = asyncio.run(read())
        if output is not options.Output.TABLE:
            tables.show_object(found, output=output)
            return
        tables.show(found["keys"], output=output, empty=f"no key yet; the first secret makes one at {found['place']}")
        print(f"asked in this order: {', '.join(found['backends'])}", file=sys.stderr)
        for warning in found["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)


@app.command("rotate-key", epilog=options.examples("tradewind vault rotate-key"))
def rotate_key(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Make a new key, encrypt everything with it, and forget the old one. Servers may run meanwhile.

    A rotation that was stopped is ended by the next. Back up the new key: what is kept cannot be read without it.
    """

    async def act() -> dict[str, Any]:
        async with secret_values.vault(home, settings) as vault:
            place = (await vault.status()).place
            done = await vault.rotate_key()
        return {"key": done.key_id, "file": place, "rows": done.resealed, "ended_an_earlier_one": done.continued}

    with exits.reported():
        tables.show_object(asyncio.run(act()), output=output)
        print("back up the new key; the old one opens only older backups of the database", file=sys.stderr)
