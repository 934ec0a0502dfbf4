"""Every metric of a server, declared once, and Prometheus' text format (version 0.0.4).

Invariant: what is scraped is declared in `METRICS`, with exactly the labels told there. Labels name kinds (a state, a
pool), never a run, task or attempt: the number of series does not grow with history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Kind(StrEnum):
    """Prometheus' types that we have."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One declaration."""

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """A histogram's content: `counts[i]` lie at or below `bounds[i]` (and above the one before), the last above all."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


Series = Mapping[tuple[str, ...], float | Distribution]
"""Values by label values, in the order of the declaration."""


def _table(*rows: tuple[str, Kind, str, tuple[str, ...]]) -> dict[str, Metric]:
    return {name: Metric(name=name, kind=kind, text=text, labels=labels) for name, kind, text, labels in rows}


_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

METRICS = _table(
    ("tradewind_build_info", _G, "Always 1; the version is its label.", ("version",)),
    ("tradewind_ready", _G, "1 where /readyz says ready.", ()),
    ("tradewind_lease_epoch", _G, "The number of this server's lease; it grows with every change of leader.", ()),
    ("tradewind_dag_runs", _G, "Unfinished DAG runs, by state.", ("state",)),
    ("tradewind_task_instances", _G, "Unfinished task instances of unfinished runs, by state.", ("state",)),
    ("tradewind_attempts_alive", _G, "Attempts that have not ended, against scheduler.parallelism.", ()),
    (
        "tradewind_cluster_attempts",
        _G,
        "Attempts that are followed in a cluster; `settings` is that of the settings.",
        ("cluster",),
    ),
    ("tradewind_cluster_watched", _G, "1 where what is known of a cluster's pods is of now.", ("cluster",)),
    (
        "tradewind_ready_queue_length",
        _G,
        "Task instances that could run, by what holds them back: pool, limit, paused, parallelism.",
        ("held_by",),
    ),
    (
        "tradewind_pool_slots",
        _G,
        "Slots of a pool: used, free. A pool without a limit has no free ones.",
        ("pool", "use"),
    ),
    ("tradewind_runs_created_total", _C, "DAG runs made since this server started.", ("run_type",)),
    ("tradewind_run_ends_total", _C, "DAG runs that ended since this server started, by final state.", ("state",)),
    (
        "tradewind_task_ends_total",
        _C,
        "Task instances that came to a final state since this server started.",
        ("state",),
    ),
    (
        "tradewind_infrastructure_failures_total",
        _C,
        "Attempts that the infrastructure lost or never began since this server started.",
        ("reason",),
    ),
    (
        "tradewind_mails_total",
        _C,
        "Mails about failures since this server started: sent, refused, given_up, no_server; failed: tries.",
        ("result",),
    ),
    ("tradewind_mails_failing", _G, "Mails that failed and wait to be tried again.", ()),
    ("tradewind_scheduler_cycle_seconds", _H, "One cycle of the scheduler: decide, commit, launch.", ()),
    ("tradewind_commit_seconds", _H, "One commit to the database, with its tries while the database is away.", ()),
    ("tradewind_launch_seconds", _H, "From an attempt's creation (its launch intent) to the start of its code.", ()),
    ("tradewind_events_set_aside_total", _C, "Events that could not be decided or stored; /health shows them.", ()),
    ("tradewind_inbox_waiting", _G, "Commands in the inbox that nobody has decided yet (counted up to 1000).", ()),
    ("tradewind_dag_problems", _G, "DAGs whose timetable cannot be computed; they get no scheduled runs.", ()),
    ("tradewind_files", _G, "DAG files, by status: loaded, broken.", ("status",)),
    ("tradewind_parse_seconds", _H, "Loading one DAG file.", ()),
    ("tradewind_log_bytes_total", _C, "Bytes of task logs put at rest since this server started.", ()),
    ("tradewind_disk_free_bytes", _G, "Free bytes on the home's file system.", ()),
    ("process_resident_memory_bytes", _G, "Resident memory of the server's process.", ()),
    ("process_open_fds", _G, "Open files of the server's process.", ()),
    ("process_max_fds", _G, "How many files it may open.", ()),
    ("process_cpu_seconds_total", _C, "CPU time of the server's process.", ()),
    ("process_start_time_seconds", _G, "When the server started, in seconds since 1970.", ()),
)


def exposition(found: Mapping[str, Series]) -> str:
    """Prometheus' text. Raises KeyError for a metric that is not declared, ValueError for wrong labels."""
    lines: list[str] = []
    undeclared = sorted(set(found) - set(METRICS))
    if undeclared:
        raise KeyError(f"not declared: {', '.join(undeclared)}")
    for metric in METRICS.values():
        series = found.get(metric.name)
        if series is None:
            continue
        lines += [f"# HELP {metric.name} {_help(metric.text)}", f"# TYPE {metric.name} {metric.kind.value}"]
        for values, value in series.items():
            if len(values) != len(metric.labels):
                raise ValueError(f"{metric.name} has the labels {metric.labels}, not {values}")
            lines += _samples(metric.name, list(zip(metric.labels, values, strict=True)), value)
    return "\n".join(lines) + "\n"


def _samples(name: str, labels: list[tuple[str, str]], value: float | Distribution) -> list[str]:
    if not isinstance(value, Distribution):
        return [f"{name}{_labels(labels)} {_number(value)}"]
    lines, total = [], 0
    for bound, count in zip((*value.bounds, float("inf")), value.counts, strict=True):
        total += count
        lines.append(f"{name}_bucket{_labels([*labels, ('le', _number(bound))])} {total}")
    return [*lines, f"{name}_sum{_labels(labels)} {_number(value.sum)}", f"{name}_count{_labels(labels)} {total}"]


def _labels(labels: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f'{name}="{_escape(value)}"' for name, value in labels) + "}" if labels else ""


def _escape(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    if value == float("inf"):
        return "+Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
