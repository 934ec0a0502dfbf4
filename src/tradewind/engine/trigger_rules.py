"""The 13 trigger rules: what the states of the upstreams decide, as early as they can."""

from __future__ import annotations

import msgspec

from tradewind.model.dagspec import TriggerRule
from tradewind.model.states import TaskState


class Counts(msgspec.Struct):
    """Upstream task instances by state."""

    total: int = 0
    success: int = 0
    skipped: int = 0
    failed: int = 0
    upstream_failed: int = 0
    removed: int = 0
    setups: int = 0
    setups_succeeded: int = 0
    setups_skipped: int = 0

    @property
    def done(self) -> int:
        return self.success + self.skipped + self.failed + self.upstream_failed + self.removed

    def add(self, state: TaskState, *, is_setup: bool) -> None:
        self.total += 1
        if state is TaskState.SUCCESS:
            self.success += 1
            self.setups_succeeded += is_setup
        elif state is TaskState.SKIPPED:
            self.skipped += 1
            self.setups_skipped += is_setup
        elif state is TaskState.FAILED:
            self.failed += 1
        elif state is TaskState.UPSTREAM_FAILED:
            self.upstream_failed += 1
        elif state is TaskState.REMOVED:
            self.removed += 1
        self.setups += is_setup


def judge(rule: TriggerRule, c: Counts) -> TaskState | bool:
    """True: run; False: wait; a state: it ends in that state without running."""
    R = TriggerRule
    all_done = c.done >= c.total
    bad = c.failed + c.upstream_failed
    if rule is R.ALWAYS or c.total == 0:
        return True
    if rule is R.ALL_SUCCESS:
        if bad:
            return TaskState.UPSTREAM_FAILED
        if c.skipped:
            return TaskState.SKIPPED
        return c.success + c.removed >= c.total
    if rule is R.ALL_FAILED:
        if c.success or c.skipped:
            return TaskState.SKIPPED
        return bad + c.removed >= c.total
    if rule is R.ALL_DONE:
        return all_done
    if rule is R.ALL_DONE_MIN_ONE_SUCCESS:
        if not all_done:
            return False
        if c.success:
            return True
        return TaskState.SKIPPED if c.skipped >= c.total else TaskState.UPSTREAM_FAILED
    if rule is R.ALL_DONE_SETUP_SUCCESS:
        if not all_done:
            return False
        if c.setups and c.setups_skipped >= c.setups:
            return TaskState.SKIPPED
        if c.setups and not c.setups_succeeded:
            return TaskState.UPSTREAM_FAILED
        return True
    if rule is R.ALL_SKIPPED:
        if c.success or bad:
            return TaskState.SKIPPED
        return all_done
    if rule is R.ONE_SUCCESS:
        if c.success:
            return True
        if all_done:
            return TaskState.SKIPPED if c.skipped >= c.total else TaskState.UPSTREAM_FAILED
        return False
    if rule is R.ONE_FAILED:
        if bad:
            return True
        return TaskState.SKIPPED if all_done else False
    if rule is R.ONE_DONE:
        if c.success or c.failed:
            return True
        return TaskState.SKIPPED if all_done else False
    if rule is R.NONE_FAILED:
        return TaskState.UPSTREAM_FAILED if bad else all_done
    if rule is R.NONE_FAILED_MIN_ONE_SUCCESS:
        if bad:
            return TaskState.UPSTREAM_FAILED
        if c.skipped >= c.total:
            return TaskState.SKIPPED
        return all_done
    if rule is R.NONE_SKIPPED:
        return TaskState.SKIPPED if c.skipped else all_done
    raise AssertionError(rule)
