"""`tradewind standalone`: everything on this machine, for good: bundles watched, runs scheduled, a health address.

The first Ctrl-C or SIGTERM drains (what runs may end, nothing new begins), the second stops at once; what runs then
goes on under the podlet and is adopted by the next server.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from tradewind import __version__
from tradewind import settings as settings_tree
from tradewind.cli import journal, vitals
from tradewind.monitoring import machine, records, service_manager
from tradewind.ports import errors
from tradewind.wiring import control_plane, homes

_log = logging.getLogger("tradewind.server")
_ROUND_SECONDS = 15.0
"""How often it is looked for what is held back: a walk over what is unfinished, nothing where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    home: Path
    dags: Path | None
    settings: settings_tree.Settings
    log_level: str = "info"
    log_format: str = ""
    """Empty: as the settings say."""
    in_cluster: bool = False
    """Pods go to the cluster of the settings."""


def serve(request: Request) -> int:
    """Serve until stopped; the exit code."""
    home = homes.Home(request.home)
    running = homes.find_server(home)
    if running is not None:
        raise errors.Conflict(
            f"a server runs on it already (pid {running['pid']})",
            object=f"home {home.path}",
            code="already-running",
            hint=f"stop it with `kill {running['pid']}`, or name another home with --home",
        )
    log_format = request.log_format or request.settings.server.log_format
    manager = service_manager.ServiceManager.take(os.environ)
    records.install(sys.stderr, format=log_format, level=request.log_level)
    try:
        control_plane.run_loop(Server(request, home, manager).run())
    except Exception as error:
        if log_format == "json":  # the message that people get on stderr is no JSON
            _log.critical("ended by an error: %s", error)
        raise
    return 0


class Server:
    """One server."""

    def __init__(self, request: Request, home: homes.Home, manager: service_manager.ServiceManager) -> None:
        self._request = request
        self._home = home
        self._manager = manager
        self._signals = 0
        self._refreshed = asyncio.Event()

    async def run(self) -> None:
        """Serve until stopped."""
        self._manager.status("starting")
        async with control_plane.assemble(
            self._home, self._request.settings, in_cluster=self._request.in_cluster
        ) as assembly:
            folder = self._folder()
            bundle = assembly.bundle(folder)
            told = vitals.Vitals(assembly, bundle)
            async with assembly.health(told) as server:
                self._tell(server.url, folder)
                try:
                    await self._serve(assembly, bundle, told)
                finally:
                    self._home.server_file.unlink(missing_ok=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            # It is over: a second signal must not turn a good end into a kill.
            signal.signal(number, signal.SIG_IGN)

    def _folder(self) -> Path:
        chosen = self._request.dags or (
            Path(self._request.settings.dags.folder) if self._request.settings.dags.folder else None
        )
        if chosen is None:
            chosen = self._home.path / "dags"
            chosen.mkdir(exist_ok=True)
        if not chosen.is_dir():
            raise errors.Rejected(
                "no such folder",
                object=f"DAG folder {chosen}",
                code="dags-missing",
                hint="make it, or name another with --dags",
            )
        return chosen.resolve()

    def _tell(self, url: str, folder: Path) -> None:
        told = {
            "health": f"{url}/health",
            "metrics": f"{url}/metrics",
            "dags": str(folder),
            "version": __version__,
            "zone": machine.zone(os.environ),
            "runtime": "kubernetes" if self._request.in_cluster else "process",
        }
        homes.tell_server(self._home, told)
        database = "PostgreSQL" if self._request.settings.database.url.startswith("postgres") else "SQLite"
        facts = (
            f"tradewind {__version__} serves {self._home.path} ({database})",
            f"DAG files in {folder}",
            f"health at {url}/health",
        )
        _log.info("%s", ("\n" if sys.stderr.isatty() else ", ").join(facts))

    async def _serve(self, assembly: control_plane.Assembly, bundle: control_plane.Bundle, told: vitals.Vitals) -> None:
        scheduler = assembly.scheduler
        lines = journal.Journal()
        await self._tell_mail(assembly)
        scheduler.watch(lines.batch, on_lead=lines.restored)

        def refreshed(refresh: control_plane.Refresh) -> None:
            told.refreshed = True
            self._refreshed.set()
            if refresh.parsed or refresh.gone or not lines.knows_files:
                lines.files(bundle.files())
                lines.held(scheduler.problems(), scheduler.count().missing_pools)

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            # Not the loop's own handlers: it sets signals back to their deadly default when it closes.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._on_signal, assembly, lines, told))
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(assembly.follow(bundle, refreshed), name="bundle"),
                group.create_task(self._look_around(assembly, lines), name="rounds"),
                group.create_task(self._keep_told(assembly, told), name="service-manager"),
            ]
            await scheduler.run()
            for task in beside:
                task.cancel()
        lines.stopped(scheduler.count().alive)

    async def _tell_mail(self, assembly: control_plane.Assembly) -> None:
        """Where mail goes, said once; a server that is away is no matter at a start."""
        try:
            where = await assembly.mailer.find_server()
        except errors.TradewindError as error:
            _log.warning("no mail can be sent: %s", error, extra={"hint": error.hint})
            return
        without = "no mail is sent: there is neither mail.host nor a Connection"
        _log.info("%s", f"mail goes through {where}" if where else without)

    async def _look_around(self, assembly: control_plane.Assembly, lines: journal.Journal) -> None:
        """Say what is held back when it begins to be."""
        while True:
            await asyncio.sleep(_ROUND_SECONDS)
            lines.held(assembly.scheduler.problems(), assembly.scheduler.count().missing_pools)

    async def _keep_told(self, assembly: control_plane.Assembly, told: vitals.Vitals) -> None:
        """Tell the service manager that we are ready, and go on telling that we are alive while we are."""
        await asyncio.gather(assembly.scheduler.ready.wait(), self._refreshed.wait())
        self._manager.ready(f"serving {self._home.path}")
        if self._manager.watchdog is None:
            return
        while True:
            if told.live().ok:
                self._manager.alive()
            await asyncio.sleep(self._manager.watchdog.total_seconds() / 3)

    def _on_signal(self, assembly: control_plane.Assembly, lines: journal.Journal, told: vitals.Vitals) -> None:
        self._signals += 1
        scheduler = assembly.scheduler
        if self._signals > 1:
            scheduler.stop()
            return
        seconds = self._request.settings.scheduler.drain_seconds
        told.draining = True
        self._manager.stopping()
        lines.draining(scheduler.count().alive, seconds)
        scheduler.drain()
        asyncio.get_running_loop().call_later(seconds, scheduler.stop)
