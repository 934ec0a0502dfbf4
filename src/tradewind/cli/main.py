"""The command `tradewind`. Each command imports what it needs when it runs, so that help and version stay quick."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewind import __version__
from tradewind.cli import exits
from tradewind.ports import errors

app = typer.Typer(
    name="tradewind",
    help="Runs Airflow DAG files as they are: on this machine, one process tree per task; no server needed to start.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

HomeOption = Annotated[
    Path | None, typer.Option("--home", help="Where state is kept (TRADEWIND_HOME, else ~/.tradewind).")
]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="Settings file (else tradewind.toml in the home or here).")
]
OutputOption = Annotated[str, typer.Option("--output", "-o", help="table or json.")]
LimitOption = Annotated[int, typer.Option("--limit", help="Rows of a page.", min=1, max=10_000)]
AfterOption = Annotated[str | None, typer.Option("--after", help="The page after this key (the last row's id).")]


def check_output(output: str) -> None:
    """The --output option of lists. Raises `errors.Rejected`."""
    _choice("--output", output, ("table", "json"))


def parse_conf(text: str | None) -> dict[str, Any]:
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


def parse_moment(text: str | None) -> datetime | None:
    """The --logical-date option: ISO 8601; UTC where no zone is given. Raises `errors.Rejected`."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise errors.Rejected(
            f"{text!r} is not a moment",
            object="--logical-date",
            code="bad-date",
            hint="write it as 2026-01-31T00:00:00+00:00",
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


@app.command()
def version() -> None:
    """Print the version."""
    print(f"tradewind {__version__}")


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="A DAG file.")],
    dag_id: Annotated[str | None, typer.Option("--dag-id", help="Which DAG, where the file has several.")] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="A JSON object, the run's conf.")] = None,
    logical_date: Annotated[str | None, typer.Option("--logical-date", help="ISO 8601.")] = None,
    runtime: Annotated[str, typer.Option("--runtime", help="process or kubernetes.")] = "process",
    home: HomeOption = None,
    settings: SettingsOption = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json.")] = "text",
    with_xcom: Annotated[bool, typer.Option("--with-xcom", help="Show XCom values too.")] = False,
) -> None:
    """Run one DAG to its end in the foreground. Exit code 1 means that the run failed, 2 that it could not begin."""
    from tradewind import settings as settings_tree
    from tradewind.cli import run as run_command

    with exits.reported():
        _choice("--output", output, ("text", "json"))
        _choice("--runtime", runtime, ("process", "kubernetes"))
        if runtime == "kubernetes":
            raise errors.Rejected(
                "pods of a cluster come with a later version",
                object="--runtime kubernetes",
                code="not-yet",
                hint="use --runtime process",
            )
        request = run_command.Request(
            file=file,
            dag_id=dag_id,
            conf=parse_conf(conf),
            logical_date=parse_moment(logical_date),
            home=home,
            settings=settings_tree.load(settings or _beside(file) or settings_tree.find(home)),
            output=output,
            with_xcom=with_xcom,
        )
        code = run_command.run(request)
    raise typer.Exit(code)


@app.command()
def render(
    file: Annotated[Path, typer.Argument(help="A DAG file.")],
    task_id: Annotated[str, typer.Argument(help="The task.")],
    dag_id: Annotated[str | None, typer.Option("--dag-id", help="Which DAG, where the file has several.")] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="A JSON object, the run's conf.")] = None,
    logical_date: Annotated[str | None, typer.Option("--logical-date", help="ISO 8601.")] = None,
    map_index: Annotated[int, typer.Option("--map-index", help="Which element of a mapped task.")] = -1,
    settings: SettingsOption = None,
    output: Annotated[str, typer.Option("--output", "-o", help="yaml or json.")] = "yaml",
) -> None:
    """Show the pod manifest as it would be sent, or the rendered fields of another task. Nothing runs."""
    from tradewind import settings as settings_tree
    from tradewind.cli import render as render_command

    with exits.reported():
        _choice("--output", output, ("yaml", "json"))
        request = render_command.Request(
            file=file,
            task_id=task_id,
            dag_id=dag_id,
            conf=parse_conf(conf),
            logical_date=parse_moment(logical_date),
            map_index=map_index,
            settings=settings_tree.load(settings or _beside(file) or settings_tree.find(None)),
            output=output,
        )
        code = render_command.render(request)
    raise typer.Exit(code)


@app.command()
def standalone(
    home: HomeOption = None,
    dags: Annotated[Path | None, typer.Option("--dags", help="Folder of DAG files (else HOME/dags).")] = None,
    settings: SettingsOption = None,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
) -> None:
    """Serve everything on this machine until stopped: Ctrl-C once drains, twice stops at once."""
    from tradewind import settings as settings_tree
    from tradewind import wiring
    from tradewind.cli import standalone as standalone_command

    with exits.reported():
        _choice("--log-level", log_level, ("debug", "info", "warning", "error"))
        place = home or wiring.default_home()
        request = standalone_command.Request(
            home=place.resolve(),
            dags=dags,
            settings=settings_tree.load(settings or settings_tree.find(place)),
            log_level=log_level,
        )
        code = standalone_command.serve(request)
    raise typer.Exit(code)


def _beside(file: Path) -> Path | None:
    """A settings file next to the DAG file, or in the folder above."""
    for folder in (file.resolve().parent, file.resolve().parent.parent):
        if (folder / "tradewind.toml").is_file():
            return folder / "tradewind.toml"
    return None


def _choice(option: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise errors.Rejected(
            f"{value!r} is not one of {', '.join(allowed)}", object=option, code="bad-option", hint="see --help"
        )


def _add_groups() -> None:
    from tradewind.cli import dags, runs, tasks

    app.add_typer(dags.app, name="dags")
    app.add_typer(runs.app, name="runs")
    app.add_typer(tasks.app, name="tasks")


def main() -> None:
    """Entry point."""
    _add_groups()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
