"""Graphs of DAGs: drawn in the terminal, as DOT and as Mermaid."""

from __future__ import annotations

from tradewind.cli import graph
from tradewind.model.dagspec import ConstLength, DagSpec, EmptyBody, GroupSpec, Mapping, TaskSpec, TriggerRule


def spec(**upstreams: list[str]) -> DagSpec:
    tasks = tuple(
        TaskSpec(task_id=name, body=EmptyBody(), operator="E", upstream=tuple(above))
        for name, above in upstreams.items()
    )
    return DagSpec(dag_id="d", file="d.py", tasks=tasks)


def drawn(of: DagSpec) -> list[str]:
    return [f"{line} {task.task_id if task is not None else ''}".rstrip() for line, task in graph.draw(of)]


def test_a_chain_is_one_column() -> None:
    assert drawn(spec(a=[], b=["a"], c=["b"])) == ["● a", "● b", "● c"]


def test_a_fan_out_and_its_fan_in_take_two_lanes_however_wide() -> None:
    middle = {f"m{number}": ["a"] for number in range(50)}
    lines = drawn(spec(a=[], **middle, z=list(middle)))
    assert len({name for line in lines if (name := line.split()[-1])[0] in "amz"}) == 52
    assert max(line.index("●") for line in lines if "●" in line) <= 4
    assert lines[-1].endswith("● z")


def test_every_edge_is_drawn() -> None:
    lines = drawn(spec(a=[], b=["a"], c=["a"], d=["b", "c"]))
    assert lines == ["● a", "├─● b", "● │ c", "╰─┤", "  ● d"]


def test_a_label_tells_what_is_not_the_usual() -> None:
    mapping = Mapping(kind="expand", arguments=(("x", ConstLength(n=2)),))
    task = TaskSpec(
        task_id="t", body=EmptyBody(), operator="BashOperator", mapping=mapping, trigger_rule=TriggerRule.ALL_DONE
    )
    assert graph.label(task) == "t[]  (BashOperator, all_done)"


GROUPED = DagSpec(
    dag_id='say "hi"',
    file="d.py",
    tasks=(
        TaskSpec(task_id="a", body=EmptyBody(), edge_labels={"g.b": "first"}),
        TaskSpec(task_id="g.b", body=EmptyBody(), upstream=("a",), group_id="g"),
    ),
    groups=(GroupSpec(group_id="g"),),
)


def test_dot_quotes_names_and_puts_groups_into_clusters() -> None:
    text = graph.dot(GROUPED)
    assert text.startswith('digraph "say \\"hi\\"" {')
    assert 'subgraph "cluster_g" {' in text
    assert '"a" -> "g.b" [label="first"];' in text
    assert text.count("{") == text.count("}")


def test_mermaid_has_subgraphs_and_labels() -> None:
    text = graph.mermaid(GROUPED)
    assert text.splitlines()[0] == "flowchart LR"
    assert 'subgraph g0["g"]' in text
    assert 't0 -- "first" --> t1' in text
