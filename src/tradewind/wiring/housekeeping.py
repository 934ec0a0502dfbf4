"""What looks after a home: its schema, checks, cleaning, backups."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import tradewind
from tradewind import clock as clocks
from tradewind import settings as settings_tree
from tradewind.logs import shelf as log_shelf
from tradewind.ports import store as store_port
from tradewind.ports import upkeep as upkeep_port
from tradewind.scheduler import cleaning
from tradewind.store import revision, schema
from tradewind.store import sql_store as stores
from tradewind.wiring import homes, storage


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """What a person looks after a home with."""

    store: store_port.Store
    checks: upkeep_port.Checks
    shelf: upkeep_port.Shelf
    cleaning: cleaning.Cleaning


@contextlib.asynccontextmanager
async def open_upkeep(home: homes.Home, settings: settings_tree.Settings) -> AsyncIterator[Upkeep]:
    """Over the store of a home and its logs at rest."""
    clock, shelf = clocks.SystemClock(), log_shelf.FolderShelf(home.path)

    async def rest(seconds: float) -> None:
        # A leader in another process gets the database twice as long as we had it.
        await clock.sleep(2 * seconds if homes.find_server(home) is not None else 0)

    async with stores.open_store(storage.database_url(home, settings), busy=_busy(settings)) as store:
        cleaner = cleaning.Cleaning(history=store.history, shelf=shelf, clock=clock, rest=rest)
        yield Upkeep(store=store, checks=store.checks, shelf=shelf, cleaning=cleaner)


def find_schema(home: homes.Home, settings: settings_tree.Settings) -> str | None:
    """The revision of the database's schema; None where there is none yet."""
    return revision.find(storage.database_url(home, settings), _busy(settings))


def back_up(
    home: homes.Home,
    settings: settings_tree.Settings,
    target: Path,
    *,
    with_logs: bool,
    progress: Callable[[int], None],
) -> upkeep_port.Manifest:
    """Write a backup; a server may run. Raises `errors.Rejected`."""
    from tradewind.store import backup

    place = backup.Place(home=home.path, url=storage.database_url(home, settings), busy=_busy(settings))
    return backup.back_up(
        place, target, with_logs=with_logs, version=tradewind.__version__, now=homes.now(), progress=progress
    )


def restore(
    home: homes.Home, settings: settings_tree.Settings, source: Path, *, replace: bool, progress: Callable[[int], None]
) -> tuple[upkeep_port.Manifest, Path | None]:
    """Put a backup in place; what was there before lies in the folder that is told. Raises `errors.Rejected`."""
    from tradewind.store import backup

    place = backup.Place(home=home.path, url=storage.database_url(home, settings), busy=_busy(settings))
    restored = backup.restore(place, source, replace=replace, now=homes.now(), progress=progress)
    return restored.manifest, restored.aside


def _busy(settings: settings_tree.Settings) -> timedelta:
    return timedelta(seconds=settings.database.busy_seconds)


Doomed = cleaning.Doomed


CleaningTotal = cleaning.Total


SCHEMA = schema.HEAD
"""The revision that this program brings a database to."""
