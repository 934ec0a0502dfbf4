"""Running DAGs for who writes them: `dag.test()`, `tradewind test`, and the fixtures of pytest.

Invariant: importing it costs nothing; a control plane is assembled only when a DAG is loaded or run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from tradewind.sdk.definition import DAG
    from tradewind.worker.dagrun import RuntimeDagRun


def test(dag: DAG, *, logical_date: datetime | None, conf: dict[str, Any] | None) -> RuntimeDagRun:
    """What `dag.test()` finds by its entry point: see `tradewind.trial.run`."""
    from tradewind.trial import run

    return run.test(dag, logical_date=logical_date, conf=conf)
