"""Labels on edges, and the functions that draw many edges at once: `chain`, `chain_linear`, `cross_downstream`."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tradewind.sdk import errors
from tradewind.sdk.node import DependencyMixin, listed

if TYPE_CHECKING:
    from tradewind.sdk.definition import DAG


class EdgeModifier(DependencyMixin):
    """Stands between two sides of `>>` and says something about the edges between them."""

    def __init__(self, label: str | None = None) -> None:
        self.label = label
        self._before: list[Any] = []
        self._after: list[Any] = []

    @property
    def roots(self) -> Sequence[Any]:
        return self._after

    @property
    def leaves(self) -> Sequence[Any]:
        return self._before

    def set_upstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        for thing in listed(other):
            self._before.append(thing)
            self._connect([thing], self._after)

    def set_downstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        for thing in listed(other):
            self._after.append(thing)
            self._connect(self._before, [thing])

    def update_relative(
        self, other: DependencyMixin, upstream: bool = True, edge_modifier: EdgeModifier | None = None
    ) -> None:
        side = self._before if upstream else self._after
        if not any(thing is other for thing in side):
            side.append(other)
            self._connect([other], self._after) if upstream else self._connect(self._before, [other])

    def _connect(self, before: Sequence[Any], after: Sequence[Any]) -> None:
        for first in before:
            for second in after:
                first.set_downstream(second, edge_modifier=self)

    def add_edge_info(self, dag: DAG, upstream_id: str, downstream_id: str) -> None:
        """Write the label down in the DAG."""
        dag.set_edge_info(upstream_id, downstream_id, {"label": self.label})


def Label(label: str) -> EdgeModifier:  # noqa: N802 - Airflow's name
    """A text on the edges between what stands left and right of it."""
    return EdgeModifier(label=label)


def chain(*tasks: Any) -> None:
    """Put each argument after the one before; of two lists next to each other, item after item."""
    for before, after in itertools.pairwise(tasks):
        if isinstance(before, DependencyMixin):
            before.set_downstream(after)
        elif isinstance(after, DependencyMixin):
            after.set_upstream(before)
        else:
            _chain_lists(list(before), list(after))


def _chain_lists(before: list[Any], after: list[Any]) -> None:
    if len(before) != len(after):
        said = f"lists next to each other must be equally long, here {len(before)} and {len(after)}"
        hint = "cross_downstream draws all edges between two lists; chain_linear does it for a whole chain"
        raise errors.ValueProblem.of("unequal-lists", "chain()", said, hint)
    for first, second in zip(before, after, strict=True):
        first.set_downstream(second)


def chain_linear(*elements: Any) -> None:
    """Put all of each argument after all of the one before."""
    if not elements:
        raise ValueError("chain_linear() needs tasks")
    if len(elements) == 1:
        raise ValueError("chain_linear() needs at least two arguments to put in order")
    for before, after in itertools.pairwise(elements):
        cross_downstream(listed(before), after)


def cross_downstream(from_tasks: Sequence[Any], to_tasks: Any) -> None:
    """Put every task of the second argument after every task of the first."""
    for task in listed(from_tasks):
        task.set_downstream(to_tasks)
