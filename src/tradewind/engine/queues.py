"""Ready tasks in order, under every limit: a task that is held back never keeps another one from running.

The elements of one task in one run are a `Group`: they share their pool, weight and limits. A group stands in the
*bucket* of its pool and slots; when a limit other than the pool's holds it back, it is *parked* under that limit, by
bucket, and the best of each bucket comes back when the limit gives way. A bucket whose pool is full is *closed*.

Invariant: a limit with room has no parked group in an open bucket, unless another group that it gave up stands there.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime

from tradewind.model.ids import RunKey

Bucket = tuple[str, int]
"""A pool and the slots that each of the bucket's tasks takes."""
Rank = tuple[int, datetime, RunKey, int]
"""Weight (negative), the run's date, the run, the task's place: a total order that a restart does not change."""


class Group:
    """The ready elements of one task in one run."""

    __slots__ = ("bucket", "elements", "origin", "place", "rank", "run_key", "task_id")

    def __init__(self, run_key: RunKey, task_id: str, bucket: Bucket, rank: Rank) -> None:
        self.run_key = run_key
        self.task_id = task_id
        self.bucket = bucket
        self.rank = rank
        self.elements: list[int] = []
        self.place: Hashable = None
        """None: nowhere; "bucket"; or the limit under which it is parked."""
        self.origin: Hashable = None
        """The limit that gave way and brought it back into its bucket."""

    def __lt__(self, other: Group) -> bool:
        return self.rank < other.rank


class Queues:
    """Buckets and parked groups."""

    def __init__(self) -> None:
        self._groups: dict[tuple[RunKey, str], Group] = {}
        self._buckets: dict[Bucket, list[Group]] = {}
        self._open: dict[Bucket, None] = {}
        self._of_pool: defaultdict[str, dict[Bucket, None]] = defaultdict(dict)
        self._parked: dict[Hashable, dict[Bucket, list[Group]]] = {}

    def push(self, run_key: RunKey, task_id: str, map_index: int, bucket: Bucket, rank: Rank) -> None:
        """An element is ready."""
        group = self._groups.get((run_key, task_id))
        if group is None:
            group = self._groups[run_key, task_id] = Group(run_key, task_id, bucket, rank)
        heapq.heappush(group.elements, map_index)
        if group.place is None:
            group.bucket, group.rank = bucket, rank
            self._enter(group)

    def _enter(self, group: Group) -> None:
        heap = self._buckets.get(group.bucket)
        if heap is None:
            heap = self._buckets[group.bucket] = []
            self._of_pool[group.bucket[0]][group.bucket] = None
        group.place = "bucket"
        heapq.heappush(heap, group)
        self._open[group.bucket] = None

    def best(self) -> Group | None:
        """The group with the best rank in all open buckets."""
        found: Group | None = None
        for bucket in list(self._open):
            heap = self._buckets[bucket]
            if not heap:
                del self._open[bucket]
            elif found is None or heap[0] < found:
                found = heap[0]
        return found

    def remove(self, group: Group) -> None:
        """Take the best group of its bucket out: none of its elements is ready."""
        taken = heapq.heappop(self._buckets[group.bucket])
        assert taken is group
        group.place = None
        if self._groups.get((group.run_key, group.task_id)) is group:
            del self._groups[group.run_key, group.task_id]

    def park(self, group: Group, limit: Hashable) -> None:
        """Hold the best group of its bucket back until `release(limit)`."""
        taken = heapq.heappop(self._buckets[group.bucket])
        assert taken is group
        group.place = limit
        heapq.heappush(self._parked.setdefault(limit, {}).setdefault(group.bucket, []), group)

    def close(self, bucket: Bucket) -> None:
        """Its pool has no room for it."""
        self._open.pop(bucket, None)

    def is_open(self, bucket: Bucket) -> bool:
        """Whether its tasks are tried: False where its pool is full, or does not exist."""
        return bucket in self._open

    def open_pool(self, pool: str) -> None:
        """The pool may have room again."""
        for bucket in self._of_pool.get(pool, ()):
            if self._buckets[bucket]:
                self._open[bucket] = None

    def release(self, limit: Hashable) -> None:
        """The limit gave way by one: the best of each bucket may try."""
        parked = self._parked.get(limit)
        if parked is None:
            return
        for bucket in list(parked):
            self.offer(limit, bucket)

    def offer(self, limit: Hashable, bucket: Bucket) -> None:
        """Who came from this limit did not use its room: the next one of the bucket may try."""
        parked = self._parked.get(limit)
        if parked is None or bucket not in parked:
            return
        group = heapq.heappop(parked[bucket])
        group.origin = limit
        self._enter(group)
        if not parked[bucket]:
            del parked[bucket]
            if not parked:
                del self._parked[limit]

    def release_all(self, limit: Hashable) -> None:
        """The limit is gone."""
        for heap in self._parked.pop(limit, {}).values():
            for group in heap:
                self._enter(group)

    def groups(self) -> Iterator[Group]:
        """All groups, wherever they are."""
        return iter(self._groups.values())

    def forget(self, run_key: RunKey, task_ids: Iterable[str]) -> None:
        """A run is gone; its groups go when they come up."""
        for task_id in task_ids:
            group = self._groups.pop((run_key, task_id), None)
            if group is not None:
                group.elements.clear()
            self._parked.pop(("task", run_key, task_id), None)
        self._parked.pop(("run", run_key), None)
