"""Metrics: one table, one text format."""

from __future__ import annotations

import re

import pytest

from tradewind.monitoring import metrics

_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@pytest.mark.parametrize("metric", metrics.METRICS.values(), ids=list(metrics.METRICS))
def test_a_metric_is_named_by_prometheus_conventions(metric: metrics.Metric) -> None:
    assert _NAME.fullmatch(metric.name)
    assert (metric.kind is metrics.Kind.COUNTER) == metric.name.endswith("_total")
    assert metric.kind is not metrics.Kind.HISTOGRAM or metric.name.endswith("_seconds")
    assert metric.text.endswith(".")


@pytest.mark.parametrize("metric", metrics.METRICS.values(), ids=list(metrics.METRICS))
def test_no_label_names_a_run_task_or_attempt(metric: metrics.Metric) -> None:
    assert not set(metric.labels) & {
        "run",
        "run_id",
        "dag_id",
        "task_id",
        "attempt_id",
        "pod",
        "pod_name",
        "dag",
        "task",
    }


def test_values_with_labels_stand_under_their_help_and_type() -> None:
    text = metrics.exposition({"tradewind_task_instances": {("running",): 3, ("queued",): 0}})
    assert text.splitlines() == [
        "# HELP tradewind_task_instances Unfinished task instances of unfinished runs, by state.",
        "# TYPE tradewind_task_instances gauge",
        'tradewind_task_instances{state="running"} 3',
        'tradewind_task_instances{state="queued"} 0',
    ]


def test_buckets_of_a_histogram_count_everything_below_them() -> None:
    found = metrics.Distribution(bounds=(0.1, 1.0), counts=[2, 1, 4], sum=12.5)
    assert metrics.exposition({"tradewind_commit_seconds": {(): found}}).splitlines()[2:] == [
        'tradewind_commit_seconds_bucket{le="0.1"} 2',
        'tradewind_commit_seconds_bucket{le="1"} 3',
        'tradewind_commit_seconds_bucket{le="+Inf"} 7',
        "tradewind_commit_seconds_sum 12.5",
        "tradewind_commit_seconds_count 7",
    ]


def test_quotes_backslashes_and_line_ends_in_a_label_are_escaped() -> None:
    text = metrics.exposition({"tradewind_pool_slots": {('a"b\\c\nd', "used"): 1}})
    assert 'pool="a\\"b\\\\c\\nd"' in text


def test_what_is_not_declared_is_refused() -> None:
    with pytest.raises(KeyError, match="tradewind_surprise"):
        metrics.exposition({"tradewind_surprise": {(): 1}})


def test_labels_must_be_those_declared() -> None:
    with pytest.raises(ValueError, match="tradewind_lease_epoch"):
        metrics.exposition({"tradewind_lease_epoch": {("extra",): 1}})
