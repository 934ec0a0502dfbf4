"""Upstream task instances by state, kept by adding and taking away.

Invariant: a `Tally` equals a recount over the rows that its task sees. If it breaks, a task starts too early or never.
"""

from __future__ import annotations

from tradewind.model.states import TaskState


class Counts:
    """Numbers of upstream instances. `total` holds unfinished ones too."""

    __slots__ = (
        "failed",
        "removed",
        "setups",
        "setups_skipped",
        "setups_succeeded",
        "skipped",
        "success",
        "total",
        "upstream_failed",
    )

    def __init__(self) -> None:
        self.total = 0
        self.success = 0
        self.skipped = 0
        self.failed = 0
        self.upstream_failed = 0
        self.removed = 0
        self.setups = 0
        self.setups_succeeded = 0
        self.setups_skipped = 0

    @property
    def done(self) -> int:
        """Finished ones."""
        return self.success + self.skipped + self.failed + self.upstream_failed + self.removed

    @property
    def bad(self) -> int:
        """Failed ones of both kinds."""
        return self.failed + self.upstream_failed

    def shift(self, state: TaskState, sign: int, *, is_setup: bool) -> None:
        """Add (1) or take away (-1) one instance in this state."""
        self.total += sign
        if is_setup:
            self.setups += sign
        if state is TaskState.SUCCESS:
            self.success += sign
            if is_setup:
                self.setups_succeeded += sign
        elif state is TaskState.SKIPPED:
            self.skipped += sign
            if is_setup:
                self.setups_skipped += sign
        elif state is TaskState.FAILED:
            self.failed += sign
        elif state is TaskState.UPSTREAM_FAILED:
            self.upstream_failed += sign
        elif state is TaskState.REMOVED:
            self.removed += sign

    def add(self, other: Counts) -> None:
        """Add all of another."""
        for name in Counts.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_tuple(self) -> tuple[int, ...]:
        """For comparison in tests."""
        return tuple(getattr(self, name) for name in Counts.__slots__)


class Tally:
    """What one task sees above it: whole upstreams, and parts of upstreams in a common mapped group.

    A part is named by the group and the element of the group: all elements of the task that lie in this element of the
    group see it.
    """

    __slots__ = ("parts", "whole")

    def __init__(self) -> None:
        self.whole = Counts()
        self.parts: dict[tuple[str, int], Counts] = {}

    def shift(self, part: tuple[str, int] | None, state: TaskState, sign: int, *, is_setup: bool) -> None:
        """Count one upstream instance in or out."""
        if part is None:
            self.whole.shift(state, sign, is_setup=is_setup)
            return
        counts = self.parts.get(part)
        if counts is None:
            counts = self.parts[part] = Counts()
        counts.shift(state, sign, is_setup=is_setup)

    def seen(self, parts: list[tuple[str, int]]) -> Counts:
        """The sum of the whole and of these parts."""
        found = [counts for part in parts if (counts := self.parts.get(part)) is not None]
        if not found:
            return self.whole
        if len(found) == 1 and not self.whole.total:
            return found[0]
        total = Counts()
        total.add(self.whole)
        for counts in found:
            total.add(counts)
        return total
