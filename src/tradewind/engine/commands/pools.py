"""Pools: created, changed, deleted."""

from __future__ import annotations

from tradewind.engine.commands.refusals import refuse
from tradewind.engine.core import Core
from tradewind.model import commands as cmd
from tradewind.model.commands import CommandResult
from tradewind.model.rows import Pool

DEFAULT = "default_pool"


def set_pool(core: Core, command: cmd.SetPool) -> CommandResult:
    """Create or change one. What runs goes on, even where the pool is now too small for it."""
    if not command.name:
        return refuse("bad-pool", "a pool needs a name", "give one, such as 'database'")
    if command.slots < -1:
        return refuse("bad-pool", f"{command.slots} slots make no sense", "give 0 or more, or -1 for no limit")
    pool = Pool(
        name=command.name,
        slots=command.slots,
        description=command.description,
        include_deferred=command.include_deferred,
    )
    core.put_pool(pool)
    return CommandResult(ok=True)


def delete_pool(core: Core, command: cmd.DeletePool) -> CommandResult:
    """Delete one; tasks that name it wait until it is there again."""
    if command.name == DEFAULT:
        return refuse("pool-in-use", "the default pool cannot be deleted", "change its slots instead")
    pool = core.pools.get(command.name)
    if pool is None:
        return refuse("not-found", f"there is no pool {command.name!r}", "`tradewind pools list` shows them")
    core.put_pool(pool, deleted=True)
    return CommandResult(ok=True)
