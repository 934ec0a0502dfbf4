"""`tradewind doctor`: this machine and this home, looked at without changing either.

Invariant: a finding that is not ok has a hint; a check that cannot be made is a finding, never a traceback.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from tradewind import __version__
from tradewind import settings as settings_tree
from tradewind.cli import options, tables, terminal
from tradewind.cli.options import Output
from tradewind.model.finding import Finding
from tradewind.monitoring import machine
from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.wiring import homes, housekeeping, post, secret_store, storage

_HEALTH_SECONDS = 5
_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}
_FROM_ENVIRONMENT = re.compile(r"(?:AIRFLOW|TRADEWIND)_(CONN|VAR)_.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be looked at."""

    home: Path
    settings_file: Path | None
    dags: Path | None
    runtime: str = ""
    """`kubernetes`: look at the cluster too; empty: where the server's pods run there."""
    context: str | None = None
    namespaces: tuple[str, ...] = ()


def examine(request: Request, environment: Mapping[str, str] = os.environ) -> list[Finding]:
    """All findings, in the order in which they are read."""
    return asyncio.run(_examine(request, environment))


async def _examine(request: Request, environment: Mapping[str, str]) -> list[Finding]:
    found: list[Finding] = []
    home = homes.Home(request.home)
    server = homes.find_server(home)
    in_cluster = (request.runtime or (server or {}).get("runtime")) == "kubernetes"
    loaded, finding = _settings(request, environment)
    found.append(finding)
    settings = loaded.settings if loaded is not None else settings_tree.Settings()
    dags = request.dags or _dags(home, settings, server)
    looked = await asyncio.to_thread(
        lambda: list(machine.look(home.path, dags, parallelism=settings.scheduler.parallelism))
    )
    found += looked
    found += [one async for one in _database(home, settings, environment, server)]
    found += _server(server)
    found += _dag_folder(dags)
    found += _images(settings)
    if in_cluster:
        found += await _cluster(home, settings, request.namespaces)
    found += _environment(loaded, environment)
    return found


def show(findings: Sequence[Finding], *, output: Output) -> None:
    """Print them: for a person with the hints below, and a sum; for programs a row for each."""
    if output is not Output.TABLE:
        rows = [{"state": one.state, "check": one.check, "message": one.message, "hint": one.hint} for one in findings]
        tables.show(rows, output=output, empty="")
        return
    console = terminal.console()
    width = max(len(one.check) for one in findings)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(width=4)
    grid.add_column(min_width=width, no_wrap=True)
    grid.add_column(overflow="fold")
    for one in findings:
        grid.add_row(Text(one.state, style=_STYLES[one.state]), Text(one.check), Text(one.message))
        if one.hint and one.state != "ok":
            grid.add_row("", "", Text.assemble(("hint: ", "cyan"), one.hint))
    console.print(grid)
    states = [one.state for one in findings]
    console.print(f"{states.count('ok')} ok, {states.count('warn')} to look at, {states.count('fail')} failed")


# -- settings ------------------------------------------------------------------------------------------------------


def _settings(request: Request, environment: Mapping[str, str]) -> tuple[settings_tree.Loaded | None, Finding]:
    try:
        path = request.settings_file or settings_tree.find(request.home)
        flags = options.cluster_flags("kubernetes", request.context, None)
        loaded = settings_tree.resolve(path, environment=environment, flags=flags, home=request.home)
    except errors.TradewindError as error:
        return None, _failed("settings", error)
    return loaded, Finding(check="settings", state="ok", message=str(path) if path else "no file: defaults")


# -- the database and the key --------------------------------------------------------------------------------------


async def _database(
    home: homes.Home,
    settings: settings_tree.Settings,
    environment: Mapping[str, str],
    server: Mapping[str, Any] | None,
) -> AsyncIterator[Finding]:
    zone = str(server.get("zone", "")) if server else ""
    kind = "PostgreSQL" if settings.database.url.startswith("postgres") else "SQLite"
    try:
        found, newest = await asyncio.to_thread(housekeeping.find_schema, home, settings), housekeeping.SCHEMA
        if found is None:
            yield Finding(check="database", state="ok", message=f"{kind}, not made yet: the first start makes it")
        elif found > newest:
            message = f"{kind} with schema {found}; this is release {__version__} with schema {newest}"
            yield Finding(check="database", state="fail", message=message, hint="run the newer release")
        elif found != newest:
            hint = "the next start migrates it; `tradewind db backup` first, if you want to be able to go back"
            message = f"{kind} with schema {found}; this release has {newest}"
            yield Finding(check="database", state="warn", message=message, hint=hint)
        if found != newest:
            for finding in machine.clock(time.time(), None, zone, environment):
                yield finding
            return
        async with storage.open_store(home, settings) as store:
            await store.check()
            yield Finding(check="database", state="ok", message=f"{kind}, schema {found} is current")
            for finding in machine.clock(time.time(), await _newest(store), zone, environment):
                yield finding
            yield await _key(home, store)
            yield await _files(store)
            yield await _mail(home, settings, store, environment)
    except errors.TradewindError as error:
        yield _failed("database", error)


async def _newest(store: store_port.Store) -> float | None:
    """When the newest run was made, in seconds since 1970."""
    runs = await store.views.list_runs(store_port.Page(limit=1))
    moments = [moment for run in runs for moment in (run.queued_at, run.started_at, run.ended_at) if moment]
    return max(moments).timestamp() if moments else None


async def _key(home: homes.Home, store: store_port.Store) -> Finding:
    key = secret_store.find_key(home)
    sealed = sum([len(await store.vault.list(kind)) for kind in ("variable", "connection")])
    try:
        if not key.exists():
            if sealed:
                raise key.lost()
            return Finding(check="encryption key", state="ok", message="none yet: the first secret makes it")
        key.both()
    except errors.TradewindError as error:
        return _failed("encryption key", error)
    if warnings := key.warnings():
        hint = f"chmod 600 {home.key}; whoever could read it has every secret that was in this database"
        return Finding(check="encryption key", state="fail", message="; ".join(warnings), hint=hint)
    return Finding(check="encryption key", state="ok", message=f"{home.key}, for {sealed} secrets")


async def _files(store: store_port.Store) -> Finding:
    files = await store.versions.list_files("dags")
    broken = [file.path for file in files if file.problems]
    if broken:
        message = f"{len(broken)} of {len(files)} do not load: {', '.join(broken[:3])}{' …' if broken[3:] else ''}"
        return Finding(check="DAG files", state="warn", message=message, hint="`tradewind dags import-errors` says why")
    return Finding(check="DAG files", state="ok", message=f"{len(files)} known, all load")


async def _mail(
    home: homes.Home, settings: settings_tree.Settings, store: store_port.Store, environment: Mapping[str, str]
) -> Finding:
    """The server that mail goes through: spoken to and logged in at, without a mail."""
    try:
        mailer = post.open_mailer(secret_store.open_vault(home, store, settings, environment), settings)
        where = await mailer.find_server()
        if where is None:
            return Finding(check="mail", state="ok", message="none is sent: no mail.host, no Connection smtp_default")
        await mailer.check()
    except errors.TradewindError as error:
        return _failed("mail", error)
    return Finding(check="mail", state="ok", message=f"goes through {where}, which lets us in")


# -- the server ----------------------------------------------------------------------------------------------------


def _server(server: Mapping[str, Any] | None) -> Iterator[Finding]:
    if server is None:
        hint = "`tradewind standalone` starts one; `tradewind systemd-unit` makes it a service"
        yield Finding(check="server", state="warn", message="none runs: no schedule is kept", hint=hint)
        return
    name = f"pid {server['pid']}"
    try:
        with urllib.request.urlopen(str(server["health"]), timeout=_HEALTH_SECONDS) as answer:
            told = json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            told = json.load(error)
    except (OSError, ValueError, KeyError) as error:
        hint = f"look at its lines; if it hangs, kill it (kill -9 {server['pid']}): what runs goes on and is adopted"
        yield Finding(check="server", state="fail", message=f"{name} gives no answer: {error}", hint=hint)
        return
    yield _told(name, str(server["health"]), told)
    if told.get("version") != __version__:
        message = f"{name} is release {told.get('version')}, this command is {__version__}"
        yield Finding(check="server", state="warn", message=message, hint="restart the server: what runs is adopted")


def _told(name: str, url: str, told: Mapping[str, Any]) -> Finding:
    wrong = [f"{check}: {one['message']}" for check, one in told.get("checks", {}).items() if not one["ok"]]
    if wrong:
        hint = "wait a moment and look again; else look at the server's lines"
        return Finding(check="server", state="fail", message=f"{name} is not ready; {'; '.join(wrong)}", hint=hint)
    held = [f"{one['dag_id']} gets no scheduled runs: {one['message']}" for one in told.get("dag_problems", ())]
    held += [f"{', '.join(dags)} wait for pool {pool}" for pool, dags in told.get("missing_pools", {}).items()]
    mail = told.get("mail", {})
    if mail.get("failing"):
        held.append(f"{mail['failing']} mails wait: {mail['error']}")
    held += [f"an event was set aside: {error}" for error in told.get("set_aside", ())[:1]]
    if held:
        hint = f"the whole report: {url}"
        return Finding(check="server", state="warn", message=f"{name} is ready, but {'; '.join(held[:3])}", hint=hint)
    return Finding(check="server", state="ok", message=f"{name} is ready, release {told.get('version')}")


# -- DAG files, images, the environment ----------------------------------------------------------------------------


def _dags(home: homes.Home, settings: settings_tree.Settings, server: Mapping[str, Any] | None) -> Path:
    if server is not None and server.get("dags"):
        return Path(str(server["dags"]))
    return Path(settings.dags.folder) if settings.dags.folder else home.path / "dags"


def _dag_folder(dags: Path) -> Iterator[Finding]:
    if not dags.is_dir():
        hint = "make it, or name another with --dags or dags.folder"
        yield Finding(check="DAG folder", state="warn", message=f"{dags} is not there", hint=hint)
    elif not os.access(dags, os.R_OK | os.X_OK):
        yield Finding(
            check="DAG folder", state="fail", message=f"{dags} cannot be read", hint="give this user the right"
        )
    else:
        yield Finding(check="DAG folder", state="ok", message=str(dags))


def _images(settings: settings_tree.Settings) -> Iterator[Finding]:
    local = settings.runtime.local
    for image in local.images:
        missing = [
            *(f"{image.venv}/bin/python" for _ in (1,) if image.venv and not _is_venv(image.venv)),
            *(image.root for _ in (1,) if image.root and not Path(image.root).is_dir()),
            *(part for part in image.path.split(":") if part and not Path(part).is_dir()),
        ]
        name = f"image {image.pattern}"
        if missing:
            hint = "make it, or change runtime.local.images"
            yield Finding(check=name, state="fail", message=f"{', '.join(missing)} is not there", hint=hint)
        else:
            yield Finding(check=name, state="ok", message=image.venv or image.root or image.path)
    for what, folder in (("secrets", local.secrets.directory), ("configmaps", local.configmaps.directory)):
        if folder and not Path(folder).is_dir():
            hint = f"make it, or change runtime.local.{what}.directory"
            yield Finding(check=what, state="fail", message=f"{folder} is not there", hint=hint)


def _is_venv(folder: str) -> bool:
    return (Path(folder) / "bin" / "python").exists()


def _environment(loaded: settings_tree.Loaded | None, environment: Mapping[str, str]) -> Iterator[Finding]:
    given = [found.group(1) for name in environment if (found := _FROM_ENVIRONMENT.match(name))]
    if given:
        message = f"{given.count('CONN')} Connections and {given.count('VAR')} Variables come from the environment"
        yield Finding(check="environment", state="ok", message=message)
    if loaded is not None and loaded.ignored:
        names = ", ".join(one.variable for one in loaded.ignored[:5]) + (" …" if loaded.ignored[5:] else "")
        hint = "docs/reference/airflow-settings.md says why for each; `tradewind config show` has what applies"
        yield Finding(check="environment", state="warn", message=f"changes nothing here: {names}", hint=hint)


async def _cluster(home: homes.Home, settings: settings_tree.Settings, namespaces: Sequence[str]) -> list[Finding]:
    from tradewind.wiring import cluster_view  # it brings an HTTP client with it

    found: list[Finding] = []
    try:
        async with cluster_view.opened(home, settings) as views:
            for view in views:
                try:
                    found += await view.examine(namespaces if not view.name else ())
                except errors.TradewindError as error:  # the others are worth a look
                    found.append(_failed(f"cluster {view.name}".strip(), error))
    except errors.TradewindError as error:
        found.append(_failed("cluster", error))
    return found


def _failed(check: str, error: errors.TradewindError) -> Finding:
    what = f"{error.object}: {error.message}" if error.object else error.message
    return Finding(check=check, state="fail", message=what, hint=error.hint or "see the message")
