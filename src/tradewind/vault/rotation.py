"""A new key for everything that is encrypted.

Steps: `KEY.new` is made, the old key gets a second name `KEY.old`, `KEY.new` becomes `KEY`; every row is sealed anew in
slices; `KEY.old` goes. Invariant: whoever is killed between any two of these steps leaves a vault in which every row
can be read, and the next rotation goes on where that one stopped.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.vault import keys

SLICE = 200
"""Rows of one transaction: a server that writes meanwhile waits for some milliseconds."""
_KINDS = ("variable", "connection")


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation did."""

    resealed: int
    key_id: str
    continued: bool
    """An earlier rotation had been stopped; this one ended it."""


async def rotate(rows: store_port.VaultRows, key: keys.KeyFile) -> Rotated:
    """Make a new key, seal all rows with it, forget the old one. Works while servers run.

    Raises `errors.Rejected` before anything is changed where a row cannot be read (lost or wrong key).
    """
    everything = await _list(rows)
    if everything and not key.both():
        raise key.lost()
    unreadable = _unreadable(everything, key)
    if unreadable:
        raise errors.Rejected(
            f"{len(unreadable)} of {len(everything)} rows were encrypted with a key that is not here: "
            + ", ".join(f"{row.kind} {row.key!r} (key {row.key_id})" for row in unreadable[:10]),
            object=f"encryption key {key.path}",
            code="wrong-key",
            hint="nothing was changed; put that key back, or delete these rows",
        )
    continued = await _install(key)
    resealed = await _reseal(rows, key)
    while not await _retire(rows, key):
        # Somebody sealed with the old key just before it was replaced.
        resealed += await _reseal(rows, key)
    return Rotated(resealed=resealed, key_id=key.key_id, continued=continued)


async def _install(key: keys.KeyFile) -> bool:
    async with key.changing():
        if len({one.fingerprint for one in key.both()}) == 2:
            return True
        key.new_path.unlink(missing_ok=True)  # of a rotation that was stopped before it was in use
        key.make(key.new_path)
        if key.path.exists() and not key.old_path.exists():
            os.link(key.path, key.old_path)
            key.sync()
        os.replace(key.new_path, key.path)
        key.sync()
        return False


async def _reseal(rows: store_port.VaultRows, key: keys.KeyFile) -> int:
    waiting = [row for row in await _list(rows) if row.key_id != key.key_id]
    done = 0
    for start in range(0, len(waiting), SLICE):
        done += await rows.reseal([(row, _anew(row, key)) for row in waiting[start : start + SLICE]])
    return done


async def _retire(rows: store_port.VaultRows, key: keys.KeyFile) -> bool:
    async with key.changing():
        if any(row.key_id != key.key_id for row in await _list(rows)):
            return False
        key.old_path.unlink(missing_ok=True)
        key.sync()
        return True


def _anew(row: store_port.VaultRow, key: keys.KeyFile) -> store_port.VaultRow:
    sealed, key_id = key.seal(key.unseal(row.sealed, row.key_id, f"{row.kind} {row.key!r}"))
    return store_port.VaultRow(kind=row.kind, key=row.key, sealed=sealed, key_id=key_id, description=row.description)


def _unreadable(rows: Sequence[store_port.VaultRow], key: keys.KeyFile) -> list[store_port.VaultRow]:
    found: list[store_port.VaultRow] = []
    for row in rows:
        try:
            key.unseal(row.sealed, row.key_id, row.key)
        except errors.Rejected as error:
            if error.code != "wrong-key":
                raise
            found.append(row)
    return found


async def _list(rows: store_port.VaultRows) -> list[store_port.VaultRow]:
    return [row for kind in _KINDS for row in await rows.list(kind)]
