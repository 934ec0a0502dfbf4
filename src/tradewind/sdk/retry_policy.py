"""Retry policies: what an exception means for the retries that a task has left.

A policy is asked in the worker, after each failure but those that say by themselves that no try would help. It can end
a task early or change the delay; it cannot give more tries than `retries`.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import Any

from tradewind.sdk import errors

_log = logging.getLogger("airflow.task")


class RetryAction(Enum):
    """What a failure leads to."""

    RETRY = "retry"
    FAIL = "fail"
    DEFAULT = "default"


@dataclass(frozen=True)
class RetryDecision:
    """What a policy says about one failure."""

    action: RetryAction = RetryAction.DEFAULT
    retry_delay: timedelta | None = None
    reason: str | None = None

    @classmethod
    def fail(cls, reason: str | None = None) -> RetryDecision:
        """No further try."""
        return cls(action=RetryAction.FAIL, reason=reason)

    @classmethod
    def retry(cls, delay: timedelta | None = None, reason: str | None = None) -> RetryDecision:
        """Another try, after this delay instead of the task's."""
        return cls(action=RetryAction.RETRY, retry_delay=delay, reason=reason)

    @classmethod
    def default(cls) -> RetryDecision:
        """As if there were no policy."""
        return cls()


class RetryPolicy:
    """A policy; subclasses override `evaluate`."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """What to do about this failure."""
        raise NotImplementedError(f"{type(self).__name__} has no evaluate()")


@dataclass
class RetryRule:
    """What to do about some exceptions: classes, dotted names, or a list of those."""

    exception: Any
    action: RetryAction = RetryAction.RETRY
    retry_delay: timedelta | None = None
    reason: str | None = None
    match_subclasses: bool = True

    def __post_init__(self) -> None:
        for one in self._specs:
            if isinstance(one, str) and "." not in one.strip("."):
                said = f"an exception is named by its dotted path, got {one!r}"
                raise errors.ValueProblem.of(
                    "bad-exception", "RetryRule", said, f"for example 'builtins.{one or 'ValueError'}'"
                )

    @property
    def _specs(self) -> list[Any]:
        return self.exception if isinstance(self.exception, list) else [self.exception]

    def matches(self, exc: BaseException) -> bool:
        """Whether the rule is about this exception. A name that cannot be imported matches nothing."""
        kinds = tuple(kind for kind in map(_class_of, self._specs) if kind is not None)
        return isinstance(exc, kinds) if self.match_subclasses else type(exc) in kinds


class ExceptionRetryPolicy(RetryPolicy):
    """Rules in order, the first that matches decides; else `default`."""

    def __init__(self, rules: Sequence[RetryRule], default: RetryAction = RetryAction.DEFAULT) -> None:
        self.rules = list(rules)
        self.default = default

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """What the rules say."""
        for rule in self.rules:
            if rule.matches(exception):
                reason = rule.reason or f"a rule is about {type(exception).__name__}"
                return RetryDecision(action=rule.action, retry_delay=rule.retry_delay, reason=reason)
        return RetryDecision(action=self.default)


class ChainRetryPolicy(RetryPolicy):
    """Policies in order, the first that decides wins; what those before it said stands in the reason.

    A policy that raises, or answers with something else than a decision, is passed over.
    """

    def __init__(self, policies: Sequence[RetryPolicy]) -> None:
        self.policies = [] if isinstance(policies, RetryPolicy) else list(policies)
        if not self.policies:
            said, hint = f"policies must be a list of one or more, got {policies!r}", "for example [policy, another]"
            raise (TypeError if isinstance(policies, RetryPolicy) else ValueError)(f"ChainRetryPolicy: {said}; {hint}")
        for policy in self.policies:
            if not isinstance(policy, RetryPolicy):
                raise TypeError(f"ChainRetryPolicy: {policy!r} is no RetryPolicy; make its class a subclass")

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """What the first of them says that decides."""
        said: list[str] = []
        for policy in self.policies:
            name = type(policy).__name__
            try:
                decision: Any = policy.evaluate(exception, try_number, max_tries, context)
            except Exception as error:  # noqa: BLE001 - a broken policy must not decide the task
                _log.exception("the retry policy %s is passed over", name)
                said.append(f"{name}: raised {type(error).__name__}")
                continue
            if not isinstance(decision, RetryDecision):
                _log.error("the retry policy %s is passed over: it answered %r", name, decision)
                said.append(f"{name}: no RetryDecision")
            elif decision.action is RetryAction.DEFAULT:
                said.append(f"{name}: {decision.reason or 'no decision'}")
            else:
                before = f" (before it {'; '.join(said)})" if said else ""
                return replace(decision, reason=f"{name}: {decision.reason or decision.action.value}{before}")
        return RetryDecision(reason=f"no policy decided ({'; '.join(said)})")


def _class_of(spec: Any) -> type[BaseException] | None:
    if isinstance(spec, type):
        return spec
    module, _, name = str(spec).rpartition(".")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError):
        return None
    return found if isinstance(found, type) else None
