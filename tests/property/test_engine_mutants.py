"""The state machine finds faults: each planted one is killed within a bounded number of examples."""

from __future__ import annotations

import pathlib

import pytest

from tests.property import mutants
from tradewind import engine


@pytest.mark.parametrize("mutant", [*mutants.QUICK, *mutants.THOROUGH], ids=lambda one: one.what)
def test_a_planted_fault_has_its_place_in_the_engine(mutant: mutants.Mutant) -> None:
    source = pathlib.Path(engine.__path__[0], f"{mutant.module}.py").read_text()
    assert mutants.with_fault(mutant, source) != source


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
