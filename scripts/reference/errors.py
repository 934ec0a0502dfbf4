"""The reference page of errors: every stable code, found in the sources by `told`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import groupby

from scripts.reference import told
from tradewind.ports import errors

_HEAD = """\
# Errors

<!-- Made by scripts/reference/errors.py from the sources; change the error where it is raised. -->

What is wrong is said by a sentence about an object, with a hint what to do, and by a **code** that stays the same from
release to release. A command prints them on standard error and ends with exit code 2:

```text
error: --conf: is not a JSON object
hint: e.g. --conf '{{"day": 3}}'
```

Programs find all four (`code`, `object`, `message`, `hint`) in `--output json` of `dags import-errors`, and in the
answers of the server. Below, what a message fills in stands in braces. `A | B` means one or the other.

## Kinds

The kind tells what trying again would do.

| kind | |
|---|---|
{kinds}

Problems of DAG files are exceptions too, of the names that Airflow has for them where it has any.
"""

# What `told` writes for what is computed; `_AREAS`: each code stands where it comes up first, in this order.
_HOLE = r"\{[\w…]+\}"
_AREAS = (
    ("Commands", "Told by a command before anything is done.", ("cli",)),
    ("Settings", "Told at the start, with the file and line, the variable or the flag.", ("settings",)),
    (
        "Refused requests",
        "What a command asked of the server (or did itself, where none runs) was looked at and not done.",
        ("engine.commands",),
    ),
    (
        "DAG files",
        "Told when a file is loaded; `tradewind dags import-errors` lists them. The file's last good version goes on.",
        ("sdk", "compat", "bundles", "worker.trouble", "worker.loading", "model", "engine", "podlet.endings"),
    ),
    (
        "Pods",
        "Told for a `KubernetesPodOperator` when it is loaded, rendered, or about to start; the task fails.",
        ("pods", "podlet.pod", "podlet.keyed", "podlet.environment", "podlet.volumes", "podlet.refusal"),
    ),
    ("Tasks", "Told while a task is prepared or runs; its log and its verdict say it.", ("worker", "templates")),
    (
        "Mail",
        "Told of the mail server: by the server's log and `tradewind doctor`.",
        ("mail", "wiring.post"),
    ),
    ("Secrets", "Told of Variables, Connections and the key that encrypts them.", ("vault",)),
    (
        "Server, database and runtime",
        "Told by the server's log and its health address, or by a command that opens the home.",
        ("",),
    ),
)

_KINDS = {
    errors.Transient: "trying again may help; the server does so by itself",
    errors.Conflict: "someone was first; look again, then decide anew",
    errors.NotFound: "there is no such object",
    errors.Rejected: "refused for what it says; trying the same again cannot help",
    errors.Unauthorized: "a user, password or right is missing",
    errors.Fatal: "something that must not happen did; the process ends, and its supervisor starts it again",
}


def pages() -> dict[str, str]:
    """Path under docs/ → text."""
    kinds = "\n".join(f"| `{kind.__name__}` | {text} |" for kind, text in _KINDS.items())
    return {"reference/errors.md": "".join([_HEAD.format(kinds=kinds), *_areas()])}


def codes() -> dict[str, list[told.Told]]:
    """Every code with the places that tell it. The base's own default is no code of any error."""
    places = [one for one in told.collect() if one.code != errors.TradewindError.code]
    return {code: list(group) for code, group in groupby(places, key=lambda one: one.code)}


def _areas() -> Iterator[str]:
    placed: dict[str, list[tuple[str, list[told.Told]]]] = {title: [] for title, *_ in _AREAS}
    for code, places in codes().items():
        placed[min((_area(one) for one in places), key=list(placed).index)].append((code, places))
    for title, text, _ in _AREAS:
        yield f"\n## {title}\n\n{text}\n"
        for code, places in placed[title]:
            yield f"\n### `{code}`\n\n"
            yield "".join(_entries(places))


def _area(place: told.Told) -> str:
    module = place.module.removeprefix("tradewind").removeprefix(".")
    return next(title for title, _, prefixes in _AREAS if module.startswith(prefixes))


def _entries(places: list[told.Told]) -> Iterator[str]:
    kinds = ", ".join(dict.fromkeys(f"`{one.by}`" for one in places if one.by not in ("Problem", "CommandResult")))
    if kinds:
        yield f"{kinds}\n\n"
    seen: dict[tuple[str, str], None] = {(_plain(one.message), _plain(one.hint)): None for one in places}
    for message, hint in seen:
        yield f"- {message or 'what the cause says'}\n"
        if hint:
            yield f"  <br>*hint:* {hint}\n"


def _plain(text: str) -> str:
    """A template as Markdown; nothing where all of it is filled in."""
    line = " ".join(text.split())
    if not re.sub(rf"{_HOLE}|[|\s]", "", line):
        return ""
    pieces = re.split(rf"(`[^`]*`|{_HOLE})", line)
    return "".join(
        piece if piece[:1] == "`" else f"`{piece}`" if re.fullmatch(_HOLE, piece) else _escaped(piece)
        for piece in pieces
    )


def _escaped(text: str) -> str:
    return re.sub(r"([\\*_<>\[\]#])", r"\\\1", text)


def documented_kinds() -> set[str]:
    """The kinds of the tree in `ports.errors`, to be held against the table."""
    tree = ast.parse((told.PACKAGE / "ports" / "errors.py").read_text(encoding="utf-8"))
    return {one.name for one in tree.body if isinstance(one, ast.ClassDef) and one.name != "TradewindError"}
