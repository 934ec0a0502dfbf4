"""Retry policies in a chain: who decides, and what is told of those that did not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tradewind.sdk.retry_policy import (
    ChainRetryPolicy,
    ExceptionRetryPolicy,
    RetryAction,
    RetryDecision,
    RetryPolicy,
    RetryRule,
)

FAILS = ExceptionRetryPolicy([RetryRule(PermissionError, RetryAction.FAIL, reason="not allowed")])
WAITS = ExceptionRetryPolicy([RetryRule(OSError, retry_delay=timedelta(seconds=9))])


class Broken(RetryPolicy):
    def evaluate(self, *_: Any, **__: Any) -> RetryDecision:
        raise LookupError("no model")


class Strange(RetryPolicy):
    def evaluate(self, *_: Any, **__: Any) -> Any:
        return True


def test_the_first_policy_that_decides_wins() -> None:
    assert ChainRetryPolicy([FAILS, WAITS]).evaluate(PermissionError(), 1, 3).action is RetryAction.FAIL
    decision = ChainRetryPolicy([FAILS, WAITS]).evaluate(ConnectionError(), 1, 3)
    assert (decision.action, decision.retry_delay) == (RetryAction.RETRY, timedelta(seconds=9))


def test_what_others_said_before_stands_in_the_reason_and_broken_ones_are_passed_over() -> None:
    reason = ChainRetryPolicy([Broken(), Strange(), FAILS]).evaluate(PermissionError(), 1, 3).reason
    assert reason == (
        "ExceptionRetryPolicy: not allowed (before it Broken: raised LookupError; Strange: no RetryDecision)"
    )


def test_where_none_decides_the_tasks_own_retries_count() -> None:
    assert ChainRetryPolicy([FAILS]).evaluate(KeyError(), 1, 3).action is RetryAction.DEFAULT


@pytest.mark.parametrize(("policies", "error"), [([], ValueError), (FAILS, TypeError), ([len], TypeError)])
def test_what_is_no_list_of_policies_is_refused(policies: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="ChainRetryPolicy"):
        ChainRetryPolicy(policies)
