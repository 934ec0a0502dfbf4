"""Nodes of a DAG: what can be chained with `>>`, be it a task, a group, a result or a label.

Edges are kept on both ends as sets of ids (`upstream_task_ids`, `downstream_task_ids`), since DAG files read them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tradewind.sdk import errors

if TYPE_CHECKING:
    from tradewind.sdk.definition import DAG
    from tradewind.sdk.edges import EdgeModifier
    from tradewind.sdk.group import TaskGroup

_KEY = re.compile(r"[\w.-]+")
_GROUP_KEY = re.compile(r"[\w-]+")
_MAX_KEY = 250
_MAX_GROUP_KEY = 200


def check_key(key: Any, what: str, *, about: str = "") -> None:
    """Refuse what is no id: letters, digits, dashes, dots and underscores, at most 250 of them."""
    about = about or f"{what} {key!r}"
    if not isinstance(key, str):
        said = f"the id must be a text, not {type(key).__name__}: {key!r}"
        raise errors.ArgumentProblem.of("bad-id", about, said, "give it a name in quotes")
    if len(key) > _MAX_KEY:
        said = f"the id has {len(key)} characters, {_MAX_KEY} are allowed"
        raise errors.ValueProblem.of("bad-id", about, said, "shorten it")
    if not _KEY.fullmatch(key):
        said = "the id may hold only letters, digits, dashes, dots and underscores"
        raise errors.ValueProblem.of(
            "bad-id", about, said, "put a dash or an underscore where there is another character"
        )


def check_group_key(key: Any) -> None:
    """Refuse what is no group id: like a task's without dots, at most 200 characters."""
    about = f"task group {key!r}"
    check_key(key, "task group", about=about)
    if len(key) > _MAX_GROUP_KEY:
        said = f"the id has {len(key)} characters, {_MAX_GROUP_KEY} are allowed"
        raise errors.ValueProblem.of("bad-id", about, said, "shorten it")
    if not _GROUP_KEY.fullmatch(key):
        said = "a group's id may hold only letters, digits, dashes and underscores"
        raise errors.ValueProblem.of(
            "bad-id", about, said, "use an underscore in place of a dot; nest groups for a hierarchy"
        )


class DependencyMixin:
    """What can stand left or right of `>>` and `<<`."""

    @property
    def roots(self) -> Sequence[Any]:
        """Tasks without an upstream inside."""
        raise NotImplementedError

    @property
    def leaves(self) -> Sequence[Any]:
        """Tasks without a downstream inside."""
        raise NotImplementedError

    def set_upstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        """Put `other` (or each of a list) before this."""
        raise NotImplementedError

    def set_downstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        """Put `other` (or each of a list) after this."""
        raise NotImplementedError

    def update_relative(
        self, other: DependencyMixin, upstream: bool = True, edge_modifier: EdgeModifier | None = None
    ) -> None:
        """Learn that `other` was put before (or after) this; labels and groups keep note of it."""

    def __lshift__(self, other: Any) -> Any:
        self.set_upstream(other)
        return other

    def __rshift__(self, other: Any) -> Any:
        self.set_downstream(other)
        return other

    def __rrshift__(self, other: Any) -> Any:
        self.set_upstream(other)
        return self

    def __rlshift__(self, other: Any) -> Any:
        self.set_downstream(other)
        return self


class Node(DependencyMixin):
    """A task or a group: it has an id and a place."""

    dag: DAG
    task_group: TaskGroup | None
    upstream_task_ids: set[str]
    downstream_task_ids: set[str]

    @property
    def node_id(self) -> str:
        """The id, with the prefixes of its groups."""
        raise NotImplementedError

    @property
    def dag_id(self) -> str:
        """Id of its DAG."""
        dag = self.get_dag()
        return dag.dag_id if dag is not None else "_in_memory_dag_"

    @property
    def label(self) -> str | None:
        """The id without the prefix of its group."""
        group = self.task_group
        prefix = group.node_id if group is not None and group.prefix_group_id else None
        if prefix and self.node_id.startswith(f"{prefix}."):
            return self.node_id[len(prefix) + 1 :]
        return self.node_id

    def get_dag(self) -> DAG | None:
        """Its DAG, None before it has one."""
        raise NotImplementedError

    def set_upstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        relate(self, other, upstream=True, edge_modifier=edge_modifier)

    def set_downstream(self, other: Any, edge_modifier: EdgeModifier | None = None) -> None:
        relate(self, other, upstream=False, edge_modifier=edge_modifier)

    def mapped_groups(self) -> Iterator[TaskGroup]:
        """Mapped groups around this, the closest first."""
        group = self.task_group
        while group is not None:
            if group.expand_input is not None:
                yield group
            group = group.parent_group

    @property
    def upstream_list(self) -> list[Any]:
        """Direct upstream tasks."""
        dag = self.get_dag()
        return [dag.get_task(name) for name in sorted(self.upstream_task_ids)] if dag is not None else []

    @property
    def downstream_list(self) -> list[Any]:
        """Direct downstream tasks."""
        dag = self.get_dag()
        return [dag.get_task(name) for name in sorted(self.downstream_task_ids)] if dag is not None else []

    def get_direct_relative_ids(self, upstream: bool = False) -> set[str]:
        """Ids of the direct upstreams or downstreams."""
        return self.upstream_task_ids if upstream else self.downstream_task_ids

    def get_direct_relatives(self, upstream: bool = False) -> list[Any]:
        """Direct upstreams or downstreams."""
        return self.upstream_list if upstream else self.downstream_list

    def get_flat_relative_ids(self, *, upstream: bool = False) -> set[str]:
        """Ids of all tasks before or after this."""
        dag = self.get_dag()
        found: set[str] = set()
        pending = set(self.get_direct_relative_ids(upstream))
        while pending and dag is not None:
            name = pending.pop()
            if name not in found:
                found.add(name)
                pending |= dag.get_task(name).get_direct_relative_ids(upstream)
        return found

    def get_flat_relatives(self, upstream: bool = False) -> list[Any]:
        """All tasks before or after this."""
        dag = self.get_dag()
        names = sorted(self.get_flat_relative_ids(upstream=upstream))
        return [dag.get_task(name) for name in names] if dag is not None else []


def listed(other: Any) -> list[Any]:
    """One thing or several, as a list."""
    if isinstance(other, DependencyMixin):
        return [other]
    if isinstance(other, Iterable) and not isinstance(other, (str, bytes)):
        return list(other)
    return [other]


def relate(task: Node, other: Any, *, upstream: bool, edge_modifier: EdgeModifier | None) -> None:
    """Draw edges between a task and the roots or leaves of whatever stands on the other side."""
    others = listed(other)
    ends: list[Any] = []
    for thing in others:
        if not isinstance(thing, DependencyMixin):
            said = f"can only stand before or after a task or a group, not {type(thing).__name__}: {thing!r}"
            hint = "is a call or a `with` missing? a decorated function is a task only once it is called"
            raise errors.ArgumentProblem.of("unknown-dependency", f"task {task.node_id!r}", said, hint)
        thing.update_relative(task, not upstream, edge_modifier=edge_modifier)
        ends.extend(thing.leaves if upstream else thing.roots)
    for end in ends:
        _adopt(task, end)
        before, after = (end, task) if upstream else (task, end)
        before.downstream_task_ids.add(after.node_id)
        after.upstream_task_ids.add(before.node_id)
        if edge_modifier is not None and (dag := task.get_dag()) is not None:
            edge_modifier.add_edge_info(dag, before.node_id, after.node_id)


def _adopt(one: Any, other: Any) -> None:
    """Bring both into one DAG: a task that has none yet joins the other's."""
    mine, theirs = one.get_dag(), other.get_dag()
    if mine is theirs and mine is not None:
        return
    about = f"tasks {one.node_id!r} and {other.node_id!r}"
    if mine is None and theirs is None:
        said = "neither belongs to a DAG, so they cannot be put in order"
        raise errors.DagProblem.of("no-dag", about, said, "make them inside `with DAG(...)`, or pass dag=")
    if mine is None:
        one.dag = theirs
    elif theirs is None:
        other.dag = mine
    else:
        said = f"they belong to different DAGs, {mine.dag_id!r} and {theirs.dag_id!r}"
        hint = "an ExternalTaskSensor or a TriggerDagRunOperator connects tasks of two DAGs"
        raise errors.DagProblem.of("two-dags", about, said, hint)
