"""Names that do not exist, and the nearest that does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tradewind.ports import errors

_SHORTEST = 4
"""Letters of a name from which a likeness in another section is worth telling."""


def nearest(given: str, known: Iterable[str]) -> str:
    """The most alike name; empty where none is alike."""
    return next(iter(difflib.get_close_matches(given, list(known), n=1)), "")


def nearest_key(given: str, known: Iterable[str]) -> str:
    """The dotted key that is meant: alike as a whole, or of the same name in another section; empty where none is."""
    keys = list(known)
    end = given.rpartition(".")[2]
    by_end = {key.rpartition(".")[2]: key for key in reversed(keys)}
    elsewhere = nearest(end, by_end) if len(end) >= _SHORTEST else ""
    if elsewhere == end:
        return by_end[end]
    return nearest(given, keys) or (by_end[elsewhere] if elsewhere else "")


def unknown(
    given: str, siblings: Iterable[str], *, prefix: str, place: str, keys: Iterable[str] = ()
) -> errors.Rejected:
    """The error about a name that is not among its siblings: near one of them, or to one of `keys` anywhere."""
    known = sorted(siblings)
    near = nearest(given, known)
    meant = f"{prefix}{near}" if near else nearest_key(prefix + given, keys)
    hint = f"did you mean {meant}?" if meant else f"known here: {', '.join(known)}"
    return errors.Rejected(f"unknown key {prefix}{given}", object=place, hint=hint, code="settings-unknown-key")
