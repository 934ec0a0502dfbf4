"""How lists and objects are printed: a table on a terminal, or JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tradewind.cli.progress import COLOURS


def show(rows: Sequence[Mapping[str, Any]], *, output: str, empty: str) -> None:
    """A list: columns are the keys of the first row; `empty` is said instead of an empty table."""
    if output == "json":
        print(json.dumps(list(rows), default=_plain))
        return
    if not rows:
        print(empty)
        return
    console = Console(highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        # Ids are copied from here: they are never cut in two.
        table.add_column(name, overflow="fold", no_wrap=name.endswith("_id") or name == "state")
    for row in rows:
        table.add_row(*(_cell(name, value) for name, value in row.items()))
    console.print(table)


def show_object(fields: Mapping[str, Any], *, output: str) -> None:
    """One object: a line per field."""
    if output == "json":
        print(json.dumps(fields, default=_plain))
        return
    width = max(len(name) for name in fields)
    console = Console(highlight=False)
    for name, value in fields.items():
        if value not in (None, "", [], {}, ()):
            console.print(Text(f"{name:<{width}}  ", style="bold") + _cell(name, value))


def local(moment: datetime | None) -> str:
    """A moment in the user's zone, to the second."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def _cell(name: str, value: Any) -> Text:
    if isinstance(value, datetime):
        return Text(local(value))
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, (list, tuple)):
        return Text(", ".join(str(one) for one in value))
    if isinstance(value, dict):
        return Text(json.dumps(value, default=_plain))
    text = "" if value is None else str(value)
    return Text(text, style=COLOURS.get(text, "") if name == "state" else "")


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
