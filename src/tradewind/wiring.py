"""The assembly: the only module that names concrete adapters. Everything else gets ports by constructor."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import glob
import json
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tradewind
from tradewind import clock as clocks
from tradewind import settings as settings_tree
from tradewind.bundles import bundle as bundles
from tradewind.bundles import snapshots as snapshot_folder
from tradewind.bundles import watcher as bundle_watcher
from tradewind.engine import engine as engines
from tradewind.logs import folder as log_folder
from tradewind.logs import shelf as log_shelf
from tradewind.model.dagspec import DagSpec, PodBody, TaskSpec
from tradewind.model.events import DagSeen
from tradewind.model.rows import DagRun, TaskInstance
from tradewind.monitoring import health
from tradewind.pods import redaction
from tradewind.pods.identity import Identity
from tradewind.ports import errors
from tradewind.ports import runtime as runtime_port
from tradewind.ports import store as store_port
from tradewind.ports import upkeep as upkeep_port
from tradewind.ports import vault as vault_port
from tradewind.protocol import sockets
from tradewind.runtime.local import options as local_options
from tradewind.runtime.local import pod_request, supply
from tradewind.runtime.local import runtime as local_runtime
from tradewind.scheduler import cleaning, wake
from tradewind.scheduler import holder as lease_holder
from tradewind.scheduler import janitor as janitors
from tradewind.scheduler import options as scheduler_options
from tradewind.scheduler import scheduler as schedulers
from tradewind.store import revision, schema
from tradewind.store import sql_store as stores
from tradewind.vault import backends, keys
from tradewind.vault import connections as vault_connections
from tradewind.vault import files as vault_files
from tradewind.vault import vault as vaults
from tradewind.worker import secrets

if TYPE_CHECKING:
    from tradewind.runtime.calling import Bodies as Bodies  # noqa: PLC0414 - the command line has it from here

_NO_ATTEMPT = "0" * 32
"""Stands where a launch would put the id of its attempt."""


@dataclass(frozen=True, slots=True)
class Home:
    """Where everything of one installation lies (see ARCHITECTURE, "What a home holds")."""

    path: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "tradewind.db"

    @property
    def key(self) -> Path:
        """The vault's key: beside the home, never in it."""
        return self.path.with_name(self.path.name + ".key")

    @property
    def server_file(self) -> Path:
        """Pid and addresses of the running server."""
        return self.path / "standalone.json"

    def socket(self, name: str) -> Path:
        """Path of a socket; elsewhere than here where this path is too long for one."""
        return Path(sockets.path_in(str(self.path), name))

    def remove(self) -> None:
        """Take everything away."""
        sockets.forget(str(self.path))
        shutil.rmtree(self.path, ignore_errors=True)
        secrets.sweep(str(self.path / "attempts"), older_seconds=0)
        for key in self.path.parent.glob(f"{glob.escape(self.key.name)}*"):
            key.unlink(missing_ok=True)

    def ensure(self) -> Home:
        """Make the folders. Raises `errors.Rejected` where it cannot be written."""
        try:
            for name in ("attempts", "logs", "snapshots"):
                (self.path / name).mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                pass
        except OSError as error:
            raise errors.Rejected(
                f"cannot be written: {error.strerror}",
                object=f"home {self.path}",
                code="home-not-writable",
                hint="name another one with --home, or free some space",
            ) from error
        return self


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run what a server does until it ends, on uvloop where it is installed."""
    factory = None
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


def default_home() -> Path:
    """`TRADEWIND_HOME`, else `~/.tradewind`."""
    return Path(os.environ.get("TRADEWIND_HOME") or Path.home() / ".tradewind").expanduser()


def database_url(home: Home, settings: settings_tree.Settings) -> str:
    """The setting, else SQLite in the home."""
    return settings.database.url or f"sqlite:///{home.database}"


@contextlib.asynccontextmanager
async def open_store(home: Home, settings: settings_tree.Settings) -> AsyncIterator[store_port.Store]:
    """The store of a home, with migrations done."""
    async with stores.open_store(
        database_url(home, settings), busy=timedelta(seconds=settings.database.busy_seconds)
    ) as store:
        yield store


def open_vault(
    home: Home, store: store_port.Store, settings: settings_tree.Settings, environment: Mapping[str, str]
) -> vaults.StoreVault:
    """The back ends of the settings, in their order, then the encrypted rows."""
    secrets = settings.secrets
    known: dict[str, vault_port.SecretBackend] = {
        "environment": backends.EnvironmentBackend(environment),
        "files": backends.FileBackend(Path(secrets.files) if secrets.files else home.path),
    }
    if secrets.directory:
        known["directory"] = backends.DirectoryBackend(Path(secrets.directory))
    return vaults.StoreVault(
        backends=[known[name] for name in secrets.backends if name in known],
        rows=store.vault,
        key=keys.KeyFile(home.key),
    )


def open_logs(home: Home) -> log_folder.FolderLogs:
    """The logs of a home."""
    return log_folder.FolderLogs(home.path, clocks.SystemClock())


def open_snapshots(home: Home, settings: settings_tree.Settings) -> snapshot_folder.FolderSnapshots:
    """The kept sources of a home."""
    return snapshot_folder.FolderSnapshots(home.path / "snapshots", limit_bytes=settings.dags.tree_limit_mb << 20)


@dataclass(slots=True, kw_only=True)
class Assembly:
    """One running control plane."""

    home: Home
    settings: settings_tree.Settings
    store: store_port.Store
    runtime: local_runtime.LocalRuntime
    scheduler: schedulers.Scheduler
    vault: vaults.StoreVault
    logs: log_folder.FolderLogs
    snapshots: snapshot_folder.FolderSnapshots
    clock: clocks.SystemClock

    def bundle(self, folder: Path, *, name: str = "dags", only: str | None = None) -> bundles.Bundle:
        """A bundle of this home over a folder."""
        return bundles.Bundle(
            name=name,
            folder=folder,
            only=only,
            meaning=self.settings.dags.airflow or None,
            timeout_seconds=self.settings.dags.parse_timeout_seconds,
            ignore_syntax=self.settings.dags.ignore_syntax,
            snapshots=self.snapshots,
            files=self.runtime,
            versions=self.store.versions,
            vault=self.vault,
            clock=self.clock,
        )

    async def follow(self, bundle: bundles.Bundle, on_refresh: Callable[[bundles.Refresh], None]) -> None:
        """Look at a bundle now and whenever its files change, for good; the scheduler learns what changed."""

        async def refreshed(refresh: bundles.Refresh) -> None:
            self.took(refresh)
            on_refresh(refresh)
            if refresh.changed:
                in_use = await self.store.versions.list_trees_in_use()
                await self.snapshots.drop_unused(in_use | {refresh.tree})

        await bundle_watcher.BundleWatcher(bundle, on_refresh=refreshed).run_forever()

    async def rendered(
        self, spec: DagSpec, task: TaskSpec, run: DagRun, instance: TaskInstance, tree: str
    ) -> dict[str, Any]:
        """What the task would be sent with: a pod's manifest, or the rendered fields of another task.

        Sensitive values that its templates used are hidden. Raises `errors.Rejected`.
        """
        files = await self.store.versions.list_files("render")
        source = runtime_port.Source(
            bundle="render",
            tree=tree,
            root=str(self.snapshots.path(tree)),
            file=spec.file,
            isolated=any(file.isolated for file in files if file.path == spec.file),
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
    home: Home, settings: settings_tree.Settings, *, ephemeral: bool = False, bodies: Bodies | None = None
) -> AsyncIterator[Assembly]:
    """Everything of one control plane, opened in order and closed in reverse. Nothing leads yet.

    `ephemeral`: the podlet ends with us and takes everything down; what is due by timetable waits for a server.
    `bodies`: where another thread of this process takes Python attempts from to run them.
    """
    home.ensure()
    _spare_the_collector()
    clock, random = clocks.SystemClock(), clocks.SystemRandom()
    async with contextlib.AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(home, settings))
        vault = open_vault(home, store, settings, os.environ)
        logs = open_logs(home)
        snapshots = open_snapshots(home, settings)
        waker = await stack.enter_async_context(wake.WakeSocket(home.socket("wake.sock")))
        await stack.enter_async_context(
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
        if bodies is not None:
            from tradewind.runtime import calling  # it brings the worker with it

            attempts = calling.CallingRuntime(inner=runtime, bodies=bodies, work_of=runtime.work_of, clock=clock)
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
            ),
            janitor=janitors.Janitor(
                store=store,
                shelf=log_shelf.FolderShelf(home.path),
                clock=clock,
                options=_retention(settings.retention),
            ),
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
        )


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
        airflow=settings_tree.airflow_options(settings),
        ephemeral=ephemeral,
    )


def _retention(settings: settings_tree.RetentionSettings) -> janitors.Options:
    return janitors.Options(
        history=timedelta(days=settings.history_days),
        keep_runs=settings.keep_runs,
        logs=timedelta(days=settings.logs_days),
        logs_bytes=int(settings.disk_budget_gb * (1 << 30)),
        min_free_bytes=settings.min_free_mb << 20,
    )


def find_server(home: Home) -> dict[str, object] | None:
    """What a running server wrote about itself; None where none runs."""
    try:
        told = json.loads(home.server_file.read_text())
        if "holder" not in told:  # of a release that did not write it
            os.kill(int(told["pid"]), 0)
            return dict(told)
    except (OSError, ValueError, KeyError):
        return None
    # A process of that number that is not the server: after a kill -9 or a reboot the file stays.
    return dict(told) if lease_holder.is_here(told["holder"]) else None


def tell_server(home: Home, told: Mapping[str, object]) -> None:
    """Write what commands read about this process as the server of the home."""
    temporary = home.server_file.with_suffix(".new")
    temporary.write_text(json.dumps({"pid": os.getpid(), "holder": lease_holder.own(), **told}))
    temporary.rename(home.server_file)


def wake_server(home: Home) -> None:
    """Tell a running leader to look at its inbox now (its poll is the net)."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(b"wake", str(home.socket("wake.sock")))


def now() -> datetime:
    """The moment, by the machine's clock."""
    return clocks.SystemClock().now()


# -- upkeep --------------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Upkeep:
    """What a person looks after a home with."""

    store: store_port.Store
    checks: upkeep_port.Checks
    shelf: upkeep_port.Shelf
    cleaning: cleaning.Cleaning


@contextlib.asynccontextmanager
async def open_upkeep(home: Home, settings: settings_tree.Settings) -> AsyncIterator[Upkeep]:
    """Over the store of a home and its logs at rest."""
    clock, shelf = clocks.SystemClock(), log_shelf.FolderShelf(home.path)

    async def rest(seconds: float) -> None:
        # A leader in another process gets the database twice as long as we had it.
        await clock.sleep(2 * seconds if find_server(home) is not None else 0)

    async with stores.open_store(database_url(home, settings), busy=_busy(settings)) as store:
        cleaner = cleaning.Cleaning(history=store.history, shelf=shelf, clock=clock, rest=rest)
        yield Upkeep(store=store, checks=store.checks, shelf=shelf, cleaning=cleaner)


def find_schema(home: Home, settings: settings_tree.Settings) -> str | None:
    """The revision of the database's schema; None where there is none yet."""
    return revision.find(database_url(home, settings), _busy(settings))


def find_key(home: Home) -> keys.KeyFile:
    """The files of the home's encryption keys."""
    return keys.KeyFile(home.key)


def back_up(
    home: Home, settings: settings_tree.Settings, target: Path, *, with_logs: bool, progress: Callable[[int], None]
) -> upkeep_port.Manifest:
    """Write a backup; a server may run. Raises `errors.Rejected`."""
    from tradewind.store import backup

    place = backup.Place(home=home.path, url=database_url(home, settings), busy=_busy(settings))
    return backup.back_up(
        place, target, with_logs=with_logs, version=tradewind.__version__, now=now(), progress=progress
    )


def restore(
    home: Home, settings: settings_tree.Settings, source: Path, *, replace: bool, progress: Callable[[int], None]
) -> tuple[upkeep_port.Manifest, Path | None]:
    """Put a backup in place; what was there before lies in the folder that is told. Raises `errors.Rejected`."""
    from tradewind.store import backup

    place = backup.Place(home=home.path, url=database_url(home, settings), busy=_busy(settings))
    restored = backup.restore(place, source, replace=replace, now=now(), progress=progress)
    return restored.manifest, restored.aside


def _busy(settings: settings_tree.Settings) -> timedelta:
    return timedelta(seconds=settings.database.busy_seconds)


Doomed = cleaning.Doomed
CleaningTotal = cleaning.Total
SCHEMA = schema.HEAD
"""The revision that this program brings a database to."""
Vault = vaults.StoreVault
secret_connections = vault_connections
secret_files = vault_files
Bundle = bundles.Bundle
Refresh = bundles.Refresh
finished_runs = schedulers.finished_runs
