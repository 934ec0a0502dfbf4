"""Commands that ask the leader for something: a row in the inbox, a wake-up, and the answer.

Where no server runs, the command leads for a moment itself, under the lease.
"""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tradewind import settings as settings_tree
from tradewind.model.commands import CommandResult
from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.wiring import homes, storage

_ANSWER_SECONDS = 30.0


def settings_of(home: Path | None, settings: Path | None) -> settings_tree.Settings:
    """The settings that apply to a command."""
    place = home or homes.default_home()
    return settings_tree.load(settings or settings_tree.find(place), home=place)


@asynccontextmanager
async def opened(
    home: Path | None, settings: settings_tree.Settings
) -> AsyncIterator[tuple[homes.Home, store_port.Store]]:
    """The home and its store. Raises `errors.NotFound` for a home that does not exist."""
    place = homes.Home(home or homes.default_home())
    if not place.path.is_dir():
        raise errors.NotFound(
            "does not exist", object=f"home {place.path}", code="home-missing", hint="`tradewind standalone` makes it"
        )
    async with storage.open_store(place, settings) as store:
        yield place, store


def is_served(home: Path | None) -> bool:
    """Whether a server runs on the home."""
    return homes.find_server(homes.Home(home or homes.default_home())) is not None


async def send(home: Path | None, settings: settings_tree.Settings, command: Any) -> CommandResult:
    """Ask, and wait for what becomes of it. Raises `errors.Rejected` with the leader's reason where it is refused."""
    return (await send_all(home, settings, [command]))[0]


async def send_all(home: Path | None, settings: settings_tree.Settings, commands: Sequence[Any]) -> list[CommandResult]:
    """Ask for several things at once; their results in the same order. Raises for the first that is refused."""
    async with opened(home, settings) as (place, store):
        ids = [await store.inbox.put(command, getpass.getuser(), homes.now()) for command in commands]
        if ids and homes.find_server(place) is None:
            await _lead_briefly(place, settings, store, ids[-1])
        homes.wake_server(place)
        results = [await _answer(store, inbox_id) for inbox_id in ids]
    for result in results:
        if not result.ok:
            raise errors.Rejected(result.message, hint=result.hint, code=result.code or "refused")
    return results


async def _answer(store: store_port.Store, inbox_id: int) -> CommandResult:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            pause = 0.002
            while (result := await store.inbox.find_result(inbox_id)) is None:
                await asyncio.sleep(pause)
                pause = min(0.1, pause * 1.5)
            return result
    except TimeoutError:
        raise errors.Transient(
            f"no answer for {_ANSWER_SECONDS:g} s; it is kept and will be done",
            object=f"command {inbox_id}",
            code="server-silent",
            hint="look at the server's health address",
        ) from None


async def _lead_briefly(
    place: homes.Home, settings: settings_tree.Settings, store: store_port.Store, inbox_id: int
) -> None:
    """No server runs: take the lease, decide the inbox, launch nothing, give the lease back."""
    from tradewind.wiring import control_plane  # much to load, and most commands only read

    async with control_plane.assemble(place, settings, ephemeral=True) as assembly:
        assembly.scheduler.hold()
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(assembly.scheduler.run())
            while await store.inbox.find_result(inbox_id) is None and not serving.done():
                await asyncio.sleep(0.01)
            assembly.scheduler.stop()
