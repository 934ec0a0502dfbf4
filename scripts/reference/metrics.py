"""The reference page of metrics, made from their table (`tradewind.monitoring.metrics.METRICS`)."""

from __future__ import annotations

from tradewind.monitoring import metrics

_HEAD = """\
# Metrics

<!-- made by scripts/reference/metrics.py from src/tradewind/monitoring/metrics.py; do not edit -->

A server gives these at `/metrics` of its health address, in Prometheus' text format 0.0.4. Gauges are counted when they
are scraped; counters begin at 0 when the server starts. Labels name kinds (a state, a pool, a reason), never a run, a
task or an attempt. A label value that has never occurred has no series.

| metric | type | labels | what it says |
|---|---|---|---|
"""


def pages() -> dict[str, str]:
    """Path under docs/ → text."""
    rows = [
        f"| `{one.name}` | {one.kind.value} | {', '.join(f'`{label}`' for label in one.labels)} | {one.text} |"
        for one in metrics.METRICS.values()
    ]
    return {"reference/metrics.md": _HEAD + "\n".join(rows) + "\n"}
