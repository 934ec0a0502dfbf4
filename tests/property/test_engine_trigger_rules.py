"""Trigger rules against the oracle, for every way in which up to four upstreams can stand."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from tests.property import engine_oracle
from tests.unit.engine import specs
from tests.unit.engine.world import World
from tradewind.engine.counts import Counts
from tradewind.engine.trigger_rules import judge
from tradewind.model.dagspec import TriggerRule
from tradewind.model.outcome import Failed, Outcome, Skipped, Success
from tradewind.model.states import TaskState

_STATES = ("none", "success", "failed", "skipped", "upstream_failed", "removed")
_RULES = [rule for rule in TriggerRule if rule is not TriggerRule.ALL_DONE_SETUP_SUCCESS]


def _judged(rule: TriggerRule, states: tuple[str, ...]) -> str:
    counts = Counts()
    for state in states:
        counts.shift(TaskState(state), 1, is_setup=False)
    verdict = judge(rule, counts)
    if isinstance(verdict, TaskState):
        return verdict.value
    return engine_oracle.RUN if verdict else engine_oracle.WAIT


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule.value)
def test_a_rule_says_what_the_oracle_says(rule: TriggerRule) -> None:
    for count in range(5):
        for states in combinations_with_replacement(_STATES, count):
            assert _judged(rule, states) == engine_oracle.rule_says(rule.value, list(states)), states


def test_counts_that_go_up_and_down_are_those_of_what_is_left() -> None:
    counts = Counts()
    for state in TaskState:
        counts.shift(state, 1, is_setup=True)
    for state in TaskState:
        counts.shift(state, -1, is_setup=True)
    assert counts.as_tuple() == Counts().as_tuple()


_ENDS: dict[str, Outcome] = {"success": Success(), "failed": Failed(message="boom"), "skipped": Skipped()}


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule.value)
def test_a_rule_is_decided_at_the_first_end_that_decides_it(rule: TriggerRule) -> None:
    for first in _ENDS:
        for second in _ENDS:
            world = World(specs.dag(specs.task("a"), specs.task("b"), specs.task("t", "a", "b", rule=rule.value)))
            world.trigger()
            if rule is TriggerRule.ALWAYS:
                assert world.state("t") == "queued"
                continue
            said = "wait"
            for name, end, states in (("a", first, [first, "none"]), ("b", second, [first, second])):
                world.end(name, _ENDS[end])
                if said == "wait":
                    said = engine_oracle.rule_says(rule.value, states)
                expected = {"run": "queued", "wait": "none"}.get(said, said)
                assert world.state("t") == expected, (first, second, name)
