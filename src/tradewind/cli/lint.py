"""`tradewind lint`: loads DAG files as a server would, in a home that is gone afterwards; what became of each.

Invariant: a file is "refused" only for what its author can change; what this machine alone lacks (a package, a
Variable) is "environment". Nothing runs, and nothing is left behind.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from tradewind import settings as settings_tree
from tradewind.cli import exits, lint_places, terminal
from tradewind.cli import run as run_command
from tradewind.model.dagspec import DagSpec, OpaqueBody
from tradewind.model.problem import Problem
from tradewind.ports import errors
from tradewind.ports import runtime as runtime_port
from tradewind.wiring import control_plane, homes

NATIVE, OPAQUE, REFUSED, ENVIRONMENT = "native", "native-with-opaque", "refused", "environment"
LOADED = (NATIVE, OPAQUE, ENVIRONMENT, REFUSED)
_COLOURS = {NATIVE: "green", OPAQUE: "yellow", ENVIRONMENT: "yellow", REFUSED: "red"}
_FROM = {
    "file": "the file says so",
    "setting": "the setting says so",
    "imports": "its imports tell",
    "arguments": "its arguments tell",
    "": "assumed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    paths: tuple[Path, ...]
    variables: Mapping[str, tuple[str, str]]
    """Value and description by key."""
    settings: settings_tree.Settings
    dags: Path | None = None
    """The folder that a server has; files are looked at in it."""
    output: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a file is not plainly native, and where in it."""

    object: str
    message: str
    hint: str
    line: int
    code: str
    lacks: str = ""
    """As `Problem.lacks`."""
    file: str = ""
    """Where the line is in another file of the bundle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of one file."""

    path: str
    loaded: str
    reasons: tuple[Reason, ...]
    airflow: str
    airflow_from: str
    warnings: tuple[str, ...]
    specs: tuple[DagSpec, ...]
    seconds: float
    problems: tuple[Problem, ...] = ()


def lint(request: Request) -> int:
    """Load them and print what became of them; the exit code."""
    reports = examine(
        request.paths,
        request.settings,
        variables=request.variables,
        dags=request.dags,
        is_shown=sys.stderr.isatty(),
    )
    if request.output == "json":
        print(json.dumps(document(reports), indent=2))
    else:
        show(reports)
    return exits.RUN_FAILED if any(one.loaded == REFUSED for one in reports) else exits.OK


def examine(
    paths: Sequence[Path],
    settings: settings_tree.Settings,
    *,
    variables: Mapping[str, tuple[str, str]],
    dags: Path | None = None,
    is_shown: bool = False,
) -> list[FileReport]:
    """What becomes of each file, in order. Raises `errors.Rejected` for a path that cannot be looked at."""
    places = [_Place.of(path, dags) for path in paths]
    # The server's database is none of our business, whatever the settings say.
    alone = msgspec.structs.replace(settings, database=msgspec.structs.replace(settings.database, url=""))
    scratch = homes.Home(Path(tempfile.mkdtemp(prefix="tradewind-")))
    try:
        with _progress(is_shown) as on_parsed:
            return asyncio.run(_examine(places, alone, variables, scratch, on_parsed))
    finally:
        scratch.remove()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A path as the user gave it, the folder that is looked at, and which file of it (None: all)."""

    path: Path
    folder: Path
    only: str | None

    @classmethod
    def of(cls, path: Path, dags: Path | None) -> _Place:
        """Raises `errors.Rejected` for what is not there, and for a file that is not below `dags`."""
        if path.is_dir():
            return cls(path=path, folder=path.resolve(), only=None)
        folder, name = run_command.split(path)
        if dags is None:
            return cls(path=path, folder=folder, only=name)
        root = dags.resolve()
        if not folder.is_relative_to(root):
            raise errors.Rejected(
                f"is not below {dags}", object=str(path), code="file-outside", hint="name the folder that it is in"
            )
        return cls(path=path, folder=root, only=str((folder / name).relative_to(root)))

    def shown(self, name: str) -> Path:
        """A file of it, as the user would write it."""
        if self.only is None:
            return self.path / name
        return self.path / name.removeprefix(self.only).lstrip("/")


async def _examine(
    places: Sequence[_Place],
    settings: settings_tree.Settings,
    variables: Mapping[str, tuple[str, str]],
    home: homes.Home,
    on_parsed: Callable[[int], None],
) -> list[FileReport]:
    reports: dict[Path, FileReport] = {}
    async with control_plane.assemble(home, settings, ephemeral=True) as assembly:
        if variables:
            await assembly.vault.set_variables(variables, "overwrite")
        for place in places:
            bundle = assembly.bundle(
                place.folder,
                name=f"lint:{place.path}",
                only=place.only,
                parallel=max(2, os.cpu_count() or 1),
                on_parsed=on_parsed,
            )
            await bundle.refresh()
            results = bundle.results()
            for status in bundle.files():
                report = _report(
                    place.shown(status.path),
                    status.path,
                    status.problems,
                    status.warnings,
                    results[status.path],
                    functools.partial(_source, bundle, status.path),
                )
                reports.setdefault(place.folder / status.path, report)
    if not reports:
        raise errors.Rejected(
            "holds no DAG file",
            object=", ".join(str(place.path) for place in places),
            code="no-dag-files",
            hint="a DAG file is Python, mentions dag and airflow, and is not left out by .airflowignore",
        )
    return list(reports.values())


def _source(bundle: control_plane.Bundle, name: str) -> bytes:
    try:
        return bundle.read(name)
    except OSError:  # gone since it was loaded
        return b""


def _report(
    shown: Path,
    name: str,
    problems: tuple[Problem, ...],
    notes: tuple[str, ...],
    result: runtime_port.ParseResult,
    read: Callable[[], bytes],
) -> FileReport:
    reasons = [_of_problem(one, name) for one in problems]
    opaque = _opaque(result.specs)
    if opaque:
        places = lint_places.imports(read())
        reasons += [_of_opaque(classpath, *opaque[classpath], places) for classpath in opaque]
    said = {
        f"task {task.task_id!r}: {task.body.reason}"
        for spec in result.specs
        for task in spec.tasks
        if isinstance(task.body, OpaqueBody)
    }  # by its DAG's warnings, and by the reasons here
    warnings = dict.fromkeys((*notes, *(text for spec in result.specs for text in spec.warnings if text not in said)))
    return FileReport(
        path=str(shown),
        loaded=_loaded(problems, has_opaque=bool(opaque)),
        reasons=tuple(reasons),
        airflow=result.meaning,
        airflow_from=result.meaning_from,
        warnings=tuple(warnings),
        specs=result.specs,
        seconds=round(result.seconds, 4),
        problems=problems,
    )


def _loaded(problems: Sequence[Problem], *, has_opaque: bool) -> str:
    if any(not one.lacks for one in problems):
        return REFUSED
    if problems:
        return ENVIRONMENT
    return OPAQUE if has_opaque else NATIVE


def _of_problem(problem: Problem, name: str) -> Reason:
    return Reason(
        object=problem.object,
        message=problem.message,
        hint=problem.hint,
        line=problem.line,
        code=problem.code,
        lacks=problem.lacks,
        file="" if problem.file in ("", name) else problem.file,
    )


def _opaque(specs: Sequence[DagSpec]) -> dict[str, tuple[str, list[str]]]:
    """By classpath: why it is opaque, and which tasks it is."""
    found: dict[str, tuple[str, list[str]]] = {}
    for spec in specs:
        for task in spec.tasks:
            if isinstance(task.body, OpaqueBody):
                _, tasks = found.setdefault(task.body.classpath, (task.body.reason, []))
                tasks.append(f"{spec.dag_id}.{task.task_id}")
    return found


def _of_opaque(classpath: str, why: str, tasks: Sequence[str], places: Mapping[str, int]) -> Reason:
    message, _, hint = why.partition("; ")
    more = f" and {len(tasks) - 3} more" if len(tasks) > 3 else ""
    return Reason(
        object=f"{'task' if len(tasks) == 1 else 'tasks'} {', '.join(tasks[:3])}{more}",
        message=f"{classpath} cannot run here: {message}",
        hint=hint or "the task keeps its place in the graph; it fails when its turn comes",
        line=lint_places.line_of(classpath, places),
        code="opaque-operator",
    )


# -- what is printed -----------------------------------------------------------------------------------------------


def document(reports: Sequence[FileReport]) -> dict[str, Any]:
    """The JSON that `--output json` prints."""
    counts = Counter(one.loaded for one in reports)
    return {
        "files": [_file_document(one) for one in reports],
        "counts": {kind: counts[kind] for kind in LOADED},
        "lacks": dict(_lacks(reports)),
    }


def _file_document(report: FileReport) -> dict[str, Any]:
    return {
        "path": report.path,
        "loaded": report.loaded,
        "reasons": [
            {
                "object": one.object,
                "message": one.message,
                "hint": one.hint,
                "line": one.line or None,
                "code": one.code,
                **({"file": one.file} if one.file else {}),
                **({"lacks": one.lacks} if one.lacks else {}),
            }
            for one in report.reasons
        ],
        "airflow": report.airflow or None,
        "airflow_from": report.airflow_from or "assumed",
        "warnings": list(report.warnings),
        "dag_ids": [spec.dag_id for spec in report.specs],
        "seconds": report.seconds,
    }


def show(reports: Sequence[FileReport]) -> None:
    """For people: a line for each file, what is to be said of it below, and the sum."""
    import typer

    for one in reports:
        means = f"Airflow {one.airflow}, {_FROM.get(one.airflow_from, one.airflow_from)}" if one.airflow else "unread"
        dag_ids = ", ".join(spec.dag_id for spec in one.specs) or "no DAG"
        loaded = typer.style(one.loaded, fg=_COLOURS[one.loaded])
        # echo, unlike print, leaves the colours out where stdout is no terminal
        typer.echo(f"{one.path}: {loaded} ({means}): {dag_ids}")
        for reason in one.reasons:
            place = f"{reason.file} " if reason.file else ""
            place += f"line {reason.line}: " if reason.line else ""
            about = f"{reason.object}: " if reason.object and not reason.object.startswith("file ") else ""
            typer.echo(f"  {place}{about}{reason.message}")
            if reason.hint:
                typer.echo(f"    hint: {reason.hint}")
        for warning in one.warnings:
            typer.echo(f"  warning: {warning}")
    counts = Counter(one.loaded for one in reports)
    files = "1 file" if len(reports) == 1 else f"{len(reports)} files"
    typer.echo(f"{files}: {', '.join(f'{counts[kind]} {kind}' for kind in LOADED if counts[kind])}")
    if lacks := _lacks(reports):
        typer.echo("lacking here: " + ", ".join(f"{what} ({count})" for what, count in lacks))


def _lacks(reports: Sequence[FileReport]) -> list[tuple[str, int]]:
    """What the environment lacks, in how many files, the most frequent first."""
    found = Counter(what for one in reports for what in {reason.lacks for reason in one.reasons} if what)
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


@contextmanager
def _progress(is_shown: bool) -> Iterator[Callable[[int], None]]:
    """Hears how many files of a folder are left; shows it on stderr where that is a terminal."""
    if not is_shown:
        yield lambda _left: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("loading"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=terminal.console(stderr=True), transient=True) as progress:
        bar = progress.add_task("", total=None)
        done = 0

        def on_parsed(left: int) -> None:
            nonlocal done
            done += 1
            progress.update(bar, completed=done, total=done + left)

        yield on_parsed
