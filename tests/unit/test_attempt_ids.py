"""Ids of attempts: unique, short, and in the order in which they were made."""

from __future__ import annotations

import time

from tradewind.clock import SystemRandom


def test_ids_of_attempts_are_20_characters_that_fit_a_label_and_none_comes_twice() -> None:
    made = [SystemRandom().attempt_id() for _ in range(10_000)]
    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {20}
    assert all(one.isalnum() and one == one.lower() for one in made)


def test_an_id_that_is_made_later_sorts_behind() -> None:
    made = []
    for _ in range(20):
        made.append(SystemRandom().attempt_id())
        time.sleep(0.002)
    assert made == sorted(made)
