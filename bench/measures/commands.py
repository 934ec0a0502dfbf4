"""The command line on a warm disk, no server running: from the call to its end, of reads that both programs have."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from bench import airflow_system, dagfiles, plan, system

TITLE = "Commands"
DAGS = 10
_OURS = {
    "help": ["--help"],
    "dags_list": ["dags", "list"],
    "runs_list": ["runs", "list", "dag_0"],
    "tasks_states": ["tasks", "list", "dag_0", "first"],
}
_AIRFLOW = {
    "help": ["--help"],
    "dags_list": ["dags", "list"],
    "runs_list": ["dags", "list-runs", "dag_0"],
    "tasks_states": ["tasks", "states-for-dag-run", "dag_0", "first"],
}


def measure(ours: plan.Plan) -> list[plan.Series]:
    """Both in turn, each command so many times; a first call of each does not count."""
    labels = ours.only("airflow-default", plan.OURS)
    made = {label: _prepared(ours, label) for label in labels}
    samples: dict[tuple[str, str], list[float]] = {(label, name): [] for label in labels for name in _OURS}
    for number in range(ours.sizes.samples + 1):
        for name in _OURS:
            for label in labels:
                took = _timed(made[label], name)
                if number:
                    samples[label, name].append(1000 * took)
        ours.say(f"commands: round {number}")
    return [
        plan.Series(
            measure=f"command_{name}_ms",
            unit="ms",
            system=label,
            samples=tuple(samples[label, name]),
            detail={"command": (_OURS if label == plan.OURS else _AIRFLOW)[name]},
        )
        for name in _OURS
        for label in labels
    ]


def _prepared(ours: plan.Plan, label: str) -> system.System:
    """A home with ten DAGs and a run, its server stopped again."""
    made = ours.make(label)
    names = {f"dag_{number}" for number in range(DAGS)}
    for name in names:
        made.put(name, dagfiles.chain(name, made.folder / "ledger", 2))
    ours.say(f"commands: preparing {label}")
    with made:
        made.start()
        made.hold_hand()
        made.wait_listed(names, ours.sizes.seconds_per_wait)
        made.trigger_all([("dag_0", "first")])
        plan.wait_ended(made, "dag_0", "first", 60)
    return made


def _timed(made: system.System, name: str) -> float:
    if isinstance(made, airflow_system.Airflow):
        command = [str(made.python.with_name("airflow")), *_AIRFLOW[name]]
    else:
        command = [str(Path(sys.executable).with_name("tradewind")), *_OURS[name]]
        command += [] if name == "help" else ["--home", str(made.home)]
    began = time.monotonic()
    done = subprocess.run(command, env=made.environment(), capture_output=True, check=False)
    took = time.monotonic() - began
    if done.returncode != 0:
        raise system.NotHealthyError(f"{command} ended with {done.returncode}: {done.stderr[-2000:]!r}")
    return took
