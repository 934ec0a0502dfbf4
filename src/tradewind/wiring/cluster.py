"""The runtime whose pods are in a cluster, assembled out of the settings; all else stays with the local one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

from tradewind import settings as settings_tree
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import access, beside, limiter
from tradewind.runtime.kubernetes import client as clients
from tradewind.runtime.kubernetes import options as cluster_options
from tradewind.runtime.kubernetes import runtime as cluster_runtime
from tradewind.runtime.local import runtime as local_runtime
from tradewind.wiring import homes

_OTHER_STREAMS = 64
"""Watches, and logs that are read to their end, beside those that are followed."""


@contextlib.asynccontextmanager
async def open_runtime(
    home: homes.Home,
    settings: settings_tree.Settings,
    local: local_runtime.LocalRuntime,
    *,
    ephemeral: bool,
    clock: clock_port.Clock,
    random: clock_port.Random,
) -> AsyncIterator[beside.BesideRuntime]:
    """Open it. Raises `errors.Rejected` where no cluster is known or its configuration cannot be used.

    The API server itself need not answer yet.
    """
    told = settings.runtime.kubernetes
    source = access.InCluster(environ=os.environ) if told.in_cluster else _named(told)
    await source.read()  # what is wrong in a kubeconfig is told now, not at the first launch
    client = clients.ClusterClient(
        source,
        clock=clock,
        options=clients.ClientOptions(streams=told.log_streams + _OTHER_STREAMS),
        limits=limiter.Limits(rate=told.requests_per_second, burst=max(1, int(told.requests_per_second))),
    )
    async with (
        client,
        cluster_runtime.KubernetesRuntime(
            home=home.path,
            client=client,
            render=local.render,
            options=cluster_options.Options(
                context=told.context,
                config_file=told.config_file,
                namespace=told.namespace,
                log_streams=told.log_streams,
                log_file_bytes=told.log_file_mb << 20,
                log_quota_bytes=settings.logs.quota_mb << 20,
                ephemeral=ephemeral,
            ),
            clock=clock,
            random=random,
        ) as pods,
    ):
        yield beside.BesideRuntime(local=local, cluster=pods)


def _named(told: settings_tree.KubernetesRuntimeSettings) -> access.AccessSource:
    return access.discover(told.config_file, told.context or None, os.environ)
