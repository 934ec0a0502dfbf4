"""The table of Airflow's names: module → name → where it is in the SDK.

An entry is "module:name" below `tradewind.sdk` ("" for the SDK itself), or one of these: "operator|reason" for an
operator that keeps its place and cannot run yet; "later|reason" for another thing that loads and says so when it is
used; "refused|way out" for one that says so and will not come; "moved|dotted path" for what lies in a provider;
"value|text". Names and paths are Airflow's, of 1.10, 2.x and 3.x, in a module for each part of them; what several parts
have is in `shared_names`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from tradewind.compat import former, kubernetes_table, old_table, providers_table, sdk_table
from tradewind.compat.entries import Table

TABLE: Table = {
    **sdk_table.TABLE,
    **old_table.TABLE,
    **providers_table.TABLE,
    **kubernetes_table.TABLE,
    **former.TABLE,
}


@functools.cache
def packages() -> frozenset[str]:
    """Every module of the table and those above."""
    found: set[str] = set()
    for name in TABLE:
        parts = name.split(".")
        found |= {".".join(parts[:end]) for end in range(1, len(parts) + 1)}
    return frozenset(found)


def has_module(name: str) -> bool:
    """Whether the table has the module, or one below it."""
    return name in packages()


def find(module: str, name: str) -> str | None:
    """The entry of a name, None where there is none."""
    return TABLE.get(module, {}).get(name)


def names_of(module: str) -> list[str]:
    """The names of a module."""
    known: Mapping[str, str] = TABLE.get(module, {})
    return sorted(known)
