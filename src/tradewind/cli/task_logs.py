"""`tradewind tasks logs`: a task's log, whole or followed, of one try or all, filtered."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from tradewind.cli import exits, options
from tradewind.model.rows import Attempt, DagRun
from tradewind.model.states import AttemptPhase
from tradewind.ports import errors
from tradewind.ports import logs as logs_port
from tradewind.ports import store as store_port

_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}


def add_to(app: typer.Typer) -> None:
    """Add the command to the group."""
    app.command(
        epilog=options.examples(
            "tradewind tasks logs my_dag latest load -f",
            "tradewind tasks logs my_dag latest 'load[3]' --try 1 --grep 'ERROR|WARN'",
            "tradewind tasks logs my_dag latest load --since 10m",
            "tradewind tasks logs my_dag latest load --container proxy",
        )
    )(logs)


def logs(
    dag_id: options.DagArgument,
    run_id: options.RunArgument,
    task_id: options.TaskArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the task has ended.")] = False,
    try_number: Annotated[int | None, typer.Option("--try", help="Which try (else the last).")] = None,
    all_tries: Annotated[bool, typer.Option("--all", help="Every attempt, one after another.")] = False,
    grep: Annotated[str | None, typer.Option("--grep", help="Only lines that match (a regular expression).")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Only since then: 90s, 10m, 2h, 1d or ISO 8601.")] = None,
    container: Annotated[
        str | None, typer.Option("--container", help="Only lines of this container of its pod.")
    ] = None,
    timestamps: Annotated[bool, typer.Option("--timestamps/--no-timestamps", help="Show when each line came.")] = True,
    home: options.HomeOption = None,
    settings: options.SettingsOption = None,
) -> None:
    """Print a task's log. The verdict comes last, on stderr."""
    from tradewind.cli import client, finding
    from tradewind.wiring import storage

    async def read() -> None:
        name, index = options.read_task(task_id)
        async with client.opened(home, client.settings_of(home, settings)) as (place, store):
            run = await finding.find_run(store, dag_id, run_id)
            reader = storage.open_logs(place)
            attempt = await finding.find_attempt(store, run, name, index, try_number, wait=follow)
            only = Filter(grep, since, container, main=_main_container(attempt))
            if all_tries:
                await _earlier(store, run, attempt, reader, only, timestamps)
            lines = reader.follow(attempt) if follow else reader.read(attempt)
            await _print(lines, only, timestamps)
            only.check()
            if follow and attempt.phase is not AttemptPhase.ENDED:
                attempt = await _ended(store, attempt)
            if attempt.verdict:
                print(f"-- {attempt.verdict}", file=sys.stderr)

    with exits.reported():
        try:
            asyncio.run(read())
        except BrokenPipeError:
            sys.stderr.close()  # the reader of our pipe went away: not an error


class Filter:
    """Which lines are wanted. Raises `errors.Rejected` for a pattern or a moment that cannot be read.

    `main` is the container whose lines have no name.
    """

    def __init__(self, grep: str | None, since: str | None, container: str | None = None, *, main: str = "") -> None:
        self._pattern = _compiled(grep)
        self._since = read_since(since, datetime.now(UTC))
        self._container = container
        self._main = main
        self._containers: set[str] = set()

    def wants(self, line: logs_port.LogLine) -> bool:
        """Whether to show it."""
        if self._container is not None and not self._is_of_container(line):
            return False
        return (self._since is None or line.at >= self._since) and (
            self._pattern is None or self._pattern.search(line.text) is not None
        )

    def check(self) -> None:
        """After a whole log: raises `errors.NotFound` where it has nothing of the container that was asked for."""
        if self._container is None or self._container in self._containers:
            return
        raise errors.NotFound(
            "wrote nothing to this log",
            object=f"container {self._container!r}",
            code="no-log",
            hint=f"the log has lines of: {', '.join(sorted(self._containers)) or 'none'}; which containers are logged "
            "is said by get_logs, container_logs and init_container_logs",
        )

    def _is_of_container(self, line: logs_port.LogLine) -> bool:
        name = line.container
        if line.stream != "event":
            name = name or self._main
            self._containers.add(name)
        return name == self._container


def _main_container(attempt: Attempt) -> str:
    """As the pod's statuses say; `base` where they are not known (yet)."""
    containers = attempt.detail.get("containers") or []
    return next((str(one["name"]) for one in containers if one.get("role") == "main"), "base")


def _compiled(grep: str | None) -> re.Pattern[str] | None:
    try:
        return None if grep is None else re.compile(grep)
    except re.error as error:
        raise errors.Rejected(
            f"is not a regular expression: {error}", object=f"--grep {grep!r}", code="bad-option", hint="quote \\ and ("
        ) from None


def read_since(text: str | None, now: datetime) -> datetime | None:
    """A moment, or how long ago. Raises `errors.Rejected`."""
    if text is None:
        return None
    found = _SPAN.fullmatch(text.strip())
    if found:
        return now - timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    return options.read_moment(text, "--since")


async def _earlier(
    store: store_port.Store,
    run: DagRun,
    last: Attempt,
    reader: logs_port.Logs,
    only: Filter,
    timestamps: bool,
) -> None:
    for attempt in await store.views.list_attempts(run.run_key, last.task_id, last.map_index):
        if attempt.attempt_id == last.attempt_id:
            break
        try:
            await _print(reader.read(attempt), only, timestamps)
        except errors.NotFound:
            pass  # it wrote nothing
        print(f"-- try {attempt.try_number}.{attempt.number}: {attempt.verdict or attempt.phase.value}", flush=True)


async def _print(lines: AsyncIterator[logs_port.LogLine], only: Filter, timestamps: bool) -> None:
    goes_on, shown = False, True
    async for line in lines:
        shown = shown if goes_on else only.wants(line)
        if shown:
            _print_line(line, timestamps and not goes_on, goes_on)
        goes_on = line.partial


def _print_line(line: logs_port.LogLine, timestamps: bool, goes_on: bool) -> None:
    at = line.at.astimezone().strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " " if timestamps else ""
    container = f"[{line.container}] " if line.container and line.named and not goes_on else ""
    mark = "~ " if line.stream == "event" else ""
    print(f"{at}{container}{mark}{line.text}", end="" if line.partial else "\n", flush=True)


async def _ended(store: store_port.Store, attempt: Attempt) -> Attempt:
    for _ in range(100):
        attempt = await store.views.get_attempt(attempt.attempt_id)
        if attempt.phase is AttemptPhase.ENDED:
            break
        await asyncio.sleep(0.05)
    return attempt
