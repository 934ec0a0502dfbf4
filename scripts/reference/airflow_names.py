"""The reference page of Airflow's names: each of the table, and whether it does what Airflow's does."""

from __future__ import annotations

from tradewind.compat import metadata, notes, table

_HEAD = """\
# Airflow's names

<!-- Made by scripts/reference/airflow_names.py from src/tradewind/compat; change it there. -->

What a DAG file may import, by the paths of Airflow 1.10, 2 and 3. A file of Airflow 2 is told that it runs on {two},
one of Airflow 3 that it runs on {three}.

| word | |
|---|---|
| same | does what Airflow's does |
| better | does that, and more |
| differs | does something else, which is told |
| later | loads, can be made and derived from; what would use it says that it is a later step |
| opaque | an operator that keeps its place, arguments and edges; running it is an error |
| provider | lies in a provider's package: the real one where it is installed, opaque or later where not |
| refused | loads; using it says why it will not come, and what to do instead |

**Other providers** (`airflow.providers.…`) need no row here. Where the package is installed beside Tradewind, its
modules are used, on the names below; of an Airflow that is installed with it nothing else is seen. Where it is not, its
operators are opaque, its other names can be imported, and the file's author is told when it loads. `airflow.contrib` is
treated alike.

A name that is in no row is an `ImportError` that says which name is near.
"""
_WORDS = {"operator": "opaque", "later": "later", "refused": "refused", "moved": "provider"}
_AREAS = (
    ("The SDK", ("airflow.sdk", "airflow.providers.common.compat")),
    (
        "DAGs, tasks and models",
        ("airflow", "airflow.models", "airflow.decorators", "airflow.datasets", "airflow.assets"),
    ),
    ("Operators, sensors and hooks", ("airflow.operators", "airflow.sensors", "airflow.hooks")),
    ("The standard provider", ("airflow.providers.standard",)),
    ("Kubernetes", ("airflow.providers.cncf.kubernetes", "airflow.kubernetes", "airflow.contrib.kubernetes")),
    ("Other providers", ("airflow.providers",)),
    ("Schedules, triggers, notifications", ("airflow.timetables", "airflow.triggers", "airflow.notifications")),
    ("Everything else", ("airflow.",)),
)


def pages() -> dict[str, str]:
    """Path under docs/ → text."""
    head = _HEAD.format(two=metadata.AIRFLOW["2"], three=metadata.AIRFLOW["3"])
    return {"reference/airflow-names.md": head + "".join(_section(title) for title, _ in _AREAS)}


def status(place: str) -> tuple[str, str]:
    """(word, what is to be said) of an entry."""
    kind, is_kind, rest = place.partition("|")
    if is_kind and kind in _WORDS:
        said = f"`{rest}`" if kind == "moved" else rest
        return _WORDS[kind], said
    if place in notes.BETTER:
        return "better", notes.BETTER[place]
    if place in notes.DIFFERS:
        return "differs", notes.DIFFERS[place]
    return "same", ""


def area_of(module: str) -> str:
    """The title of the section that a module is told in: the one with the longest head that fits."""
    fits = [
        (len(head), title)
        for title, heads in _AREAS
        for head in heads
        if module == head or (head != "airflow" and module.startswith(head.rstrip(".") + "."))
    ]
    return max(fits)[1]


def _section(title: str) -> str:
    modules: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for module, names in sorted(table.TABLE.items()):
        if names and area_of(module) == title:
            modules.setdefault(tuple(sorted(names.items())), []).append(module)
    return f"\n## {title}\n" + "".join(_modules(paths, dict(names)) for names, paths in modules.items())


def _modules(paths: list[str], names: dict[str, str]) -> str:
    """Modules that have the same names: what is the same in one line, the others a row each."""
    rows: dict[tuple[str, str], list[str]] = {}
    for name, place in names.items():
        rows.setdefault(status(place), []).append(name)
    lines = [f"\n### {', '.join(f'`{path}`' for path in paths)}\n\n| | | |\n|---|---|---|\n"]
    for word, said in sorted(rows, key=lambda row: (row[0] != "same", row)):
        told = ", ".join(f"`{name}`" for name in sorted(rows[word, said], key=str.lower))
        lines.append(f"| {told} | {word} | {said} |\n")
    return "".join(lines)
