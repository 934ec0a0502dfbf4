"""How `dag.test()` comes to a control plane: by the entry point `test` of the group `tradewind.trial`.

The worker side knows no control plane and runs where none is installed; whoever assembles one registers what runs a
DAG of this process to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from tradewind.sdk import errors, registry

GROUP = "tradewind.trial"


def find(dag: Any) -> Callable[..., Any]:
    """What runs a DAG. Raises `NotHereYet` where there is nothing, and while the DAG's file is being loaded."""
    if registry.is_loading():
        raise errors.NotHereYet(
            f"DAG.test() of {dag.dag_id!r} while its file is loaded",
            "put the call below `if __name__ == '__main__':`",
        )
    found = next(iter(entry_points(group=GROUP, name="test")), None)
    if found is None:
        raise errors.NotHereYet("DAG.test()", f"run `tradewind run {dag.fileloc} --dag-id {dag.dag_id}`")
    run: Callable[..., Any] = found.load()
    return run
