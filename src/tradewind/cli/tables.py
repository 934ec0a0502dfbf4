"""How lists and objects are printed: a table for people, JSON, YAML or tabs for programs.

Invariant: stdout holds the data and nothing else; colours and paging only on a terminal.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import JustifyMethod, RenderableType
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tradewind.cli import terminal
from tradewind.cli.options import Output
from tradewind.cli.progress import COLOURS

_SENTENCES = frozenset(
    {"verdict", "message", "description", "hint", "value", "help", "note", "reason", "why", "detail", "pod"}
)
_NARROWEST_SENTENCE = 30
"""Characters that a sentence gets at least before it wraps; with less room the whole line stays one."""
_NUMBERS = frozenset({"try", "took", "slots", "bytes", "map_index", "number", "runs", "exit_code", "seconds"})


def show(rows: Sequence[Mapping[str, Any]], *, output: Output, empty: str, more: str | None = None) -> None:
    """A list: columns are the keys of the first row; `empty` is said instead of an empty table.

    `more` is the key after which the next page begins, None at the end.
    """
    if output is Output.TABLE:
        if rows:
            page(_table(rows), height=len(rows) + 1)
        else:
            print(empty, file=sys.stderr)
    elif output is Output.PLAIN:
        if rows:
            print("\t".join(rows[0]))
        for row in rows:
            print("\t".join(_flat(value) for value in row.values()))
    else:
        _dump(list(rows), output)
    if more is not None:
        say_more(f"--after {more}")


def say_more(option: str) -> None:
    """Tell, beside the data, how to get the next page."""
    print(f"more: {option}", file=sys.stderr)


def show_value(value: Any, *, output: Output) -> None:
    """A single value: JSON, YAML, or a text as it is."""
    if output is Output.PLAIN and isinstance(value, str):
        print(value)
    else:
        _dump(value, Output.YAML if output is Output.YAML else Output.JSON)


def show_object(fields: Mapping[str, Any], *, output: Output) -> None:
    """One object: a line per field."""
    if output is Output.TABLE:
        width = max(len(name) for name in fields)
        console = terminal.console(soft_wrap=True)
        for name, value in fields.items():
            if value not in (None, "", [], {}, ()):
                console.print(Text.assemble((f"{name:<{width}}  ", "bold"), _cell(name, value)))
    elif output is Output.PLAIN:
        for name, value in fields.items():
            print(f"{name}\t{_flat(value)}")
    else:
        _dump(dict(fields), output)


def is_terminal() -> bool:
    """Whether a person looks at stdout."""
    return terminal.console().is_terminal


def page(content: RenderableType, *, height: int) -> None:
    """Print; through the user's pager where the terminal is too low for it (`PAGER=cat` turns that off)."""
    console = terminal.console(width=_width(content) if isinstance(content, Table) else None)
    if console.is_terminal and height > console.height and sys.stdin.isatty():
        # As git does: end where it fits on a screen, keep colours, chop long lines, leave the text on the screen.
        os.environ.setdefault("LESS", "FRSX")
        with console.pager(styles=True):
            console.print(content)
    else:
        console.print(content)


def local(moment: datetime | None) -> str:
    """A moment in the user's zone, to the second."""
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S %Z")


def duration(span: timedelta | None) -> str:
    """A duration as people say it: `0.42 s`, `12 s`, `3 min 05 s`, `2 h 07 min`, `3 d 04 h`."""
    if span is None:
        return ""
    seconds = span.total_seconds()
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = int(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def _table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Columns in which every row is empty are left out; the zone of moments stands in their column's name."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    names = [name for name in rows[0] if any(not _is_empty(name, row.get(name)) for row in rows)]
    for name in names:
        moment = next((row[name] for row in rows if isinstance(row.get(name), datetime)), None)
        zone = f" ({moment.astimezone():%Z})" if moment is not None else ""
        justify: JustifyMethod = "right" if name in _NUMBERS else "left"
        # Nothing is cut in two, so that it can be copied, but for sentences at the end of a line.
        wraps = name == names[-1] and name in _SENTENCES
        table.add_column(f"{name}{zone}", justify=justify, overflow="fold", no_wrap=not wraps)
    for row in rows:
        table.add_row(*(_cell(name, row.get(name), in_table=True) for name in names))
    return table


def _width(content: Table) -> int:
    """How wide to print: the terminal where sentences then have room, else as wide as the text is."""
    console = terminal.console()
    wide = console.options.update(width=10_000)
    natural = Measurement.get(console, wide, content).maximum
    if natural <= console.width:
        return console.width
    last = content.columns[-1]
    if last.no_wrap or not console.is_terminal:
        return natural
    longest = max(Measurement.get(console, wide, cell).maximum for cell in last.cells)
    return console.width if natural - longest + _NARROWEST_SENTENCE <= console.width else natural


def _is_empty(name: str, value: Any) -> bool:
    return value in (None, "", [], {}, ()) or (name == "map_index" and value == -1)


def _cell(name: str, value: Any, *, in_table: bool = False) -> Text:
    if isinstance(value, datetime):
        return Text(f"{value.astimezone():%Y-%m-%d %H:%M:%S}" if in_table else local(value))
    if isinstance(value, timedelta):
        return Text(duration(value))
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, (list, tuple)):
        return Text(", ".join(str(one) for one in value))
    if isinstance(value, dict):
        return Text(json.dumps(value, default=_plain))
    text = "" if value is None else str(value)
    return Text(text, style=COLOURS.get(text, "") if name == "state" else "")


def _dump(value: Any, output: Output) -> None:
    if output is Output.JSON:
        print(json.dumps(value, default=_plain))
        return
    import yaml

    text = yaml.safe_dump(json.loads(json.dumps(value, default=_plain)), sort_keys=False, allow_unicode=True)
    print(text, end="")


def _flat(value: Any) -> str:
    """One field of a line: no tabs or line ends inside."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone().isoformat()
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, (list, tuple)):
        return ",".join(_flat(one) for one in value)
    text = json.dumps(value, default=_plain) if isinstance(value, dict) else str(value)
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else str(value)
