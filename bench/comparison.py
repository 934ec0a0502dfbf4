"""Medians, spread, and how many times better one system is, with a confidence bound."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

RESAMPLES = 10_000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """How many times better: the ratio of medians, and the bounds of its confidence interval. None: too few samples."""

    value: float
    low: float | None
    high: float | None


def quartiles(samples: Sequence[float]) -> tuple[float, float, float]:
    """First quartile, median, third quartile; with one sample all are that one."""
    if len(samples) == 1:
        return samples[0], samples[0], samples[0]
    first, middle, third = statistics.quantiles(samples, n=4, method="inclusive")
    return first, middle, third


def times_better(theirs: Sequence[float], ours: Sequence[float], *, higher_is_better: bool) -> Ratio:
    """Ratio of medians with a percentile bootstrap: samples are drawn anew, in pairs where both have as many.

    Pairs were taken next to each other, so what slowed the machine down for one slowed the other down too.
    """
    draw = random.Random(20260101)  # the same figures from the same samples

    def ratio(a: Sequence[float], b: Sequence[float]) -> float:
        top, bottom = statistics.median(a), statistics.median(b)
        return bottom / top if higher_is_better else top / max(bottom, 1e-9)

    value = ratio(theirs, ours)
    if min(len(theirs), len(ours)) < 3:
        return Ratio(value=value, low=None, high=None)
    found = []
    for _ in range(RESAMPLES):
        if len(theirs) == len(ours):
            chosen = draw.choices(range(len(ours)), k=len(ours))
            found.append(ratio([theirs[i] for i in chosen], [ours[i] for i in chosen]))
        else:
            found.append(ratio(draw.choices(theirs, k=len(theirs)), draw.choices(ours, k=len(ours))))
    found.sort()
    tail = (1 - CONFIDENCE) / 2
    return Ratio(value=value, low=found[int(RESAMPLES * tail)], high=found[int(RESAMPLES * (1 - tail)) - 1])
