"""One full list of a namespace's pods by our own client and reflector: how long, and how long the loop stood still.

Prints {"pods", "seconds", "longest_stall_ms"}. A task that wants to run every millisecond measures the stall.

usage: python -m bench.pod_relist KUBECONFIG NAMESPACE
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from tradewind import clock
from tradewind.runtime.kubernetes import access
from tradewind.runtime.kubernetes.client import ClusterClient
from tradewind.runtime.kubernetes.reflector import Reflector, Synced
from tradewind.runtime.kubernetes.scope import Scope


async def main(kubeconfig: str, namespace: str) -> None:
    """List once."""
    time_is, random = clock.SystemClock(), clock.SystemRandom()
    async with ClusterClient(access.discover(kubeconfig, None, {}), clock=time_is) as client:
        await client.request("GET", "/version")  # connected, and all loaded
        stalls: list[float] = []
        beat = asyncio.ensure_future(_beat(stalls))
        await asyncio.sleep(0.05)
        stalls.clear()
        reflector = Reflector(client, Scope(namespace=namespace), clock=time_is, random=random)
        began = time.monotonic()
        changes = reflector.changes()
        async for change in changes:
            if isinstance(change, Synced):
                break
        seconds = time.monotonic() - began
        await changes.aclose()
        beat.cancel()
        told = {"pods": len(reflector.pods), "seconds": seconds, "longest_stall_ms": 1000 * max(stalls, default=0.0)}
        print(json.dumps(told))


async def _beat(stalls: list[float]) -> None:
    while True:
        began = time.monotonic()
        await asyncio.sleep(0.001)
        stalls.append(time.monotonic() - began - 0.001)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
