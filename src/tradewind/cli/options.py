"""Options and arguments that several commands share, and how their texts are read.

Invariant: an option means the same in every command; its default and help stand here once.
"""

from __future__ import annotations

import enum
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewind.ports import errors

_UNITS = {"d": timedelta(days=1), "h": timedelta(hours=1), "w": timedelta(weeks=1)}


class Output(enum.StrEnum):
    """How lists and objects are printed."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    PLAIN = "plain"


def complete_dag_id(incomplete: str) -> list[str]:
    """The ids of DAGs that begin so, from the home that applies; nothing where it cannot be read."""
    from tradewind.cli import completion

    return completion.dag_ids(incomplete)


def complete_run_id(ctx: typer.Context, incomplete: str) -> list[str]:
    """The ids of the DAG's last runs that begin so."""
    from tradewind.cli import completion

    return completion.run_ids(str(ctx.params.get("dag_id") or ""), incomplete)


def complete_task_id(ctx: typer.Context, incomplete: str) -> list[str]:
    """The ids of the DAG's tasks that begin so."""
    from tradewind.cli import completion

    return completion.task_ids(str(ctx.params.get("dag_id") or ""), incomplete)


HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where state is kept (TRADEWIND_HOME, else ~/.tradewind).")
]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="Settings file (else tradewind.toml in the home or here).")
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="One setting, over all others; e.g. scheduler.parallelism=8."),
]
RuntimeOption = Annotated[str, typer.Option("--runtime", help="Where pods run: process or kubernetes.")]
ContextOption = Annotated[
    str | None, typer.Option("--context", help="Of the kubeconfig, with --runtime kubernetes (else its current one).")
]
OutputOption = Annotated[
    Output,
    typer.Option(
        "--output", "-o", help="table; json and yaml for programs; plain: tabs, for awk and cut.", show_default=True
    ),
]
LimitOption = Annotated[int, typer.Option("--limit", help="Rows of a page.", min=1, max=10_000)]
AfterOption = Annotated[str | None, typer.Option("--after", help="The page after this key (told under a full page).")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DagArgument = Annotated[str, typer.Argument(metavar="DAG_ID", help="The DAG.", autocompletion=complete_dag_id)]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN_ID", help="The run, or `latest`.", autocompletion=complete_run_id)
]
TaskArgument = Annotated[
    str,
    typer.Argument(
        metavar="TASK_ID",
        help="The task; an element of a mapped one as task[3].",
        autocompletion=complete_task_id,
    ),
]


def examples(*lines: str) -> str:
    """The end of a command's help: lines that can be copied."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def read_conf(text: str | None) -> dict[str, Any]:
    """The --conf option. Raises `errors.Rejected`."""
    if not text:
        return {}
    try:
        conf = json.loads(text)
    except ValueError as error:
        raise errors.Rejected(
            f"not valid JSON: {error}", object="--conf", code="bad-conf", hint="""e.g. --conf '{"day": 3}'"""
        ) from error
    if not isinstance(conf, dict):
        raise errors.Rejected(
            "is not a JSON object", object="--conf", code="bad-conf", hint="""e.g. --conf '{"day": 3}'"""
        )
    return conf


def read_moment(text: str | None, option: str = "--logical-date") -> datetime | None:
    """A moment as ISO 8601; UTC where no zone is given, as Airflow reads it. Raises `errors.Rejected`."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise errors.Rejected(
            f"{text!r} is not a moment",
            object=option,
            code="bad-date",
            hint="write it as 2026-01-31T00:00:00+00:00",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def read_before(text: str, now: datetime, option: str = "--before") -> datetime:
    """An option like --before: so long ago (`30d`, `12h`, `4w`), or a date or moment. Raises `errors.Rejected`."""
    if text[-1:] in _UNITS and text[:-1].isdigit():
        try:
            return now - int(text[:-1]) * _UNITS[text[-1]]
        except OverflowError:
            return datetime(1970, 1, 1, tzinfo=UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise errors.Rejected(
            f"{text!r} is neither a time ago nor a date",
            object=option,
            hint="write it as 30d, 12h, 4w, 2026-01-31 or 2026-01-31T06:00:00+01:00",
            code="bad-date",
        ) from None
    # A date alone means midnight where the user is, as the lists show it.
    return moment.astimezone(UTC)


def read_task(text: str) -> tuple[str, int]:
    """A task's id and map index, -1 without one. Raises `errors.Rejected`."""
    name, found, rest = text.partition("[")
    if not found:
        return text, -1
    if rest.endswith("]") and rest[:-1].isdigit():
        return name, int(rest[:-1])
    raise errors.Rejected(
        "is not a task", object=text, code="bad-task", hint="write an element of a mapped task as task[3]"
    )


def choose(option: str, value: str, allowed: tuple[str, ...]) -> None:
    """Hold an option to its values. Raises `errors.Rejected`."""
    if value not in allowed:
        raise errors.Rejected(
            f"{value!r} is not one of {', '.join(allowed)}", object=option, code="bad-option", hint="see --help"
        )


def cluster_flags(runtime: str, context: str | None, flags: list[str] | None) -> list[str]:
    """What `--set` said, and the context. Raises `errors.Rejected` for a runtime or a context without sense."""
    choose("--runtime", runtime, ("process", "kubernetes"))
    if context is None:
        return list(flags or ())
    if runtime != "kubernetes":
        raise errors.Rejected(
            "is of a cluster, and pods run as processes",
            object="--context",
            code="context-without-cluster",
            hint="add --runtime kubernetes",
        )
    return [*(flags or ()), f"runtime.kubernetes.context={context}"]
