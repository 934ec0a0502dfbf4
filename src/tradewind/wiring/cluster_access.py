"""How the cluster of the settings is reached: by the runtime, and by commands that look into it.

Light: a command that only looks imports neither the runtime nor the scheduler.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

from tradewind import settings as settings_tree
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import access, limiter
from tradewind.runtime.kubernetes import client as clients

_OTHER_STREAMS = 64
"""Watches, and logs that are read to their end, beside those that are followed."""


@contextlib.asynccontextmanager
async def open_client(
    told: settings_tree.KubernetesRuntimeSettings,
    *,
    clock: clock_port.Clock,
    options: clients.ClientOptions | None = None,
) -> AsyncIterator[clients.ClusterClient]:
    """Open it. Raises `errors.Rejected` where no cluster is known or its configuration cannot be used.

    The API server itself need not answer yet.
    """
    source = access.InCluster(environ=os.environ) if told.in_cluster else _named(told)
    await source.read()  # what is wrong in a kubeconfig is told now, not at the first launch
    async with clients.ClusterClient(
        source,
        clock=clock,
        options=options or clients.ClientOptions(streams=told.log_streams + _OTHER_STREAMS),
        limits=limiter.Limits(rate=told.requests_per_second, burst=max(1, int(told.requests_per_second))),
    ) as client:
        yield client


def _named(told: settings_tree.KubernetesRuntimeSettings) -> access.AccessSource:
    return access.discover(told.config_file, told.context or None, os.environ)
