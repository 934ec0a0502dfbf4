"""The command `tradewind`. Each command imports what it needs when it runs, so that help and version stay quick."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tradewind import __version__
from tradewind.cli import authoring, exits, options
from tradewind.cli.groups import Groups

app = typer.Typer(
    name="tradewind",
    help="Runs Airflow DAG files as they are: on this machine, one process tree per task; no server needed to start.",
    epilog=options.examples(
        "tradewind run my_dag.py                  one run, in the foreground",
        "tradewind standalone --dags ./dags       serve a folder of DAG files",
        "tradewind dags list                      what is there",
        "tradewind tasks logs my_dag latest load  read a task's log",
    ),
    cls=Groups,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


@app.command(epilog=options.examples("tradewind version"))
def version() -> None:
    """Print the version."""
    print(f"tradewind {__version__}")


@app.command(
    epilog=options.examples(
        "tradewind run my_dag.py",
        "tradewind run my_dag.py --conf '{\"day\": 3}' --logical-date 2026-01-31",
        "tradewind run dags.py --dag-id nightly --output json --with-xcom > result.json",
    )
)
def run(
    file: Annotated[Path, typer.Argument(help="A DAG file.")],
    dag_id: Annotated[str | None, typer.Option("--dag-id", help="Which DAG, where the file has several.")] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="A JSON object, the run's conf.")] = None,
    logical_date: Annotated[str | None, typer.Option("--logical-date", help="ISO 8601.")] = None,
    runtime: options.RuntimeOption = "process",
    context: options.ContextOption = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    flags: options.SetOption = None,
    output: Annotated[str, typer.Option("--output", "-o", help="text or json.")] = "text",
    with_xcom: Annotated[bool, typer.Option("--with-xcom", help="Show XCom values too.")] = False,
) -> None:
    """Run one DAG to its end in the foreground. Exit code 1 means that the run failed, 2 that it could not begin."""
    from tradewind import settings as settings_tree
    from tradewind.cli import run as run_command

    with exits.reported():
        options.choose("--output", output, ("text", "json"))
        chosen = options.cluster_flags(runtime, context, flags)
        request = run_command.Request(
            file=file,
            dag_id=dag_id,
            conf=options.read_conf(conf),
            logical_date=options.read_moment(logical_date),
            home=home,
            settings=settings_tree.load(settings or run_command.beside(file) or settings_tree.find(home), flags=chosen),
            output=output,
            with_xcom=with_xcom,
            in_cluster=runtime == "kubernetes",
        )
        code = run_command.run(request)
    raise typer.Exit(code)


@app.command(
    epilog=options.examples(
        "tradewind render my_dag.py train_model",
        "tradewind render my_dag.py load --map-index 3 --output json",
        "tradewind render my_dag.py train_model --runtime kubernetes --server-dry-run",
    )
)
def render(
    file: Annotated[Path, typer.Argument(help="A DAG file.")],
    task_id: Annotated[str, typer.Argument(help="The task.")],
    dag_id: Annotated[str | None, typer.Option("--dag-id", help="Which DAG, where the file has several.")] = None,
    conf: Annotated[str | None, typer.Option("--conf", help="A JSON object, the run's conf.")] = None,
    logical_date: Annotated[str | None, typer.Option("--logical-date", help="ISO 8601.")] = None,
    map_index: Annotated[int, typer.Option("--map-index", help="Which element of a mapped task.")] = -1,
    runtime: options.RuntimeOption = "process",
    context: options.ContextOption = None,
    server_dry_run: Annotated[
        bool,
        typer.Option("--server-dry-run", help="Ask the API server, and print the pod that it would make of it."),
    ] = False,
    settings: options.SettingsOption = None,
    flags: options.SetOption = None,
    output: Annotated[str, typer.Option("--output", "-o", help="yaml or json.")] = "yaml",
) -> None:
    """Show the pod manifest as it would be sent, or the rendered fields of another task. Nothing runs."""
    from tradewind import settings as settings_tree
    from tradewind.cli import render as render_command
    from tradewind.cli import run as run_command

    with exits.reported():
        options.choose("--output", output, ("yaml", "json"))
        chosen = options.cluster_flags(runtime, context, flags)
        request = render_command.Request(
            file=file,
            task_id=task_id,
            dag_id=dag_id,
            conf=options.read_conf(conf),
            logical_date=options.read_moment(logical_date),
            map_index=map_index,
            settings=settings_tree.load(settings or run_command.beside(file) or settings_tree.find(None), flags=chosen),
            output=output,
            in_cluster=runtime == "kubernetes",
            tried_out=server_dry_run,
        )
        code = render_command.render(request)
    raise typer.Exit(code)


authoring.add_to(app)


@app.command(
    epilog=options.examples(
        "tradewind standalone --dags ./dags",
        "tradewind standalone --home /var/lib/tradewind --settings /etc/tradewind.toml",
    )
)
def standalone(
    home: options.HomeOption = None,
    runtime: options.RuntimeOption = "process",
    context: options.ContextOption = None,
    dags: Annotated[Path | None, typer.Option("--dags", help="Folder of DAG files (else HOME/dags).")] = None,
    settings: options.SettingsOption = None,
    flags: options.SetOption = None,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error.")] = "info",
    log_format: Annotated[str, typer.Option("--log-format", help="text or json (else server.log_format).")] = "",
) -> None:
    """Serve everything on this machine until stopped: Ctrl-C once drains, twice stops at once."""
    from tradewind import settings as settings_tree
    from tradewind.cli import standalone as standalone_command
    from tradewind.wiring import homes

    with exits.reported():
        chosen = options.cluster_flags(runtime, context, flags)
        options.choose("--log-level", log_level, ("debug", "info", "warning", "error"))
        options.choose("--log-format", log_format, ("", "text", "json"))
        place = home or homes.default_home()
        request = standalone_command.Request(
            home=place.resolve(),
            dags=dags,
            settings=settings_tree.load(settings or settings_tree.find(place), flags=chosen, home=place),
            log_level=log_level,
            log_format=log_format,
            in_cluster=runtime == "kubernetes",
        )
        code = standalone_command.serve(request)
    raise typer.Exit(code)


@app.command(
    "systemd-unit",
    epilog=options.examples(
        "tradewind systemd-unit --user > ~/.config/systemd/user/tradewind.service",
        "tradewind systemd-unit --home /var/lib/tradewind --dags /srv/dags > /etc/systemd/system/tradewind.service",
    ),
)
def systemd_unit(
    user: Annotated[bool, typer.Option("--user", help="For your own service manager; else for the system's.")] = False,
    home: options.HomeOption = None,
    dags: Annotated[Path | None, typer.Option("--dags", help="Folder of DAG files (else HOME/dags).")] = None,
    settings: options.SettingsOption = None,
) -> None:
    """Print a systemd unit that runs `tradewind standalone`; what runs outlives its restarts."""
    from tradewind import settings as settings_tree
    from tradewind.cli import systemd_unit as unit_command
    from tradewind.wiring import homes

    with exits.reported():
        place = home or homes.default_home()
        request = unit_command.Request(
            home=place,
            dags=dags,
            settings_file=settings,
            settings=settings_tree.load(settings or settings_tree.find(place), home=place),
            user=user,
        )
        print(unit_command.unit(request), end="")


@app.command(
    epilog=options.examples(
        "tradewind doctor",
        "tradewind doctor --home /var/lib/tradewind --output json",
        "tradewind doctor --runtime kubernetes --context kind-dev --namespace batch",
    )
)
def doctor(
    home: options.HomeOption = None,
    runtime: Annotated[
        str, typer.Option("--runtime", help="kubernetes: look at the cluster too (else where the server's pods run).")
    ] = "",
    context: options.ContextOption = None,
    namespace: Annotated[
        list[str] | None,
        typer.Option("--namespace", "-n", help="Of tasks in the cluster; repeatable (else those of this home)."),
    ] = None,
    dags: Annotated[
        Path | None, typer.Option("--dags", help="Folder of DAG files (else the server's, or HOME/dags).")
    ] = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Look at this machine, this home and its cluster: what is not in order, what to do. Exit code 1: a check fails."""
    from tradewind.cli import doctor as doctor_command
    from tradewind.wiring import homes

    with exits.reported():
        place = (home or homes.default_home()).expanduser().resolve()
        options.choose("--runtime", runtime, ("", "process", "kubernetes"))
        request = doctor_command.Request(
            home=place,
            settings_file=settings,
            dags=dags,
            runtime=runtime or ("kubernetes" if context or namespace else ""),
            context=context,
            namespaces=tuple(namespace or ()),
        )
        findings = doctor_command.examine(request)
        doctor_command.show(findings, output=output)
    raise typer.Exit(exits.RUN_FAILED if any(one.state == "fail" for one in findings) else exits.OK)


def main() -> None:
    """Entry point."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
