"""How a cluster is reached, that of the settings or one that a task names: by the runtime, and by commands.

Light: a command that only looks imports neither the runtime nor the scheduler.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator

import msgspec

from tradewind import settings as settings_tree
from tradewind.ports import clock as clock_port
from tradewind.runtime.kubernetes import access, act, cluster_choice, connection_access, limiter, record
from tradewind.runtime.kubernetes import client as clients
from tradewind.wiring import homes

_OTHER_STREAMS = 64
"""Watches, and logs that are read to their end, beside those that are followed."""


@contextlib.asynccontextmanager
async def open_client(
    told: settings_tree.KubernetesRuntimeSettings,
    choice: cluster_choice.Choice = cluster_choice.HOME,
    *,
    find_connection: cluster_choice.FindConnection | None = None,
    clock: clock_port.Clock,
    options: clients.ClientOptions | None = None,
) -> AsyncIterator[clients.ClusterClient]:
    """Open it. Raises `errors.Rejected` where no cluster is known or its configuration cannot be used.

    The API server itself need not answer yet. `find_connection` is needed for a choice by a connection.
    """
    source = _source(told, choice, find_connection)
    if choice.is_home:
        await source.read()  # what is wrong in a kubeconfig is told now, not at the first launch
    async with clients.ClusterClient(
        source,
        clock=clock,
        options=options or clients.ClientOptions(streams=told.log_streams + _OTHER_STREAMS),
        limits=limiter.Limits(rate=told.requests_per_second, burst=max(1, int(told.requests_per_second))),
    ) as client:
        yield client


def recorded(home: homes.Home) -> list[cluster_choice.Choice]:
    """In which clusters attempts of this home have something."""
    kept = [one.cluster for one in record.Records(home.path).list()]
    return list(dict.fromkeys([*kept, *(one.cluster for one in act.ActRecords(home.path).list())]))


def _source(
    told: settings_tree.KubernetesRuntimeSettings,
    choice: cluster_choice.Choice,
    find_connection: cluster_choice.FindConnection | None,
) -> access.AccessSource:
    if choice.is_home:
        if told.in_cluster:
            return access.InCluster(environ=os.environ)
        return access.discover(told.config_file, told.context or None, os.environ)
    if choice.in_cluster:
        return access.InCluster(environ=os.environ)
    if choice.connection and find_connection is not None:
        named = msgspec.structs.replace(choice, connection="")
        return connection_access.ConnectionAccess(
            choice=choice,
            find_connection=find_connection,
            otherwise=_source(told, named, None),
            environ=os.environ,
        )
    return access.discover(choice.config_file, choice.context or None, os.environ)
