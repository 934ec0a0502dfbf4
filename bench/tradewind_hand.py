"""Triggers and reads in a home of ours; kept warm and outside of what is measured, like the one for Airflow.

One JSON object per line on stdin, one answer per line: {"trigger": [[dag_id, run_id], …]} → {"ok": true};
{"state": [dag_id, run_id]} → {"state": …, and tasks by state}; {"listed": true} → {"dag_ids": […]}.

usage: python -m bench.tradewind_hand HOME SETTINGS
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tradewind import clock, settings
from tradewind.cli import client
from tradewind.model.commands import TriggerRun
from tradewind.model.ids import DagId
from tradewind.ports import errors
from tradewind.ports import store as store_port
from tradewind.wiring import homes


async def serve(home: Path, chosen: settings.Settings) -> None:
    """Answer until stdin closes."""
    loop = asyncio.get_running_loop()
    async with client.opened(home, chosen) as (place, store):
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(await answer(place, store, json.loads(line))), flush=True)


async def answer(place: homes.Home, store: store_port.Store, request: dict[str, Any]) -> dict[str, Any]:
    """Do one request."""
    match request:
        case {"trigger": runs}:
            for dag_id, run_id in runs:
                command = TriggerRun(dag_id=dag_id, run_id=run_id)
                await store.inbox.put(command, "bench", clock.SystemClock().now())
            homes.wake_server(place)
            return {"ok": True}
        case {"state": [dag_id, run_id]}:
            try:
                run = await store.views.get_run(DagId(dag_id), run_id)
            except errors.NotFound:
                return {"state": ""}
            counts = await store.views.counts([run.run_key])
            return {"state": run.state.value, **{str(state): n for state, n in counts[run.run_key].items() if n}}
        case _:
            views = await store.views.list_dags(store_port.Page(limit=10_000))
            return {"dag_ids": [view.dag.dag_id for view in views if not view.dag.removed]}


if __name__ == "__main__":
    file = sys.argv[2]
    asyncio.run(serve(Path(sys.argv[1]), settings.load(Path(file) if file else None)))
