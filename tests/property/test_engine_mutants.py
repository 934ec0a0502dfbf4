"""The state machine finds faults: each planted one is killed within a bounded number of examples."""

from __future__ import annotations

import pytest

from tests.property import mutants


@pytest.mark.parametrize("mutant", mutants.QUICK, ids=lambda one: one.what)
def test_a_planted_fault_is_found_soon(mutant: mutants.Mutant) -> None:
    assert mutants.is_killed(mutant, examples=200)


@pytest.mark.long
@pytest.mark.parametrize("mutant", mutants.THOROUGH, ids=lambda one: one.what)
def test_a_planted_fault_is_found(mutant: mutants.Mutant) -> None:
    assert mutants.is_killed(mutant, examples=2000)


def test_an_engine_without_a_planted_fault_survives_as_many_examples() -> None:
    harmless = mutants.Mutant("nothing", "engine", '"""Runs in memory, one batch in flight."""', '"""Runs."""')
    assert not mutants.is_killed(harmless, examples=200)
