"""Commands for who writes DAG files: `lint`, `test`, `python`.

What runs the author's code runs in a process that is not this one any more: Python is started in its place, so that a
debugger has the terminal, and signals and the exit code are the author's own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from tradewind.cli import exits, options


def add_to(app: typer.Typer) -> None:
    """Put the commands into the program."""
    app.command(
        epilog=options.examples(
            "tradewind lint my_dag.py",
            "tradewind lint ./dags --variables variables.json",
            "tradewind lint ./dags --output json > lint.json",
            "tradewind lint ./dags/team/one.py ./dags/team/two.py --dags ./dags",
        )
    )(lint)
    app.command(
        "test",
        epilog=options.examples(
            "tradewind test my_dag.py",
            "tradewind test my_dag.py --dag-id nightly --conf '{\"day\": 3}' --logical-date 2026-01-31",
        ),
    )(run_here)
    app.command(
        context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
        epilog=options.examples("tradewind python my_dag.py", "tradewind python my_dag.py --some-option of-the-file"),
    )(python)


def lint(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help="DAG files, or folders of them.")],
    variables: Annotated[
        Path | None,
        typer.Option(
            "--variables", help="Variables that files may ask for, as `tradewind variables import` reads them."
        ),
    ] = None,
    dags: Annotated[
        Path | None,
        typer.Option("--dags", help="The folder that a server has, where a file is in one below it (else the file's)."),
    ] = None,
    settings: options.SettingsOption = None,
    flags: options.SetOption = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json.")] = "text",
) -> None:
    """Load DAG files and tell what became of each. Exit code 1: one was refused, 2: there was nothing to look at."""
    from tradewind import settings as settings_tree
    from tradewind.cli import lint as lint_command
    from tradewind.cli import run as run_command
    from tradewind.cli import variables as variables_command

    with exits.reported():
        options.choose("--output", output, ("text", "json"))
        first = paths[0] / "any.py" if paths[0].is_dir() else paths[0]
        request = lint_command.Request(
            paths=tuple(paths),
            variables={} if variables is None else variables_command.read_file(variables),
            settings=settings_tree.load(
                settings or run_command.beside(first) or settings_tree.find(None), flags=list(flags or ())
            ),
            dags=dags,
            output=output,
        )
        code = lint_command.lint(request)
    raise typer.Exit(code)


def run_here(
    file: Annotated[Path, typer.Argument(help="A DAG file.")],
    dag_id: Annotated[str | None, typer.Option("--dag-id", help="Which DAG, where the file has several.")] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="A JSON object, the run's conf.")] = None,
    logical_date: Annotated[str | None, typer.Option("--logical-date", help="ISO 8601.")] = None,
) -> None:
    """Run one DAG with its Python tasks in this process, where a debugger stops. Exit code 1: the run failed."""
    from tradewind.cli import run as run_command

    with exits.reported():
        run_command.split(file)
        options.read_conf(conf)
        options.read_moment(logical_date)
    told = {"--dag-id": dag_id, "--conf": conf, "--logical-date": logical_date}
    given = [f"{name}={value}" for name, value in told.items() if value is not None]
    _become_python("tradewind.trial", *given, "--", str(file))


def python(
    file: Annotated[Path, typer.Argument(help="A DAG file that calls dag.test(), or any script.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", help="What the file is given.")] = None,
) -> None:
    """Run a file as `python FILE` does, with Airflow's names on the path: for `dag.test()`, breakpoints, profilers."""
    from tradewind.cli import run as run_command

    with exits.reported():
        run_command.split(file)
    _become_python("tradewind.compat", str(file), *(arguments or ()))


def _become_python(module: str, *arguments: str) -> NoReturn:
    """Run one of our modules in this process's place. `-P`: the working directory can hide no module of ours."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, "-P", "-m", module, *arguments])
