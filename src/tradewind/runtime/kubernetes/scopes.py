"""The namespaces of one cluster in which attempts have pods: a reflector for each, from when it is first needed.

Invariant: a namespace that was asked for is looked at until the end, and each of its changes reaches `take`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tradewind.runtime.kubernetes import reflectors
from tradewind.runtime.kubernetes.reflector import Reflector


class Scopes:
    """Grows while it runs. `failed` is told what ended a reflector, which nothing may."""

    def __init__(
        self,
        make: Callable[[str], Reflector],
        take: reflectors.Take,
        failed: Callable[[BaseException], None],
    ) -> None:
        self._make = make
        self._take = take
        self._failed = failed
        self._reflectors: dict[str, Reflector] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def ensure(self, namespace: str) -> None:
        """Look at this one too."""
        if namespace in self._reflectors:
            return
        reflector = self._reflectors[namespace] = self._make(namespace)
        self._tasks.append(
            asyncio.get_running_loop().create_task(self._run(reflector), name=f"reflector of {namespace}")
        )

    def has(self, namespace: str, name: str, uid: str) -> bool:
        """Whether this pod is known there now."""
        reflector = self._reflectors.get(namespace)
        return reflector is not None and reflector.knows(namespace, name, uid)

    async def aclose(self) -> None:
        """Look no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, reflector: Reflector) -> None:
        try:
            await reflectors.reflect([reflector], self._take)
        except BaseExceptionGroup as error:
            self._failed(error.exceptions[0])
