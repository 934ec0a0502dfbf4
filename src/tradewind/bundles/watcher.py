"""Follows a bundle by file events: a change is looked at within a moment, and nothing costs CPU while nothing changes.

File systems that send no events (network mounts) are looked at on an interval as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import watchfiles

from tradewind.bundles import bundle as bundles
from tradewind.bundles import ignore
from tradewind.ports import errors

_log = logging.getLogger(__name__)
_HINT = "raise fs.inotify.max_user_watches and max_user_instances, or watch a smaller folder"


class BundleWatcher:
    """Refreshes a bundle when its files change."""

    def __init__(
        self,
        bundle: bundles.Bundle,
        *,
        on_refresh: Callable[[bundles.Refresh], Awaitable[None]],
        look_every: timedelta = timedelta(seconds=60),
    ) -> None:
        self._bundle = bundle
        self._on_refresh = on_refresh
        self._look_every = look_every
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now (a Variable changed)."""
        self._wake.set()

    async def run_forever(self) -> None:
        """Look once, then whenever files change."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow(), name="file-events")
            group.create_task(self._refresh_when_woken(), name="refresh")

    async def _follow(self) -> None:
        # watchfiles wakes once per step even while nothing changes: 20 ms cost 0.3 % of a core, 100 ms a fifth of it.
        try:
            async for _changes in watchfiles.awatch(
                self._bundle.folder,
                watch_filter=_Filter(self._bundle.folder),
                debounce=100,
                step=100,
                rust_timeout=60_000,
                yield_on_timeout=False,
                recursive=True,
            ):
                self._wake.set()
        except (OSError, RuntimeError) as error:  # what watchfiles raises, depending on the limit
            # The limits of inotify are shared by all programs of a user: none left is no reason to serve nothing.
            seconds = self._look_every.total_seconds()
            _log.warning("no file events, looking every %g s instead: %s", seconds, error, extra={"hint": _HINT})

    async def _refresh_when_woken(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._on_refresh(await self._bundle.refresh())
            except errors.TradewindError as error:
                _log.error("bundle %s not refreshed: %s", self._bundle.name, error)
            try:
                async with asyncio.timeout(self._look_every.total_seconds()):
                    await self._wake.wait()
            except TimeoutError:
                continue


class _Filter(watchfiles.DefaultFilter):
    """Passes over what a home among the DAG files writes: with each look it would write more."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        return super().__call__(change, path) and not ignore.is_in_home(self._folder, path)
