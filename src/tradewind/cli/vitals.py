"""How a running server is: conditions, report and metrics, gathered from its parts when somebody asks.

Invariant: asking changes nothing and waits for nothing longer than `_DATABASE_SECONDS`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tradewind import __version__
from tradewind.monitoring import metrics
from tradewind.monitoring.health import Check
from tradewind.ports import errors
from tradewind.ports import runtime as runtime_port
from tradewind.wiring import control_plane

_STUCK_SECONDS = 60.0
"""One cycle may take this long; the largest batches take a second or two."""
_DATABASE_SECONDS = 2.0
_MOST_WAITING = 1000
_MOST_SHOWN = 100
_OF_SETTINGS = "settings"
_PAGE = resource.getpagesize()


class Vitals:
    """Implements `monitoring.health.Subject` for one server."""

    def __init__(self, assembly: control_plane.Assembly, bundle: control_plane.Bundle) -> None:
        self._assembly = assembly
        self._bundle = bundle
        self._started = datetime.now(UTC)
        self._was_ready = False
        self.refreshed = False
        """The DAG files were looked at once."""
        self.draining = False

    def live(self) -> Check:
        """That we answer at all says that the loop turns; a cycle that does not end says that the scheduler does not.

        One that waits for the database is no reason to be started again.
        """
        meter = self._assembly.scheduler.meter
        if meter.cycle_began is None or meter.awaits_database:
            return Check(ok=True, message="the loop turns")
        seconds = self._assembly.clock.monotonic() - meter.cycle_began
        if seconds > _STUCK_SECONDS:
            return Check(ok=False, message=f"the scheduler has been in one cycle for {seconds:.0f} s")
        return Check(ok=True, message="the loop turns")

    async def ready(self) -> Mapping[str, Check]:
        """Every condition for accepting and beginning a run."""
        scheduler, runtime = self._assembly.scheduler, self._assembly.runtime
        checks = {
            "leads": _check(scheduler.ready.is_set(), "leads this home", "does not lead yet"),
            "lease": _check(
                self.draining or not scheduler.holds_back, "certain", "not renewed in time; nothing is launched"
            ),
            "draining": _check(not self.draining, "no", "nothing new is begun"),
            "database": await self._database(),
            "podlet": _check(runtime.is_connected, "connected", "not connected; it is being started"),
            "room": _check(not scheduler.holds_for, "enough on the disk", scheduler.holds_for),
            "files": _check(self.refreshed, "looked at", "not looked at yet"),
        }
        self._was_ready = self._was_ready or all(check.ok for check in checks.values())
        return checks

    async def _database(self) -> Check:
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                await self._assembly.store.check()
        except TimeoutError:
            return Check(ok=False, message=f"no answer in {_DATABASE_SECONDS:g} s")
        except errors.TradewindError as error:
            return Check(ok=False, message=str(error))
        return Check(ok=True, message="reachable")

    # -- the report ------------------------------------------------------------------------------------------------

    async def report(self) -> tuple[bool, Mapping[str, Any]]:
        """Everything that an operator may ask."""
        checks = await self.ready()
        ready = all(check.ok for check in checks.values())
        scheduler = self._assembly.scheduler
        figures = scheduler.count()
        failing = scheduler.postman.failing
        disk = shutil.disk_usage(self._assembly.home.path)
        return ready, {
            "status": self._status(ready),
            "version": __version__,
            "pid": os.getpid(),
            "started_at": self._started.isoformat(),
            "checks": {name: {"ok": check.ok, "message": check.message} for name, check in checks.items()},
            "lease_epoch": scheduler.epoch,
            "runs": figures.runs,
            "task_instances": figures.tasks,
            "attempts_alive": figures.alive,
            "waiting": figures.ready,
            "files": self._files(),
            "broken_files": self._broken_files(),
            "dag_problems": [
                {"dag_id": dag_id, "code": problem.code, "message": problem.message, "hint": problem.hint}
                for dag_id, problem in sorted(scheduler.problems().items())
            ],
            "missing_pools": figures.missing_pools,
            "clusters": [
                {"cluster": name, "attempts": one.attempts, "problem": one.problem}
                for name, one in self._clusters().items()
            ],
            "mail": {"failing": len(failing), "error": next(reversed(failing.values()), "")},
            "set_aside": [error for _, error in scheduler.set_aside[-_MOST_SHOWN:]],
            "disk": {"free_bytes": disk.free, "total_bytes": disk.total},
        }

    def _status(self, ready: bool) -> str:
        if self.draining:
            return "draining"
        if ready:
            return "healthy"
        return "unhealthy" if self._was_ready else "starting"

    def _clusters(self) -> dict[str, runtime_port.ClusterState]:
        clusters = self._assembly.clusters
        return {} if clusters is None else {one.name or _OF_SETTINGS: one for one in clusters.clusters()}

    def _files(self) -> dict[str, int]:
        files = self._bundle.files()
        broken = sum(1 for file in files if file.problems)
        return {"loaded": len(files) - broken, "broken": broken}

    def _broken_files(self) -> list[dict[str, Any]]:
        return [
            {"file": file.path, "line": problem.line or None, "message": problem.message, "hint": problem.hint}
            for file in self._bundle.files()
            for problem in file.problems
        ][:_MOST_SHOWN]

    # -- metrics ---------------------------------------------------------------------------------------------------

    async def measure(self) -> Mapping[str, metrics.Series]:
        """All metrics now."""
        checks = await self.ready()
        found = {**self._scheduler(), **self._process()}
        found |= {
            "tradewind_build_info": {(__version__,): 1},
            "tradewind_ready": {(): int(all(check.ok for check in checks.values()))},
            "tradewind_files": _labelled(self._files()),
            "tradewind_cluster_attempts": {(name,): one.attempts for name, one in self._clusters().items()},
            "tradewind_cluster_watched": {(name,): int(not one.problem) for name, one in self._clusters().items()},
            "tradewind_log_bytes_total": {(): self._assembly.logs.sealed_bytes},
            "tradewind_disk_free_bytes": {(): shutil.disk_usage(self._assembly.home.path).free},
        }
        if checks["database"].ok:
            waiting = await self._assembly.store.inbox.list_waiting(limit=_MOST_WAITING)
            found["tradewind_inbox_waiting"] = {(): len(waiting)}
        return found

    def _scheduler(self) -> dict[str, metrics.Series]:
        scheduler = self._assembly.scheduler
        meter, figures = scheduler.meter, scheduler.count()
        pools: dict[tuple[str, ...], float] = {}
        for name, (used, free) in figures.pools.items():
            pools[name, "used"] = used
            if free != float("inf"):
                pools[name, "free"] = max(0, free)
        return {
            "tradewind_lease_epoch": {(): scheduler.epoch},
            "tradewind_dag_runs": _labelled(figures.runs),
            "tradewind_task_instances": _labelled(figures.tasks),
            "tradewind_attempts_alive": {(): figures.alive},
            "tradewind_ready_queue_length": _labelled(figures.ready),
            "tradewind_pool_slots": pools,
            "tradewind_runs_created_total": _labelled(meter.runs_created),
            "tradewind_run_ends_total": _labelled(meter.run_ends),
            "tradewind_task_ends_total": _labelled(meter.task_ends),
            "tradewind_infrastructure_failures_total": _labelled(meter.infrastructure_failures),
            "tradewind_mails_total": _labelled(scheduler.postman.results),
            "tradewind_mails_failing": {(): len(scheduler.postman.failing)},
            "tradewind_scheduler_cycle_seconds": _distribution(meter.cycles),
            "tradewind_commit_seconds": _distribution(meter.commits),
            "tradewind_launch_seconds": _distribution(meter.launches),
            "tradewind_parse_seconds": _distribution(meter.parses),
            "tradewind_events_set_aside_total": {(): len(scheduler.set_aside)},
            "tradewind_dag_problems": {(): len(scheduler.problems())},
        }

    def _process(self) -> dict[str, metrics.Series]:
        with open("/proc/self/statm", encoding="ascii") as file:
            resident = int(file.read().split()[1]) * _PAGE
        used = os.times()
        return {
            "process_resident_memory_bytes": {(): resident},
            "process_open_fds": {(): len(os.listdir("/proc/self/fd"))},
            "process_max_fds": {(): resource.getrlimit(resource.RLIMIT_NOFILE)[0]},
            "process_cpu_seconds_total": {(): used.user + used.system},
            "process_start_time_seconds": {(): self._started.timestamp()},
        }


def _check(ok: bool, yes: str, no: str) -> Check:
    return Check(ok=ok, message=yes if ok else no)


def _labelled(counts: Mapping[str, int]) -> metrics.Series:
    return {(name,): count for name, count in sorted(counts.items())}


def _distribution(histogram: Any) -> metrics.Series:
    return {(): metrics.Distribution(bounds=histogram.bounds, counts=list(histogram.counts), sum=histogram.sum)}
