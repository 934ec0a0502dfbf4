"""The floor: a client that creates pods, sees them end by one watch, reads their logs and deletes them; no more.

It knows no retries, no restarts, no order but a chain's, and keeps nothing. What a whole system needs longer than this
is what the system costs.

One JSON request a line on stdin: {"pods": N, "at_once": N, "chain": bool, "logs": bool, "pod": manifest}; one answer a
line: {"seconds": from the first create to the last delete's answer}, or {"error": what went wrong}.

usage: python -m bench.bare_client KUBECONFIG NAMESPACE
"""

from __future__ import annotations

import asyncio
import copy
import json
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from tests.support import cluster_api

_ENDED = ("Succeeded", "Failed")


class Bare:
    """One namespace's pods."""

    def __init__(self, session: aiohttp.ClientSession, pods: str) -> None:
        self._session = session
        self._pods = pods
        self._waiting: dict[str, asyncio.Future[str]] = {}
        self._number = 0

    async def run(self, request: dict[str, Any]) -> float:
        """So many pods; the seconds they took."""
        began = time.monotonic()
        at_once = asyncio.Semaphore(1 if request["chain"] else request["at_once"])

        async def one() -> None:
            async with at_once:
                await self._one(request["pod"], logs=request["logs"])

        async with asyncio.TaskGroup() as watching:
            watch = watching.create_task(self._watch())
            async with asyncio.TaskGroup() as pods:
                for _ in range(request["pods"]):
                    pods.create_task(one())
            seconds = time.monotonic() - began
            watch.cancel()
        return seconds

    async def _one(self, manifest: dict[str, Any], *, logs: bool) -> None:
        self._number += 1
        pod = copy.deepcopy(manifest)
        name = pod["metadata"]["name"] = f"bare-{time.monotonic_ns():x}-{self._number}"
        ended = self._waiting[name] = asyncio.get_running_loop().create_future()
        async with self._session.post(self._pods, json=pod) as answer:
            answer.raise_for_status()
            await answer.read()
        if await ended != "Succeeded":
            raise RuntimeError(f"pod {name} failed")
        if logs:
            async with self._session.get(f"{self._pods}/{name}/log", params={"timestamps": "true"}) as answer:
                answer.raise_for_status()
                await answer.read()
        async with self._session.delete(f"{self._pods}/{name}") as answer:
            answer.raise_for_status()
            await answer.read()

    async def _watch(self) -> None:
        """One list and one watch; both again when the server ends the watch."""
        while True:
            async with self._session.get(self._pods) as answer:
                listed = await answer.json()
            for pod in listed["items"]:
                self._see(pod)
            query = {"watch": "true", "resourceVersion": listed["metadata"]["resourceVersion"]}
            async with self._session.get(self._pods, params=query, timeout=aiohttp.ClientTimeout()) as answer:
                async for line in answer.content:
                    self._see(json.loads(line)["object"])
            print("the server ended the watch", file=sys.stderr)

    def _see(self, pod: dict[str, Any]) -> None:
        phase = pod["status"]["phase"]
        if phase in _ENDED and (waits := self._waiting.pop(pod["metadata"]["name"], None)) is not None:
            waits.set_result(phase)


async def main(kubeconfig: Path, namespace: str) -> None:
    """Answer until stdin closes."""
    api = cluster_api.Api.read(kubeconfig)
    headers = {"Authorization": f"Bearer {api.token}"} if api.token else {}
    connector = aiohttp.TCPConnector(ssl=api.tls, limit=0)
    loop = asyncio.get_running_loop()
    async with aiohttp.ClientSession(
        api.address, connector=connector, headers=headers, read_bufsize=1 << 20
    ) as session:
        bare = Bare(session, f"/api/v1/namespaces/{namespace}/pods")
        print("ready", flush=True)
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            try:
                answer: dict[str, Any] = {"seconds": await bare.run(json.loads(line))}
            except ExceptionGroup as error:
                answer = {"error": repr(error.exceptions)}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
