"""The runtime whose pods are in clusters, assembled out of the settings; all else stays with the local one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator

from tradewind import settings as settings_tree
from tradewind.logs import demand
from tradewind.pods import result_helper
from tradewind.ports import clock as clock_port
from tradewind.ports import vault as vault_port
from tradewind.runtime.kubernetes import access, acting, beside, cluster_choice, clusters
from tradewind.runtime.kubernetes import options as cluster_options
from tradewind.runtime.kubernetes import runtime as cluster_runtime
from tradewind.runtime.local import runtime as local_runtime
from tradewind.wiring import cluster_access, homes, site


@contextlib.asynccontextmanager
async def open_runtime(
    home: homes.Home,
    settings: settings_tree.Settings,
    local: local_runtime.LocalRuntime,
    vault: vault_port.Vault,
    *,
    ephemeral: bool,
    clock: clock_port.Clock,
    random: clock_port.Random,
) -> AsyncIterator[beside.BesideRuntime]:
    """Open it. Raises `errors.Rejected` where no cluster is known or its configuration cannot be used.

    No API server need answer yet. What other clusters than the settings' are needed is opened by and by.
    """
    told = settings.runtime.kubernetes

    @contextlib.asynccontextmanager
    async def open_member(choice: cluster_choice.Choice) -> AsyncIterator[clusters.Member]:
        options = _options(settings, choice, ephemeral=ephemeral)
        async with (
            cluster_access.open_client(told, choice, find_connection=vault.find_connection, clock=clock) as client,
            cluster_runtime.KubernetesRuntime(
                home=home.path,
                client=client,
                render=router.render,
                find_connection=vault.find_connection,
                options=options,
                clock=clock,
                random=random,
                demand=demand.FolderDemand(home.path),
            ) as pods,
            acting.ActRuntime(
                home=home.path,
                client=client,
                render=router.render,
                place=pods.site.place,
                handover=pods.site.handover,
                streams=pods.streams,
                options=options,
                clock=clock,
                random=random,
            ) as acts,
        ):
            yield clusters.Member(pods=pods, acts=acts)

    own = cluster_choice.Choice(context=told.context, config_file=told.config_file, in_cluster=told.in_cluster)
    router = clusters.Clusters(
        open_member=open_member,
        choose=cluster_choice.Chooser(own, vault.find_connection, is_pod=access.is_pod(os.environ)).choose,
        recorded=await asyncio.to_thread(cluster_access.recorded, home),
        render=local.render,
        clock=clock,
    )
    async with router:
        yield beside.BesideRuntime(local=local, clusters=router)


def _options(
    settings: settings_tree.Settings, choice: cluster_choice.Choice, *, ephemeral: bool
) -> cluster_options.Options:
    told = settings.runtime.kubernetes
    return cluster_options.Options(
        cluster=choice,
        namespace=told.namespace if choice.is_home else "",
        result_way=told.result.way,
        helper=_helper(told.result),
        template=site.pod_template(told),
        policy=site.pod_policy(told),
        local_settings=told.local_settings,
        of_local_settings=site.state_of(told),
        log_streams=told.log_streams,
        log_file_bytes=told.log_file_mb << 20,
        log_quota_bytes=settings.logs.quota_mb << 20,
        ephemeral=ephemeral,
    )


def _helper(told: settings_tree.ResultSettings) -> result_helper.Helper:
    return result_helper.Helper(
        image=told.image,
        resources=json.loads(told.resources) if told.resources else None,
        security_context=json.loads(told.security_context) if told.security_context else None,
    )
