"""What lies in a home, opened: the store, the vault, logs at rest and kept sources."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from tradewind import clock as clocks
from tradewind import settings as settings_tree
from tradewind.bundles import snapshots as snapshot_folder
from tradewind.logs import folder as log_folder
from tradewind.ports import store as store_port
from tradewind.store import sql_store as stores
from tradewind.wiring import homes


def database_url(home: homes.Home, settings: settings_tree.Settings) -> str:
    """The setting, else SQLite in the home."""
    return settings.database.url or f"sqlite:///{home.database}"


@contextlib.asynccontextmanager
async def open_store(home: homes.Home, settings: settings_tree.Settings) -> AsyncIterator[store_port.Store]:
    """The store of a home, with migrations done."""
    async with stores.open_store(
        database_url(home, settings), busy=timedelta(seconds=settings.database.busy_seconds)
    ) as store:
        yield store


def open_logs(home: homes.Home) -> log_folder.FolderLogs:
    """The logs of a home."""
    return log_folder.FolderLogs(home.path, clocks.SystemClock())


def open_snapshots(home: homes.Home, settings: settings_tree.Settings) -> snapshot_folder.FolderSnapshots:
    """The kept sources of a home."""
    return snapshot_folder.FolderSnapshots(home.path / "snapshots", limit_bytes=settings.dags.tree_limit_mb << 20)
