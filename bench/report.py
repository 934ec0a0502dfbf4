"""The results as a page of the docs: made of the raw JSON alone, so that no figure in it comes from anywhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bench import comparison

TITLES = {
    "start_seconds": "Start to healthy",
    "idle_pss_mb": "Idle memory (PSS of all processes), 10 DAGs loaded",
    "idle_cpu_percent": "Idle CPU",
    "chain_gap_ms": "Chain of 10: one function's return → the next one's entry",
    "fanout_tasks_per_second": "Fan-out of no-op Python tasks",
    "cpu_ms_per_task": "CPU per no-op Python task, all processes",
    "many_files_sqlite_tasks_per_second": "100 files × 1 DAG × 10 tasks, SQLite",
    "many_files_postgresql_tasks_per_second": "100 files × 1 DAG × 10 tasks, PostgreSQL",
    "new_file_listed_seconds": "New file listed",
    "load_cpu_ms": "Loading a folder of DAG files: CPU of each file after the first, parser and database",
    "load_wall_ms": "Loading a folder of DAG files: time of each file after the first, until it is listed",
    "load_many_seconds": "Start on a folder of 1,000 DAG files, until all are listed",
    "load_many_idle_percent": "1,000 DAG files, nothing changes: CPU",
    "load_many_pss_mb": "1,000 DAG files, nothing changes: memory (PSS of all processes)",
    "command_help_ms": "Command: --help",
    "command_dags_list_ms": "Command: dags list",
    "command_runs_list_ms": "Command: runs list / dags list-runs",
    "command_tasks_states_ms": "Command: tasks list / tasks states-for-dag-run",
    "history_list_ms": "Long history, SQLite: the slowest of all list commands' reads",
    "history_start_seconds": "Long history, SQLite: start to healthy",
    "history_fanout_tasks_per_second": "Long history, SQLite: fan-out of no-op Python tasks",
    "history_commit_ms": "Long history, SQLite: the longest hundredth of commits while `db clean` runs",
    "pods_chain_seconds": "Kubernetes: a chain of 5 pods",
    "pods_wide_seconds": "Kubernetes: 50 pods at once",
    "pods_many_seconds": "Kubernetes: 200 pods at once",
    "pods_requests": "Kubernetes: API requests per pod, watches aside",
    "pods_memory_mb": "Kubernetes: memory of all processes (PSS) just after a run",
    "pods_fake_per_second": "Kubernetes without a kubelet (kwok): 1,000 pods, launched to finished",
    "standing_memory_mb": "Kubernetes, pods that run: memory of the control plane (PSS of all its processes)",
    "standing_kb_per_pod": "Kubernetes, pods that run: memory that each costs",
    "standing_cpu_percent": "Kubernetes, pods that run: CPU at rest, 1 % of them changing each minute",
    "standing_launch_cpu_ms": "Kubernetes, pods that run: CPU of each launch",
    "standing_list_seconds": "Kubernetes, pods that run: a full list by the reflector",
    "standing_stall_ms": "Kubernetes, pods that run: the longest stall of the loop in it",
    "waiting_kb_per_worker": "Kubernetes, subclasses that wait: memory of each worker (PSS)",
    "waiting_server_mb": "Kubernetes, subclasses that wait: memory of the control plane (PSS)",
    "waiting_cpu_percent": "Kubernetes, subclasses that wait: CPU at rest, workers and control plane",
    "waiting_begin_cpu_ms": "Kubernetes, subclasses that wait: CPU until the worker waits and its pod runs",
    "pod_gap_ms": "Kubernetes: the watch event that ends an upstream → its downstream's create, 100 pods running",
    "log_relay_tls_mb_per_cpu_second": "Log relay over TLS, one log: for each second of one core",
    "log_relay_plain_mb_per_cpu_second": "Log relay without TLS, one log: for each second of one core",
}
HEAD = """\
# Benchmarks

Tradewind beside Apache Airflow {airflow} `standalone`, by `make bench` and `make bench-cluster`, on one machine:
{machine}.
Both run the same DAG files; times inside a run are stamped by the task bodies themselves. Samples of the two were taken
in turn, the other system frozen meanwhile. "Times better" is the ratio of medians, in brackets its 95 % confidence
interval (bootstrap over pairs). Airflow's configurations are the files in `bench/airflow/`; *reduced* means that its
API server holds only what tasks need. The raw samples: `bench/results/{name}`. This page is generated from that file;
do not edit it.
"""


def page(path: Path) -> str:
    """The page for one file of results."""
    raw = json.loads(path.read_text())
    blocks = [HEAD.format(airflow=raw["airflow"], machine=raw["machine"]["text"], name=path.name)]
    if raw["samples"] < 7:
        blocks.append("**A quick run: too few samples to tell anything but that the measures work.**\n")
    for measure, title in TITLES.items():
        rows = [series for series in raw["series"] if series["measure"] == measure]
        if rows:
            days = " and ".join(sorted({series["measured_on"] for series in rows}))
            blocks.append(f"## {title}\n\nMeasured on {days}.\n\n{table(rows)}")
    return "\n".join(blocks)


def table(rows: list[dict[str, Any]]) -> str:
    """One measure: a line per system."""
    ours = next((row for row in rows if _is_ours(row) and row["samples"]), None)
    lines = [
        "| system | median | middle half | samples | times better |",
        "|---|---:|---:|---:|---:|",
    ]
    return "\n".join([*lines, *(line(row, ours) for row in rows)]) + "\n"


def line(row: dict[str, Any], ours: dict[str, Any] | None) -> str:
    """One system's line."""
    if not row["samples"]:
        return f"| {row['system']} | – | – | 0 | {row['note'] or 'no sample'} |"
    first, middle, third = comparison.quartiles(row["samples"])
    better = ""
    if ours is not None and not _is_ours(row):
        found = comparison.times_better(row["samples"], ours["samples"], higher_is_better=row["higher_is_better"])
        bounds = (
            f" ({number(found.low)}–{number(found.high)})" if found.low is not None and found.high is not None else ""
        )
        better = f"{number(found.value)}×{bounds}"
    spread = f"{number(first)}–{number(third)}"
    note = f" {row['note']}" if row["note"] else ""
    return f"| {row['system']} | {number(middle)} {row['unit']} | {spread} | {len(row['samples'])} | {better}{note} |"


def _is_ours(row: dict[str, Any]) -> bool:
    return str(row["system"]).startswith("tradewind")


def number(value: float) -> str:
    """Three digits that tell something."""
    if value == 0:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
