"""`tradewind dags`: what DAGs there are, and one of them as text, graph or source."""

from __future__ import annotations

import asyncio
import enum
import fnmatch
import os
from typing import Annotated, Any

import msgspec
import typer

from tradewind.cli import dag_acts, exits, groups, options, schedule, tables
from tradewind.model.dagspec import DagSpec
from tradewind.model.ids import DagId
from tradewind.ports import errors
from tradewind.ports import mail as mail_port
from tradewind.ports import store as store_port

app = groups.new("DAGs: list them, look at one, trigger and pause, see which files are broken.")
dag_acts.add_to(app)
schedule.add_to(app)


class GraphFormat(enum.StrEnum):
    """How `dags show --graph` writes the graph."""

    TEXT = "text"
    DOT = "dot"
    MERMAID = "mermaid"


@app.command(
    "list",
    epilog=options.examples(
        "tradewind dags list --tag finance --active",
        "tradewind dags list --output json | jq '.[].dag_id'",
    ),
)
def list_dags(
    pattern: Annotated[str | None, typer.Argument(help="Only ids that match, e.g. 'etl_*'.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Only DAGs with this tag; repeatable.")] = None,
    paused: Annotated[bool | None, typer.Option("--paused/--active", help="Only paused, or only active ones.")] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 100,
    after: options.AfterOption = None,
) -> None:
    """All DAGs, in order of id."""
    from tradewind.cli import client

    def wanted(view: store_port.DagView) -> bool:
        return (
            not view.dag.removed
            and (pattern is None or fnmatch.fnmatchcase(view.dag.dag_id, pattern))
            and (not tag or set(tag) <= set(view.tags))
            and (paused is None or view.dag.paused is paused)
        )

    async def read() -> list[store_port.DagView]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            found: list[store_port.DagView] = []
            at = after
            while len(found) <= limit:
                views = await store.views.list_dags(store_port.Page(limit=limit + 1, after=at))
                found += [view for view in views if wanted(view)]
                if len(views) <= limit:
                    break
                at = views[-1].dag.dag_id
        return found

    with exits.reported():
        views = asyncio.run(read())
        tables.show(
            [_row(view) for view in views[:limit]],
            output=output,
            empty="no DAGs; `tradewind dags import-errors` tells of broken files",
            more=views[limit - 1].dag.dag_id if len(views) > limit else None,
        )


def _row(view: store_port.DagView) -> dict[str, Any]:
    return {
        "dag_id": view.dag.dag_id,
        "schedule": view.schedule,
        "paused": view.dag.paused,
        "airflow": view.meaning,
        "tasks": view.task_count,
        "file": view.dag.file,
        "last_run": view.last_run.run_id if view.last_run else "",
        "state": view.last_run.state.value if view.last_run else "",
        "next_run": view.dag.next_slot.run_after if view.dag.next_slot else None,
    }


@app.command(
    epilog=options.examples(
        "tradewind dags show my_dag",
        "tradewind dags show my_dag --graph dot | dot -Tsvg > my_dag.svg",
    )
)
def show(
    dag_id: options.DagArgument,
    graph_format: Annotated[
        GraphFormat | None, typer.Option("--graph", help="Only the graph: text, dot (Graphviz) or mermaid.")
    ] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """One DAG: what it is, and the graph of its tasks."""
    from tradewind.cli import client, graph
    from tradewind.wiring import post, secret_store

    async def read() -> tuple[store_port.DagView, DagSpec, str]:
        tree = client.settings_of(home, settings)
        async with client.opened(home, tree) as (place, store):
            view = await store.views.get_dag(DagId(dag_id))
            spec = (await store.versions.get(view.dag.version)).spec
            vault = secret_store.open_vault(place, store, tree, os.environ)
            return view, spec, await _without_mail(spec, post.open_mailer(vault, tree))

    with exits.reported():
        view, spec, without_mail = asyncio.run(read())
        if without_mail:
            spec = msgspec.structs.replace(spec, warnings=(*spec.warnings, without_mail))
        if graph_format is GraphFormat.DOT:
            print(graph.dot(spec))
        elif graph_format is GraphFormat.MERMAID:
            print(graph.mermaid(spec))
        elif output is not options.Output.TABLE:
            tables.show_object({**_facts(view, spec), "tasks": _tasks(spec)}, output=output)
        else:
            if graph_format is None:
                tables.show_object(_facts(view, spec), output=output)
                print()
            _print_graph(spec)


async def _without_mail(spec: DagSpec, mailer: mail_port.Mailer) -> str:
    """Why mail that its tasks ask for is not sent; empty where it is, or where none asks."""
    asking = [task for task in spec.tasks if task.email and (task.email_on_failure or task.email_on_retry)]
    if not asking:
        return ""
    names = ", ".join(task.task_id for task in asking[:3]) + (" …" if asking[3:] else "")
    try:
        where = await mailer.find_server()
    except errors.Rejected as error:
        return f"{names}: no mail is sent about failures: {error.problem.object} {error.message}"
    return "" if where else f"{names}: no mail is sent about failures: set mail.host, or make a Connection smtp_default"


_UNTOLD = "not told by the file; write `# tradewind: airflow=3` into it, or set dags.airflow"


def _facts(view: store_port.DagView, spec: DagSpec) -> dict[str, Any]:
    return {
        "dag_id": view.dag.dag_id,
        "description": spec.description,
        "file": view.dag.file,
        "version": view.dag.version[:12],
        "airflow": f"{view.meaning} ({view.meaning_from or _UNTOLD})",
        "schedule": view.schedule,
        "timezone": spec.timezone,
        "paused": view.dag.paused,
        "next_run": view.dag.next_slot.run_after if view.dag.next_slot else None,
        "start_date": spec.start_date,
        "end_date": spec.end_date,
        "catchup": spec.catchup,
        "max_active_runs": spec.max_active_runs,
        "max_active_tasks": spec.max_active_tasks,
        "active_runs": view.active_runs,
        "last_run": f"{view.last_run.run_id} {view.last_run.state.value}" if view.last_run else None,
        "tags": list(spec.tags),
        "owners": list(spec.owners),
        "params": {name: param.value for name, param in spec.params.items()},
        "warnings": list(spec.warnings),
    }


def _tasks(spec: DagSpec) -> list[dict[str, Any]]:
    return [
        {
            "task_id": task.task_id,
            "operator": task.operator,
            "trigger_rule": task.trigger_rule.value,
            "mapped": task.mapping is not None,
            "upstream": list(task.upstream),
        }
        for task in spec.tasks
    ]


def _print_graph(spec: DagSpec) -> None:
    from rich.text import Text

    from tradewind.cli import graph

    lines = list(graph.draw(spec))
    width = min(40, max((len(line) for line, _ in lines), default=0))
    text = Text()
    for line, task in lines:
        text.append(f"{line:<{width}}", style="cyan")
        if task is not None:
            name, _, rest = graph.label(task).partition("  ")
            text.append(f" {name}").append(f"  {rest}", style="dim")
        text.append("\n")
    text.right_crop(1)
    tables.page(text, height=len(lines))


@app.command(epilog=options.examples("tradewind dags source my_dag | less"))
def source(
    dag_id: options.DagArgument,
    version: Annotated[str | None, typer.Option("--version", help="A version's hash or its beginning.")] = None,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Print the DAG file as the newest (or another) version has it."""
    from rich.syntax import Syntax

    from tradewind.cli import client, finding
    from tradewind.wiring import storage

    async def read() -> str:
        tree = client.settings_of(home, settings)
        async with client.opened(home, tree) as (place, store):
            found = await finding.find_version(store, dag_id, version)
        try:
            return storage.open_snapshots(place, tree).read(found.tree, found.spec.file).decode()
        except OSError as error:
            raise errors.NotFound(
                f"its source is not kept any more: {error.strerror}",
                object=f"version {found.version[:12]} of DAG {dag_id!r}",
                code="no-source",
                hint="sources go when they are no newest version and no unfinished run needs them",
            ) from None

    with exits.reported():
        text = asyncio.run(read())
        if tables.is_terminal():
            tables.page(Syntax(text, "python", line_numbers=True), height=text.count("\n") + 1)
        else:
            print(text, end="" if text.endswith("\n") else "\n")


@app.command(epilog=options.examples("tradewind dags versions my_dag"))
def versions(
    dag_id: options.DagArgument,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    limit: options.LimitOption = 25,
) -> None:
    """The versions of a DAG, newest first: a new one with each change of the bundle that changes the DAG."""
    from tradewind.cli import client

    async def read() -> list[dict[str, Any]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            view = await store.views.get_dag(DagId(dag_id))
            found = await store.versions.list_of_dag(DagId(dag_id), limit)
        return [
            {
                "version": one.version[:12],
                "newest": one.version == view.dag.version,
                "created": one.created_at,
                "tasks": len(one.spec.tasks),
                "airflow": one.spec.meaning,
                "file": one.spec.file,
                "tree": one.tree[:12],
            }
            for one in found
        ]

    with exits.reported():
        tables.show(asyncio.run(read()), output=output, empty="no versions")


@app.command("import-errors", epilog=options.examples("tradewind dags import-errors"))
def import_errors(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
    bundle: Annotated[str, typer.Option("--bundle", help="Which bundle.")] = "dags",
) -> None:
    """Files that could not be loaded, with their tracebacks. Exit code 1 where there are some."""
    from tradewind.cli import client
    from tradewind.model.problem import Problem

    async def read() -> list[tuple[str, Problem]]:
        async with client.opened(home, client.settings_of(home, settings)) as (_, store):
            files = await store.versions.list_files(bundle)
        return [(file.path, problem) for file in files for problem in file.problems]

    with exits.reported():
        found = asyncio.run(read())
        if output is not options.Output.TABLE:
            rows = [
                {
                    "file": path,
                    "code": problem.code,
                    "object": problem.object,
                    "message": problem.message,
                    "hint": problem.hint,
                    "line": problem.line or None,
                    "traceback": problem.traceback,
                }
                for path, problem in found
            ]
            tables.show(rows, output=output, empty="")
        else:
            for path, problem in found:
                print(f"{path}{f':{problem.line}' if problem.line else ''}")
                print("\n".join(f"  {line}" for line in (problem.traceback or str(problem)).splitlines()))
                if problem.traceback and problem.hint:
                    print(f"  hint: {problem.hint}")
            if not found:
                print("every file loads")
    raise typer.Exit(exits.RUN_FAILED if found else exits.OK)
