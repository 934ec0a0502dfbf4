"""A folder of DAG files loaded by a parser that is warm: what each file costs after the first; then 1,000 of them.

Airflow's side is its real `airflow dag-processor` on the same folder, which forks a process for each file as ours does,
and writes what it found to the same kind of database (SQLite, new for each sample). It is run to the end of one round
(`--num-runs 1`), once with one file and once with all: the difference, over the files after the first, is what is
told, so that starting and importing Airflow count for nothing. Ours is the whole `tradewind standalone`: the first file
is there when it starts, the others are put beside it at once.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from bench import airflow_system, dagfiles, plan, system

TITLE = "Loading, per file after the first"
AIRFLOW = "airflow-default"
STAYING = 3


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Pairs, one system after the other; then, ours alone, many files and what they cost at rest."""
    labels = ours.only(AIRFLOW, plan.OURS)
    cpu: dict[str, list[float]] = {label: [] for label in labels}
    wall: dict[str, list[float]] = {label: [] for label in labels}
    text = {name: dagfiles.chain(name, ours.folder / "loading.ledger") for name in names(ours.sizes.loaded_files)}
    for _ in range(ours.sizes.samples):
        for label in labels:
            side = of_airflow if label == AIRFLOW else of_ours
            spent, took = side(ours, text)
            cpu[label].append(1000 * spent / (len(text) - 1))
            wall[label].append(1000 * took / (len(text) - 1))
            ours.say(f"loading: {label} {cpu[label][-1]:.1f} ms of CPU, {wall[label][-1]:.1f} ms a file")
    kinds = {"load_cpu_ms": cpu, "load_wall_ms": wall}
    detail = {"files": len(text), "tasks": 10}
    found = [
        plan.Series(measure=kind, unit="ms", system=label, samples=tuple(each[label]), detail=detail)
        for kind, each in kinds.items()
        for label in labels
    ]
    return found + (many(ours) if plan.OURS in labels else [])


def names(count: int) -> list[str]:
    """DAG ids, which are the files' names too."""
    return [f"loaded_{number:04d}" for number in range(count)]


def of_ours(ours: plan.Plan, text: dict[str, str]) -> tuple[float, float]:
    """CPU and time, in seconds, from the moment when the files are there until all are listed."""
    first, *others = text
    with ours.make(plan.OURS) as made:
        made.put(first, text[first])
        made.start()
        made.hold_hand()
        made.wait_listed({first}, ours.sizes.seconds_per_wait)
        time.sleep(1)
        drafts = made.folder / "drafts"
        drafts.mkdir()
        for name in others:
            (drafts / f"{name}.py").write_text(text[name])
        before, began = made.cpu_seconds(), time.monotonic()
        for draft in drafts.iterdir():
            draft.rename(made.dags / draft.name)
        if not made.wait_listed(set(text), ours.sizes.seconds_per_wait):
            raise system.NotHealthyError(f"{made.label} did not list its files:\n{made.tail()}")
        took = time.monotonic() - began
        time.sleep(1)  # zygotes that make room
        return made.cpu_seconds() - before, took


def of_airflow(ours: plan.Plan, text: dict[str, str]) -> tuple[float, float]:
    """CPU and time, in seconds, of one round over all files, less those of a round over one."""
    one, all_of_them = dict([next(iter(text.items()))]), text
    few, many_ = processor(ours, one), processor(ours, all_of_them)
    return many_[0] - few[0], many_[1] - few[1]


def processor(ours: plan.Plan, text: dict[str, str]) -> tuple[float, float]:
    """CPU and time, in seconds, of the whole process: its children are counted as it reaps them."""
    with ours.make(AIRFLOW) as made:
        assert isinstance(made, airflow_system.Airflow)
        airflow, environment = str(made.python.with_name("airflow")), made.environment()
        shutil.copy(template(ours, airflow, environment), made.home / "airflow.db")
        for name, content in text.items():
            made.put(name, content)
        with made.log.open("wb") as log:
            began = time.monotonic()
            process = subprocess.Popen(
                [airflow, "dag-processor", "--num-runs", "1"], env=environment, stdout=log, stderr=log
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - began
        if process.returncode or made.listed() != set(text):
            raise system.NotHealthyError(f"{made.label} did not list its files:\n{made.tail()}")
        return usage.ru_utime + usage.ru_stime, took


def template(ours: plan.Plan, airflow: str, environment: dict[str, str]) -> Path:
    """An empty database of Airflow's, made once."""
    kept = ours.folder / "airflow-empty.db"
    if not kept.exists():
        subprocess.run([airflow, "db", "migrate"], env=environment, check=True, capture_output=True, timeout=300)
        made = Path(environment["AIRFLOW_HOME"]) / "airflow.db"
        made.rename(kept)
    return kept


def many(ours: plan.Plan) -> list[plan.Series]:
    """Ours alone, started on a folder of many files: until all are listed, and what it costs then."""
    seconds, memory, idle = [], [], []
    every = names(ours.sizes.many_loaded_files)
    for _ in range(min(3, ours.sizes.samples)):
        with ours.make(plan.OURS) as made:
            for name in every:
                made.put(name, dagfiles.chain(name, made.folder / "ledger"))
            began = time.monotonic()
            made.start()
            made.hold_hand()
            if not made.wait_listed(set(every), ours.sizes.seconds_per_wait):
                raise system.NotHealthyError(f"{made.label} did not list its files:\n{made.tail()}")
            seconds.append(time.monotonic() - began)
            wait_until_files_have_no_process(made, ours.sizes.seconds_per_wait)
            before, began = made.cpu_seconds(), time.monotonic()
            time.sleep(ours.sizes.idle_seconds)
            idle.append(100 * (made.cpu_seconds() - before) / (time.monotonic() - began))
            memory.append(made.memory()["total"] / 1e6)
            ours.say(f"loading: {len(every)} files in {seconds[-1]:.1f} s, then {idle[-1]:.2f} % of a core")
    detail = {"files": len(every), "at_rest": "once the last process of a file is gone"}
    told = (("load_many_seconds", "s", seconds), ("load_many_idle_percent", "% of a core", idle))
    return [
        plan.Series(measure=kind, unit=unit, system=plan.OURS, samples=tuple(samples), detail=detail)
        for kind, unit, samples in (*told, ("load_many_pss_mb", "MB", memory))
    ]


def wait_until_files_have_no_process(made: system.System, seconds: float) -> None:
    """Until only those are left that stay: the server, the podlet, and the one that others are forked from."""
    deadline = time.monotonic() + seconds
    while (left := len(made.ask("usage")["pids"])) > STAYING:
        if time.monotonic() > deadline:
            raise system.NotHealthyError(f"{made.label} still has {left} processes after {seconds:.0f} s")
        time.sleep(1)
