"""`tradewind standalone`: everything on this machine, for good: bundles watched, runs scheduled, a health address.

The first Ctrl-C or SIGTERM drains (what runs may end, nothing new begins), the second stops at once; what runs then
goes on under the podlet and is adopted by the next server.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

from tradewind import __version__, wiring
from tradewind import settings as settings_tree
from tradewind.cli import vitals
from tradewind.ports import errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What the user asked for."""

    home: Path
    dags: Path | None
    settings: settings_tree.Settings
    log_level: str = "info"


def serve(request: Request) -> int:
    """Serve until stopped; the exit code."""
    logging.basicConfig(
        level=request.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr
    )
    home = wiring.Home(request.home)
    running = wiring.find_server(home)
    if running is not None:
        raise errors.Conflict(
            f"a server runs on it already (pid {running['pid']})",
            object=f"home {home.path}",
            code="already-running",
            hint=f"stop it with `kill {running['pid']}`, or name another home with --home",
        )
    wiring.run_loop(Server(request, home).run())
    return 0


class Server:
    """One server."""

    def __init__(self, request: Request, home: wiring.Home) -> None:
        self._request = request
        self._home = home
        self._assembly: wiring.Assembly | None = None
        self._vitals: vitals.Vitals | None = None
        self._signals = 0

    async def run(self) -> None:
        """Serve until stopped."""
        async with wiring.assemble(self._home, self._request.settings) as assembly:
            self._assembly = assembly
            folder = self._folder()
            bundle = assembly.bundle(folder)
            self._vitals = vitals.Vitals(assembly, bundle)
            async with assembly.health(self._vitals) as server:
                self._tell(server.url, folder)
                try:
                    await self._serve(assembly, bundle)
                finally:
                    self._home.server_file.unlink(missing_ok=True)

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
        told = {"health": f"{url}/health", "metrics": f"{url}/metrics", "dags": str(folder), "version": __version__}
        wiring.tell_server(self._home, told)
        print(f"tradewind {__version__}: home {self._home.path}, DAG files in {folder}, {url}", file=sys.stderr)

    async def _serve(self, assembly: wiring.Assembly, bundle: wiring.Bundle) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_signal)
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(assembly.follow(bundle, self._on_refresh), name="bundle")
            await assembly.scheduler.run()
            watching.cancel()

    def _on_signal(self) -> None:
        self._signals += 1
        if self._assembly is None:
            return
        if self._vitals is not None:
            self._vitals.draining = True
        if self._signals == 1:
            seconds = self._request.settings.scheduler.drain_seconds
            print(f"draining for up to {seconds:g} s; once more to stop at once", file=sys.stderr)
            self._assembly.scheduler.drain()
            asyncio.get_running_loop().call_later(seconds, self._assembly.scheduler.stop)
        else:
            self._assembly.scheduler.stop()

    def _on_refresh(self, refresh: wiring.Refresh) -> None:
        if self._vitals is not None:
            self._vitals.refreshed = True
        for problem in refresh.problems:
            logging.getLogger(__name__).warning("%s", problem)
