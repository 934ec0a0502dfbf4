"""Which names Variables and Connections may have: Airflow's rule for connections, a looser one for Variables."""

from __future__ import annotations

import re

from tradewind.ports import errors

LONGEST = 250
_CONNECTION = re.compile(r"[\w#!()\-.:/\\]+")


def check(kind: str, name: str) -> None:
    """`kind` is "variable" or "connection". Raises `errors.Rejected`."""
    reason = ""
    if not name or name != name.strip() or not name.isprintable():
        reason = "is not a name: it is empty, begins or ends with a space, or has a character that cannot be seen"
    elif len(name) > LONGEST:
        reason = f"has a name of {len(name)} characters"
    elif kind == "connection" and not _CONNECTION.fullmatch(name):
        reason = "has a name with other characters than letters, digits and _ # ! ( ) - . : / \\"
    if reason:
        raise errors.Rejected(
            reason, object=f"{kind} {name[:LONGEST]!r}", code="bad-name", hint=f"at most {LONGEST} plain characters"
        )
