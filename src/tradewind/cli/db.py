"""`tradewind db migrate|check|backup|restore|clean`: looking after what a home holds."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from tradewind import settings as settings_tree
from tradewind.cli import exits, groups, options, sizes, tables, terminal
from tradewind.ports import errors

app = groups.new("The database: bring it up to date, check it, back it up, take old history away.")


@app.command(epilog=options.examples("tradewind db migrate"))
def migrate(
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Bring the database to this program's schema, as everything that opens it does."""
    from tradewind.wiring import housekeeping, storage

    async def work(place: Any, chosen: Any) -> None:
        async with storage.open_store(place, chosen):
            pass

    with exits.reported():
        place, chosen = _home(home, settings)
        before = housekeeping.find_schema(place, chosen)
        asyncio.run(work(place, chosen))
        after = housekeeping.find_schema(place, chosen)
        done = "made" if before is None else "nothing to do" if before == after else "migrated"
        fields = {"database": _shown(place, chosen), "from": before or "none", "to": after, "done": done}
        tables.show_object(fields, output=output)


@app.command(epilog=options.examples("tradewind db check", "tradewind db check --repair"))
def check(
    repair: Annotated[bool, typer.Option("--repair", help="Count again where counters are wrong.")] = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Look whether the database is whole: its file, its counters, rows that name other rows, logs without a run.

    Exit code 1 where something is wrong. Takes seconds per million task instances; a server may run.
    """
    from tradewind.wiring import housekeeping

    async def work(place: Any, chosen: Any) -> list[dict[str, Any]]:
        async with housekeeping.open_upkeep(place, chosen) as upkeep:
            repaired = await upkeep.checks.repair() if repair else []
            found = await upkeep.checks.check()
            gone = await upkeep.store.history.list_gone(await upkeep.shelf.list_runs())
        told = [_finding(one, "repaired") for one in repaired]
        told += [_finding(one, "`tradewind db check --repair`" if one.repairable else "") for one in found]
        logs = [{"check": "logs", "object": f"run {key}", "problem": "has logs and no row"} for key in gone]
        return told + [{**row, "remedy": "`tradewind db clean` takes them away"} for row in logs]

    with exits.reported():
        place, chosen = _home(home, settings)
        rows = asyncio.run(work(place, chosen))
        tables.show(rows, output=output, empty="all is well")
    if any(row["remedy"] != "repaired" for row in rows):
        raise typer.Exit(exits.RUN_FAILED)


@app.command(
    epilog=options.examples("tradewind db backup /backups/tradewind.tar", "tradewind db backup all.tar.gz --with-logs")
)
def backup(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; .tar, or .tar.gz to compress.")],
    with_logs: Annotated[bool, typer.Option("--with-logs", help="Logs at rest and kept sources too.")] = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Write the database as of now into one file; a server may run. The encryption key is never in it."""
    from tradewind.wiring import housekeeping

    with exits.reported():
        place, chosen = _home(home, settings)
        with _bar("backing up", None) as advance:
            made = housekeeping.back_up(place, chosen, target.absolute(), with_logs=with_logs, progress=advance)
        tables.show_object(
            {
                "backup": str(target),
                "size": target.stat().st_size if output in _FOR_PROGRAMS else sizes.shown(target.stat().st_size),
                "files": len(made.members),
                "schema": made.schema,
                "made_at": made.made_at,
            },
            output=output,
        )
        print(
            f"The key of Variables and Connections is not in it: keep {place.key} in another safe place.",
            file=sys.stderr,
        )


@app.command(
    epilog=options.examples(
        "tradewind db restore /backups/tradewind.tar --home /srv/tradewind",
        "tradewind db restore all.tar.gz --replace",
    )
)
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="What `tradewind db backup` wrote.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Where there is a database already: keep that one aside.")
    ] = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Put a backup into a home on which no server runs; every file is held to the backup's manifest first."""
    from tradewind.wiring import homes, housekeeping

    with exits.reported():
        place = homes.Home((home or homes.default_home()).absolute())
        chosen = _settings(place, settings)
        _refuse_server(place, "a backup cannot be put under it")
        with _bar("restoring", source.stat().st_size if source.is_file() else None) as advance:
            manifest, aside = housekeeping.restore(place, chosen, source.absolute(), replace=replace, progress=advance)
        fields = {
            "restored": str(place.path),
            "files": len(manifest.members),
            "schema": manifest.schema,
            "made_at": manifest.made_at,
            "made_by": f"tradewind {manifest.tradewind}",
            "old_kept_in": str(aside) if aside else "",
        }
        tables.show_object(fields, output=output)
        if not place.key.exists():
            print(
                f"Variables and Connections can be read again when their key is at {place.key}.",
                file=sys.stderr,
            )


@app.command(
    epilog=options.examples(
        "tradewind db clean --before 30d --dry-run",
        "tradewind db clean --before 2026-01-01 --dag etl --keep-last 10 --yes",
    )
)
def clean(
    before: Annotated[
        str | None, typer.Option("--before", help="Runs that ended before: 30d, 12h, or a date.", metavar="WHEN")
    ] = None,
    dag_id: Annotated[
        str | None,
        typer.Option("--dag", help="Only runs of this DAG.", autocompletion=options.complete_dag_id),
    ] = None,
    keep_last: Annotated[
        int | None,
        typer.Option("--keep-last", help="Newest runs of each DAG that stay however old they are (1).", min=0),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would go.")] = False,
    yes: options.YesOption = False,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
    output: options.OutputOption = options.Output.TABLE,
) -> None:
    """Take finished runs away with their task instances, attempts, XComs, logs and facts. A server may run.

    Can be ended and begun again at any time. Facts, the log of all decisions, go by --before where no --dag is given.
    """
    from tradewind.model.ids import DagId
    from tradewind.ports import upkeep as port
    from tradewind.wiring import homes, housekeeping

    async def work(place: Any, chosen: Any, old: port.Old) -> dict[str, Any] | None:
        async with housekeeping.open_upkeep(place, chosen) as upkeep:
            if old.dag_id is not None:
                await upkeep.store.views.get_dag(old.dag_id)
            doomed = await upkeep.cleaning.find(old)
            total = await upkeep.cleaning.measure(doomed)
            if dry_run or not (doomed.keys or total.rows):
                return _total(total, "would go" if dry_run else "went", output)
            if not yes:
                exits.confirm(_question(total))
            rows = total.rows
            whole = rows.runs + rows.task_instances + rows.attempts + rows.xcoms + rows.facts
            with _bar("removing", whole, rows=True) as advance:

                def told(part: housekeeping.CleaningTotal) -> None:
                    went = part.rows
                    advance(went.runs + went.task_instances + went.attempts + went.xcoms + went.facts)

                removed = await upkeep.cleaning.remove(doomed, told)
            return _total(removed, "went", output)

    with exits.reported():
        place, chosen = _home(home, settings)
        if before is None and keep_last is None:
            raise errors.Rejected(
                "it is not said which runs may go",
                object="db clean",
                hint="give --before 30d, or --keep-last 100; with --dry-run nothing goes",
                code="clean-what",
            )
        old = port.Old(
            before=None if before is None else options.read_before(before, homes.now()),
            dag_id=None if dag_id is None else DagId(dag_id),
            keep_last=1 if keep_last is None else keep_last,
        )
        fields = asyncio.run(work(place, chosen, old))
        tables.show_object(fields or {}, output=output)


_FOR_PROGRAMS = (options.Output.JSON, options.Output.YAML, options.Output.PLAIN)


def _home(home: Path | None, settings: Path | None) -> tuple[Any, settings_tree.Settings]:
    from tradewind.wiring import homes

    place = homes.Home((home or homes.default_home()).absolute())
    if not place.path.is_dir():
        raise errors.NotFound(
            "does not exist", object=f"home {place.path}", code="home-missing", hint="`tradewind standalone` makes it"
        )
    return place, _settings(place, settings)


def _settings(place: Any, settings: Path | None) -> settings_tree.Settings:
    return settings_tree.load(settings or settings_tree.find(place.path), home=place.path)


def _refuse_server(place: Any, why: str) -> None:
    from tradewind.wiring import homes

    server = homes.find_server(place)
    if server is not None:
        raise errors.Conflict(
            f"a server runs on it (pid {server['pid']}): {why}",
            object=f"home {place.path}",
            hint=f"stop it first: kill {server['pid']}",
            code="server-runs",
        )


def _shown(place: Any, settings: settings_tree.Settings) -> str:
    return "PostgreSQL" if settings.database.url.startswith("postgres") else str(place.database)


def _finding(finding: Any, remedy: str) -> dict[str, Any]:
    return {"check": finding.check, "object": finding.object, "problem": finding.problem, "remedy": remedy}


def _question(total: Any) -> str:
    rows = total.rows
    runs = f"{rows.runs:,} runs with {rows.task_instances:,} task instances"
    return f"Remove {runs}, {rows.facts:,} facts and {sizes.shown(total.logs.bytes)} of logs for good?"


def _total(total: Any, verb: str, output: options.Output) -> dict[str, Any]:
    rows = total.rows

    def size(number: int) -> Any:
        return number if output in _FOR_PROGRAMS else sizes.shown(number)

    fields = {
        "runs": rows.runs,
        "task_instances": rows.task_instances,
        "attempts": rows.attempts,
        "xcoms": rows.xcoms,
        "facts": rows.facts,
        "logs": total.logs.files,
        "log_bytes": size(total.logs.bytes),
    }
    if verb == "would go":
        return {"dry_run": True, **fields, "content_bytes": size(rows.bytes)}
    return {"dry_run": False, **fields, "freed_bytes": size(total.freed_bytes)}


@contextmanager
def _bar(label: str, total: int | None, *, rows: bool = False) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's stderr; elsewhere nothing."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn

    amount = MofNCompleteColumn() if rows else DownloadColumn()
    columns = (TextColumn(label), BarColumn(), amount)
    with Progress(*columns, console=terminal.console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total)
        yield lambda n: progress.advance(task, n)
