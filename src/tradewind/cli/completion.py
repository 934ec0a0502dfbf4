"""What a shell offers after a tab: names from the home that applies.

Invariant: a completion never fails and never waits: whatever cannot be read offers nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from tradewind.model.ids import DagId
from tradewind.ports import store as store_port

_MOST = 200


def dag_ids(incomplete: str) -> list[str]:
    """Ids of DAGs."""

    async def read(store: store_port.Store) -> list[str]:
        # The page begins just before what was typed, so a long list costs no more than what is offered.
        before = incomplete[:-1] + chr(ord(incomplete[-1]) - 1) + "\U0010ffff" if incomplete else None
        return [view.dag.dag_id for view in await store.views.list_dags(store_port.Page(limit=_MOST, after=before))]

    return _offered(read, incomplete)


def run_ids(dag_id: str, incomplete: str) -> list[str]:
    """Ids of a DAG's last runs, and `latest`."""

    async def read(store: store_port.Store) -> list[str]:
        runs = await store.views.list_runs(store_port.Page(limit=_MOST), DagId(dag_id))
        return ["latest", *(run.run_id for run in runs)]

    return _offered(read, incomplete)


def task_ids(dag_id: str, incomplete: str) -> list[str]:
    """Ids of a DAG's tasks."""

    async def read(store: store_port.Store) -> list[str]:
        view = await store.views.get_dag(DagId(dag_id))
        return [task.task_id for task in (await store.versions.get(view.dag.version)).spec.tasks]

    return _offered(read, incomplete)


def _offered(read: Callable[[store_port.Store], Awaitable[list[str]]], incomplete: str) -> list[str]:
    from tradewind.cli import client

    async def opened() -> list[str]:
        async with asyncio.timeout(2), client.opened(None, client.settings_of(None, None)) as (_, store):
            return await read(store)

    try:
        return [name for name in asyncio.run(opened()) if name.startswith(incomplete)]
    except Exception:  # noqa: BLE001 a shell that completes shows no errors
        return []
