"""A home with a million task instances behind it: lists, start, fan-out beside an empty home, commits beside a clean.

Ours alone: Airflow has no such home here. The samples of the two homes are taken in turn, the other one frozen.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench import dagfiles, history_home, ledger, plan, system
from tradewind.model.facts import Batch, DagFact
from tradewind.model.ids import DagId, RunKey, VersionHash
from tradewind.model.rows import DagRow
from tradewind.model.states import RunState, TaskState
from tradewind.ports.store import Page, Store
from tradewind.store import sql_store
from tradewind.wiring import homes

TITLE = "A long history"
EMPTY = "tradewind-empty-home"
_DAG_FILE = "wide"


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Build the history once, then lists, start, fan-out, and at last its removal."""
    if not ours.only(plan.OURS):
        return []
    size = ours.sizes.history_tasks
    with_history, empty = ours.make(plan.OURS), ours.make(plan.OURS)
    ours.say(f"building a history of {size} task instances")
    history_home.build(with_history.home, size)
    database = with_history.home / "tradewind.db"
    detail = {"task_instances": size, "database_bytes": database.stat().st_size}
    return [
        _lists(ours, database, detail),
        *_starts_and_fanouts(ours, with_history, empty, detail),
        *_cleaning(ours, with_history.home, detail),
    ]


def _note(detail: dict[str, Any]) -> str:
    return f"{detail['task_instances']:,} task instances"


# -- lists ---------------------------------------------------------------------------------------------------------


def _lists(ours: plan.Plan, database: Path, detail: dict[str, Any]) -> plan.Series:
    """Each sample is the slowest of all reads, on a connection that was just opened."""
    slowest: list[float] = []
    each: dict[str, list[float]] = {}
    for _ in range(ours.sizes.samples):
        times = asyncio.run(_read_all(database, detail["task_instances"] // history_home.TASKS_PER_RUN))
        for name, milliseconds in times.items():
            each.setdefault(name, []).append(round(milliseconds, 3))
        slowest.append(max(times.values()))
    ours.say(f"history: slowest list {max(slowest):.1f} ms")
    return plan.Series(
        measure="history_list_ms",
        unit="ms",
        system=plan.OURS,
        samples=tuple(slowest),
        note=_note(detail),
        detail={**detail, "each_ms": each},
    )


async def _read_all(database: Path, runs: int) -> dict[str, float]:
    times: dict[str, float] = {}
    async with sql_store.open_store(f"sqlite:///{database}") as store:
        for name, read in _reads(store, runs).items():
            began = time.perf_counter()
            await read()
            times[name] = 1000 * (time.perf_counter() - began)
    return times


def _reads(store: Store, runs: int) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What the list commands ask, at the new end of the history and in its middle."""
    views, middle = store.views, RunKey(runs // 2)
    dag, page = history_home.dag_id(middle - 1), Page(limit=100)
    older = Page(limit=100, after=str(middle))
    rare = (RunState.FAILED, RunState.RUNNING)
    return {
        "dags list": lambda: views.list_dags(Page(limit=history_home.DAGS)),
        "dags show": lambda: views.get_dag(dag),
        "runs list": lambda: views.list_runs(page),
        "runs list, older": lambda: views.list_runs(older),
        "runs list --state": lambda: views.list_runs(page, None, rare),
        "runs list DAG": lambda: views.list_runs(page, dag),
        "runs list DAG, older": lambda: views.list_runs(older, dag),
        "runs list DAG --state": lambda: views.list_runs(page, dag, rare),
        "runs show": lambda: views.get_run(dag, history_home.run_id(middle - 1)),
        "runs list, counts": lambda: views.counts([RunKey(middle + n) for n in range(100)]),
        "tasks list": lambda: views.list_tasks(middle, page),
        "tasks list --state": lambda: views.list_tasks(middle, page, (TaskState.FAILED,)),
        "tasks attempts": lambda: views.list_attempts(middle, "task_07"),
        "pools list": views.list_pools,
        "xcom list": lambda: store.xcoms.list(middle),
        "restore of a leader": store.runs.load_active,
    }


# -- start and fan-out ---------------------------------------------------------------------------------------------


def _starts_and_fanouts(
    ours: plan.Plan, with_history: system.System, empty: system.System, detail: dict[str, Any]
) -> list[plan.Series]:
    systems = {plan.OURS: with_history, EMPTY: empty}
    book = ours.folder / "history.ledger"
    starts: dict[str, list[float]] = {label: [] for label in systems}
    for made in systems.values():
        made.put(_DAG_FILE, dagfiles.wide(_DAG_FILE, book, ours.sizes.our_fanout))
        with made:  # the first start lists the file, and migrates if there is something to
            made.start()
            made.wait_listed({_DAG_FILE}, ours.sizes.seconds_per_wait)
    for _ in range(ours.sizes.samples):
        for label, made in systems.items():
            with ours.remake(made) as again:
                starts[label].append(again.start())
    ours.say(f"history: start {max(starts[plan.OURS]):.2f} s, of an empty home {max(starts[EMPTY]):.2f} s")
    rates = _fanouts(ours, systems, book)
    return [
        *(
            plan.Series(
                measure="history_start_seconds", unit="s", system=label, samples=tuple(starts[label]), detail=detail
            )
            for label in systems
        ),
        *(
            plan.Series(
                measure="history_fanout_tasks_per_second",
                unit="tasks/s",
                system=label,
                samples=tuple(rates[label]),
                higher_is_better=True,
                note=_note(detail) if label == plan.OURS else "",
                detail={**detail, "tasks": ours.sizes.our_fanout},
            )
            for label in systems
        ),
    ]


def _fanouts(ours: plan.Plan, systems: dict[str, system.System], book: Path) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {label: [] for label in systems}
    count = ours.sizes.our_fanout
    running = {label: ours.remake(made) for label, made in systems.items()}
    try:
        for made in running.values():
            made.start()
            made.hold_hand()
            made.freeze()
        for number in range(ours.sizes.samples):
            for label, made in running.items():
                run_id = f"{label}-{number}"
                with plan.thawed(made):
                    made.trigger_all([(_DAG_FILE, run_id)])
                    entries = ledger.wait(book, {run_id}, count, ours.sizes.seconds_per_wait)
                    plan.wait_ended(made, _DAG_FILE, run_id, 30)
                done = [entry for entry in entries if entry.left]
                if len(done) < count:
                    ours.say(f"history: {label} did {len(done)} of {count}")
                    continue
                seconds = (max(entry.left or 0 for entry in done) - done[0].entered) / 1e9
                rates[label].append(count / seconds)
                ours.say(f"history: {label} {count / seconds:.1f} tasks/s")
    finally:
        for made in running.values():
            made.stop()
    return rates


# -- removal -------------------------------------------------------------------------------------------------------


def _cleaning(ours: plan.Plan, home: Path, detail: dict[str, Any]) -> list[plan.Series]:
    """Commits of a leader, one after the other, alone and while `db clean` takes a part of the history away."""
    alone = asyncio.run(_commit_until(home / "tradewind.db", None))
    program = [str(Path(sys.executable).with_name("tradewind")), "db", "clean"]
    # A fifth of it: long enough to see what the waits are like.
    keep = detail["task_instances"] // history_home.TASKS_PER_RUN // history_home.DAGS * 4 // 5
    command = [*program, "--home", str(home), "--keep-last", str(keep), "--yes", "-o", "json"]
    homes.tell_server(homes.Home(home), {})  # as a server does, so that the removal leaves it its turn
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=system.clean_environment()) as cleaning:
        beside = asyncio.run(_commit_until(home / "tradewind.db", cleaning))
        told = cleaning.communicate()[0]
    if cleaning.returncode:
        raise system.NotHealthyError(f"db clean ended with {cleaning.returncode}")
    seconds = time.monotonic() - began
    ours.say(f"history: cleaned in {seconds:.0f} s; longest commit {max(beside):.1f} ms, alone {max(alone):.1f} ms")
    told_of = {**detail, "seconds": seconds, "removed": json.loads(told)}
    return [
        plan.Series(
            measure="history_commit_ms",
            unit="ms",
            system=label,
            samples=tuple(_longest(times)),
            note=_note(detail),
            detail=told_of,
        )
        for label, times in ((plan.OURS, beside), ("tradewind-without-clean", alone))
    ]


def _longest(times: list[float]) -> list[float]:
    """The longest hundredth of all commits: it is the waits that matter here, not the rest."""
    return sorted(times)[-max(1, len(times) // 100) :]


async def _commit_until(database: Path, process: subprocess.Popen[str] | None) -> list[float]:
    """Milliseconds of small commits, until the process ends; for three seconds without one."""
    times: list[float] = []
    deadline = time.monotonic() + 3
    async with sql_store.open_store(f"sqlite:///{database}") as store:
        epoch = await _lead(store)
        dag = DagRow(dag_id=DagId("history_000"), version=VersionHash("of-history_000"), file="history_000.py")
        while process.poll() is None if process is not None else time.monotonic() < deadline:
            began = time.perf_counter()
            await store.runs.commit(Batch(facts=(DagFact(dag=dag),)), epoch)
            times.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.01)
        await store.lease.release(epoch)
    return times


async def _lead(store: Store) -> int:
    now = datetime.datetime.now(datetime.UTC)
    epoch = await store.lease.acquire("history", now, datetime.timedelta(minutes=30))
    if epoch is None:
        raise system.NotHealthyError("somebody leads the home of the history")
    return epoch
