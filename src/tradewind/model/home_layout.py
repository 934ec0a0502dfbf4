"""What lies in a home, for who makes one and for who must not take it for DAG files: they may share a folder.

A bundle that held a home would hold all snapshots before it in each new one, and the key that lies beside the home.
"""

from __future__ import annotations

MARK = ".tradewind-home"
"""A file that every home has, and nothing else."""
_FOLDERS = frozenset({"attempts", "logs", "snapshots", "spare", "replies"})
_FILES = (MARK, "tradewind.db", "podlet.", "standalone.", "kubernetes-id", "kubernetes-outages")


def is_part(name: str) -> bool:
    """Whether what has this name at the top of a home is the home's own."""
    return name in _FOLDERS or name.startswith(_FILES)


def is_key(name: str, home: str) -> bool:
    """Whether it is the key of the home of that name, which lies beside it, or one that a rotation left there."""
    return name == f"{home}.key" or name.startswith(f"{home}.key.")
