"""The 13 trigger rules: what the states of the upstreams decide, as early as they can.

Each follows Airflow 3.3 case by case, `all_done_min_one_success` (where a skipped upstream skips) included. Two cases
differ, because Airflow's answer leaves the run without an end: a removed upstream counts as if it was not there for
`all_skipped`, and for `all_done_min_one_success`.
"""

from __future__ import annotations

from collections.abc import Callable

from tradewind.engine.counts import Counts
from tradewind.model.dagspec import TriggerRule
from tradewind.model.states import TaskState

Verdict = TaskState | bool
"""True: run; False: wait; a state: it ends in that state without running."""

_SKIPPED = TaskState.SKIPPED
_UPSTREAM_FAILED = TaskState.UPSTREAM_FAILED


def judge(rule: TriggerRule, counts: Counts) -> Verdict:
    """Decide for a task whose upstream instances are these. Without upstreams every rule runs."""
    return True if counts.total == 0 else _RULES[rule](counts)


def _all_success(c: Counts) -> Verdict:
    if c.bad:
        return _UPSTREAM_FAILED
    return _SKIPPED if c.skipped else c.success + c.removed >= c.total


def _all_failed(c: Counts) -> Verdict:
    return _SKIPPED if c.success or c.skipped else c.bad + c.removed >= c.total


def _all_done(c: Counts) -> Verdict:
    return c.done >= c.total


def _all_done_min_one_success(c: Counts) -> Verdict:
    if c.skipped:
        return _SKIPPED
    if c.done < c.total:
        return False
    return True if c.success else _UPSTREAM_FAILED


def _all_done_setup_success(c: Counts) -> Verdict:
    if c.done < c.total:
        return False
    if c.setups and c.setups_skipped >= c.setups:
        return _SKIPPED
    return _UPSTREAM_FAILED if c.setups and not c.setups_succeeded else True


def _all_skipped(c: Counts) -> Verdict:
    return _SKIPPED if c.success or c.bad else c.done >= c.total


def _one_success(c: Counts) -> Verdict:
    if c.success:
        return True
    if c.done < c.total:
        return False
    return _SKIPPED if c.skipped >= c.total else _UPSTREAM_FAILED


def _one_failed(c: Counts) -> Verdict:
    if c.bad:
        return True
    return _SKIPPED if c.done >= c.total else False


def _one_done(c: Counts) -> Verdict:
    if c.success or c.failed:
        return True
    return _SKIPPED if c.done >= c.total else False


def _none_failed(c: Counts) -> Verdict:
    return _UPSTREAM_FAILED if c.bad else c.done >= c.total


def _none_failed_min_one_success(c: Counts) -> Verdict:
    if c.bad:
        return _UPSTREAM_FAILED
    if c.done < c.total:
        return False
    if c.skipped >= c.total:
        return _SKIPPED
    return True if c.success else _UPSTREAM_FAILED


def _none_skipped(c: Counts) -> Verdict:
    return _SKIPPED if c.skipped else c.done >= c.total


def _always(_: Counts) -> Verdict:
    return True


_RULES: dict[TriggerRule, Callable[[Counts], Verdict]] = {
    TriggerRule.ALL_SUCCESS: _all_success,
    TriggerRule.ALL_FAILED: _all_failed,
    TriggerRule.ALL_DONE: _all_done,
    TriggerRule.ALL_DONE_MIN_ONE_SUCCESS: _all_done_min_one_success,
    TriggerRule.ALL_DONE_SETUP_SUCCESS: _all_done_setup_success,
    TriggerRule.ALL_SKIPPED: _all_skipped,
    TriggerRule.ONE_SUCCESS: _one_success,
    TriggerRule.ONE_FAILED: _one_failed,
    TriggerRule.ONE_DONE: _one_done,
    TriggerRule.NONE_FAILED: _none_failed,
    TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS: _none_failed_min_one_success,
    TriggerRule.NONE_SKIPPED: _none_skipped,
    TriggerRule.ALWAYS: _always,
}
