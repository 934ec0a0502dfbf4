"""The order of a DAG's tasks: each after its upstreams, ties by definition; and the circle where there is none."""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from tradewind.sdk import errors


def in_order(dag_id: str, upstreams: Mapping[str, frozenset[str]]) -> list[str]:
    """Ids in topological order; the mapping's order is that of definition. Raises AirflowDagCycleException."""
    place = {name: number for number, name in enumerate(upstreams)}
    after: dict[str, list[str]] = {name: [] for name in upstreams}
    waiting = {name: len(before) for name, before in upstreams.items()}
    for name, before in upstreams.items():
        for one in before:
            after[one].append(name)
    ready = [place[name] for name, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    names = list(upstreams)
    found: list[str] = []
    while ready:
        name = names[heapq.heappop(ready)]
        found.append(name)
        for later in after[name]:
            waiting[later] -= 1
            if waiting[later] == 0:
                heapq.heappush(ready, place[later])
    if len(found) < len(names):
        raise _cycle(dag_id, upstreams, set(names) - set(found))
    return found


def _cycle(dag_id: str, upstreams: Mapping[str, frozenset[str]], stuck: set[str]) -> errors.AirflowDagCycleException:
    """Walk upstream among the tasks that are stuck until one is met twice."""
    name = min(stuck)
    seen: list[str] = []
    while name not in seen:
        seen.append(name)
        name = min(upstreams[name] & stuck)
    circle = [*seen[seen.index(name) :], name]
    said = f"its tasks form a cycle: {' -> '.join(reversed(circle))}"
    return errors.AirflowDagCycleException.of("cycle", f"DAG {dag_id!r}", said, "take one of these edges away")
