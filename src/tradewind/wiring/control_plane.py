"""The assembly of one control plane: every adapter opened in order, handed to the services by constructor."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tradewind import clock as clocks
from tradewind import settings as settings_tree
from tradewind.bundles import bundle as bundles
from tradewind.bundles import meanings
from tradewind.bundles import snapshots as snapshot_folder
from tradewind.bundles import watcher as bundle_watcher
from tradewind.engine import engine as engines
from tradewind.logs import folder as log_folder
from tradewind.logs import shelf as log_shelf
from tradewind.model.dagspec import DagSpec, PodBody, TaskSpec
from tradewind.model.events import DagSeen
from tradewind.model.ids import AttemptId
from tradewind.model.rows import Attempt, DagRun, TaskInstance
from tradewind.monitoring import health
from tradewind.pods import redaction
from tradewind.pods.identity import Identity
from tradewind.ports import errors
from tradewind.ports import mail as mail_port
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.runtime.handover import runtime as handover
from tradewind.runtime.local import options as local_options
from tradewind.runtime.local import pod_request, supply
from tradewind.runtime.local import runtime as local_runtime
from tradewind.scheduler import holder as lease_holder
from tradewind.scheduler import janitor as janitors
from tradewind.scheduler import options as scheduler_options
from tradewind.scheduler import scheduler as schedulers
from tradewind.scheduler import wake
from tradewind.vault import vault as vaults
from tradewind.wiring import homes, post, secret_store, storage

if TYPE_CHECKING:
    from tradewind.runtime.calling import Bodies as Bodies  # noqa: PLC0414 - the command line has it from here


_NO_ATTEMPT = "0" * 32
"""Stands where a launch would put the id of its attempt."""


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run what a server does until it ends, on uvloop where it is installed."""
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


@dataclass(slots=True, kw_only=True)
class Assembly:
    """One running control plane."""

    home: homes.Home
    settings: settings_tree.Settings
    store: store_port.Store
    runtime: local_runtime.LocalRuntime
    scheduler: schedulers.Scheduler
    vault: vaults.StoreVault
    logs: log_folder.FolderLogs
    snapshots: snapshot_folder.FolderSnapshots
    clock: clocks.SystemClock
    mailer: mail_port.Mailer
    drafts: runtime_port.PodDrafts | None = None
    clusters: runtime_port.ClusterStates | None = None
    """Of the cluster that pods go to; None where they are processes."""

    def bundle(
        self,
        folder: Path,
        *,
        name: str = "dags",
        only: str | None = None,
        parallel: int = 2,
        on_parsed: Callable[[int], None] | None = None,
    ) -> bundles.Bundle:
        """A bundle of this home over a folder."""
        return bundles.Bundle(
            name=name,
            folder=folder,
            only=only,
            meanings=meanings.Meanings(
                rows=tuple((row.pattern, row.airflow) for row in self.settings.dags.airflow_of),
                otherwise=self.settings.dags.airflow or None,
            ),
            timeout_seconds=self.settings.dags.parse_timeout_seconds,
            ignore_syntax=self.settings.dags.ignore_syntax,
            snapshots=self.snapshots,
            files=self.runtime,
            versions=self.store.versions,
            vault=self.vault,
            clock=self.clock,
            parallel=parallel,
            on_parsed=on_parsed,
        )

    async def follow(self, bundle: bundles.Bundle, on_refresh: Callable[[bundles.Refresh], None]) -> None:
        """Look at a bundle homes.now and whenever its files change, for good; the scheduler learns what changed."""

        async def refreshed(refresh: bundles.Refresh) -> None:
            self.took(refresh)
            on_refresh(refresh)
            if refresh.changed:
                in_use = await self.store.versions.list_trees_in_use()
                await self.snapshots.drop_unused(in_use | {refresh.tree})

        await bundle_watcher.BundleWatcher(bundle, on_refresh=refreshed).run_forever()

    async def rendered(
        self,
        spec: DagSpec,
        task: TaskSpec,
        run: DagRun,
        instance: TaskInstance,
        tree: str,
        *,
        tried_out: bool = False,
    ) -> dict[str, Any]:
        """What the task would be sent with: a pod's manifest, or the rendered fields of another task.

        `tried_out`: what the API server makes of it. Sensitive values that its templates used are hidden. Raises
        `errors.TradewindError`.
        """
        files = await self.store.versions.list_files("render")
        source = runtime_port.Source(
            bundle="render",
            tree=tree,
            root=str(self.snapshots.path(tree)),
            file=spec.file,
            isolated=any(file.isolated for file in files if file.path == spec.file),
        )
        if isinstance(task.body, PodBody) and self.drafts is not None:
            launch = _launch(task, run, instance, source)
            draft = await self.drafts.draft(launch)
            pod = await self.drafts.try_out(draft) if tried_out else draft.manifest
            return {name: _hidden(value, draft.masked) for name, value in pod.items()}
        if tried_out:
            raise errors.Rejected(
                "is no pod of a cluster",
                object=f"task {task.task_id!r}",
                code="no-server-dry-run",
                hint="only pod operators, with --runtime kubernetes, can be asked about",
            )
        found = await self.runtime.render(runtime_port.RenderRequest(source=source, run=run, task=instance))
        if found.problem is not None:
            raise errors.Rejected(
                found.problem.message, object=found.problem.object, hint=found.problem.hint, code=found.problem.code
            )
        fields = found.fields
        if isinstance(task.body, PodBody):
            identity = Identity(
                attempt_id=_NO_ATTEMPT,
                dag_id=run.dag_id,
                task_id=task.task_id,
                run_id=run.run_id,
                try_number=instance.try_number,
                map_index=instance.map_index,
            )
            fields = pod_request.build_manifest(fields, identity)
        return {name: _hidden(value, found.masked) for name, value in fields.items()}

    def health(self, subject: health.Subject) -> health.HealthServer:
        """The health address."""
        return health.HealthServer(subject, port=self.settings.server.health_port)

    def took(self, refresh: bundles.Refresh) -> None:
        """A bundle was looked at: the scheduler learns which DAGs changed."""
        for row in refresh.changed:
            self.scheduler.submit(DagSeen(dag=row))
        for seconds in refresh.seconds:
            self.scheduler.meter.parses.add(seconds)


def _spare_the_collector() -> None:
    """Rows come and go by the thousand and are never in cycles: with Python's defaults an eighth of the CPU is spent on
    looking at them and at the modules again and again.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


@contextlib.asynccontextmanager
async def assemble(
    home: homes.Home,
    settings: settings_tree.Settings,
    *,
    ephemeral: bool = False,
    bodies: Bodies | None = None,
    in_cluster: bool = False,
) -> AsyncIterator[Assembly]:
    """Everything of one control plane, opened in order and closed in reverse. Nothing leads yet.

    `in_cluster`: pods go to the cluster of the settings; raises `errors.Rejected` where none is known.

    `ephemeral`: the podlet ends with us and takes everything down; what is due by timetable waits for a server.
    `bodies`: where another thread of this process takes Python attempts from to run them.
    """
    home.ensure()
    _spare_the_collector()
    clock, random = clocks.SystemClock(), clocks.SystemRandom()
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(storage.open_store(home, settings))
        vault = secret_store.open_vault(home, store, settings, os.environ)
        mailer = post.open_mailer(vault, settings)
        logs = storage.open_logs(home)
        snapshots = storage.open_snapshots(home, settings)
        waker = await stack.enter_async_context(wake.WakeSocket(home.socket("wake.sock")))
        supplied = await stack.enter_async_context(
            supply.Supply(
                path=home.socket("supervisor.sock"), store=store, vault=vault, clock=clock, wake_leader=waker.wake
            )
        )
        runtime = await stack.enter_async_context(
            local_runtime.LocalRuntime(
                home=home.path,
                supervisor_socket=home.socket("supervisor.sock"),
                options=_local_options(settings, ephemeral=ephemeral),
                clock=clock,
                random=random,
            )
        )
        attempts: runtime_port.AttemptRuntime = runtime
        drafts: runtime_port.PodDrafts | None = None
        states: runtime_port.ClusterStates | None = None
        if in_cluster:
            from tradewind.wiring import cluster  # it brings an HTTP client with it

            attempts = drafts = states = await stack.enter_async_context(
                cluster.open_runtime(home, settings, runtime, vault, ephemeral=ephemeral, clock=clock, random=random)
            )
        if bodies is not None:
            from tradewind.runtime import calling  # it brings the worker with it

            attempts = calling.CallingRuntime(inner=attempts, bodies=bodies, work_of=runtime.work_of, clock=clock)
        attempts = handovers = await stack.enter_async_context(
            handover.HandoverRuntime(
                inner=attempts, home=home.path, clock=clock, cluster=_cluster(settings) if in_cluster else None
            )
        )
        supplied.serve_pods(handovers)
        scheduler = schedulers.Scheduler(
            store=store,
            runtime=attempts,
            files=runtime,
            snapshots=snapshots,
            logs=logs,
            clock=clock,
            random=random,
            limits=engines.Limits(
                parallelism=settings.scheduler.parallelism,
                default_pool_slots=settings.scheduler.default_pool_slots,
                infrastructure_retries=settings.scheduler.infrastructure_retries,
                max_map_length=settings.scheduler.max_map_length,
                makes_scheduled_runs=not ephemeral,
                schedule_jitter_seconds=settings.scheduler.schedule_jitter_seconds,
            ),
            options=scheduler_options.Options(
                holder=lease_holder.own(),
                lease=timedelta(seconds=settings.scheduler.lease_seconds),
                poll=timedelta(seconds=settings.scheduler.poll_seconds),
                grace=timedelta(seconds=settings.runtime.local.grace_seconds),
                drain=timedelta(seconds=settings.scheduler.drain_seconds),
                mail_give_up=timedelta(hours=settings.mail.give_up_hours),
            ),
            janitor=janitors.Janitor(
                store=store,
                shelf=log_shelf.FolderShelf(home.path),
                clock=clock,
                options=_retention(settings.retention),
            ),
            mailer=mailer,
        )
        waker.listen(scheduler.wake)
        yield Assembly(
            home=home,
            settings=settings,
            store=store,
            runtime=runtime,
            scheduler=scheduler,
            vault=vault,
            logs=logs,
            snapshots=snapshots,
            clock=clock,
            drafts=drafts,
            clusters=states,
            mailer=mailer,
        )


def _launch(task: TaskSpec, run: DagRun, instance: TaskInstance, source: runtime_port.Source) -> runtime_port.Launch:
    """As the scheduler would hand it over, of an attempt that nobody makes."""
    return runtime_port.Launch(
        attempt=Attempt(
            attempt_id=AttemptId(_NO_ATTEMPT),
            run_key=run.run_key,
            task_id=instance.task_id,
            map_index=instance.map_index,
            try_number=instance.try_number,
            created_at=run.run_after,
        ),
        task=instance,
        run=run,
        body=task.body,
        source=source,
        templated=task.templated,
    )


def _cluster(settings: settings_tree.Settings) -> dict[str, Any]:
    """How the code of pod operators reaches the cluster itself."""
    told = settings.runtime.kubernetes
    return {"in_cluster": told.in_cluster, "config_file": told.config_file, "context": told.context}


def _hidden(value: Any, secrets: tuple[str, ...]) -> Any:
    """The value without the secrets."""
    if isinstance(value, dict):
        return {name: _hidden(item, secrets) for name, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item, secrets) for item in value]
    if isinstance(value, str):
        for secret in secrets:
            value = value.replace(secret, redaction.MASK) if secret else value
    return value


def _local_options(settings: settings_tree.Settings, *, ephemeral: bool) -> local_options.Options:
    local = settings.runtime.local
    return local_options.Options(
        images=tuple(
            local_options.Image(
                pattern=image.pattern, venv=image.venv, root=image.root, path=image.path, entrypoint=image.entrypoint
            )
            for image in local.images
        ),
        secrets=local.secrets.directory,
        configmaps=local.configmaps.directory,
        zygote_memory_bytes=local.zygote_memory_mb << 20,
        zygote_count=local.zygote_count,
        max_xcom_bytes=int(settings.xcom.max_mb * (1 << 20)),
        log_quota_bytes=settings.logs.quota_mb << 20,
        airflow=(*settings_tree.airflow_options(settings), *_completing(settings)),
        ephemeral=ephemeral,
    )


def _completing(settings: settings_tree.Settings) -> tuple[tuple[str, str], ...]:
    """Tells DAG files that what a pod lacks may come from the site."""
    told = settings.runtime.kubernetes
    return (("tradewind.completes_pods", "true"),) if told.pod_template_file or told.local_settings else ()


def _retention(settings: settings_tree.RetentionSettings) -> janitors.Options:
    return janitors.Options(
        history=timedelta(days=settings.history_days),
        keep_runs=settings.keep_runs,
        logs=timedelta(days=settings.logs_days),
        logs_bytes=int(settings.disk_budget_gb * (1 << 30)),
        min_free_bytes=settings.min_free_mb << 20,
    )


Bundle = bundles.Bundle


Refresh = bundles.Refresh


finished_runs = schedulers.finished_runs
