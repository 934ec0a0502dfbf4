"""Random DAGs as a DAG file, which real Airflow runs and which we load and run in the engine.

Every task does what a table says (succeed, fail, skip itself, decide), so both must come to the same states.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import NamedTuple

from tradewind.model.dagspec import TriggerRule

_RULES = [rule.value for rule in TriggerRule if rule is not TriggerRule.ALL_DONE_SETUP_SUCCESS]

_MIXED = ["act", "act", "empty", "branch", "short", "gentle", "mapped", "maker", "over", "over", "in_group", "in_group"]

_HEAD = """\
from airflow.exceptions import AirflowSkipException
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.python import BranchPythonOperator, PythonOperator, ShortCircuitOperator
from airflow.sdk import DAG, task_group


def act(how, i=-1):
    how = how if isinstance(how, str) else how[i]
    if how == "fail":
        raise ValueError("as the table says")
    if how == "skip":
        raise AirflowSkipException("as the table says")


def choose(followed):
    return followed


def refuse():
    return False


def make(hows):
    return None if hows == ["nothing"] else [[how] for how in hows]
"""


class Case(NamedTuple):
    """One task: what it does, below what, by which rule, where."""

    task_id: str
    upstream: tuple[str, ...]
    rule: str
    kind: str
    """act, empty, branch, short, gentle (a short circuit that respects rules), setup, teardown, mapped, in_group,
    maker (returns a list), over (mapped over a maker)."""
    how: tuple[str, ...]
    """Of each element; one for what is not mapped. Of a branch: what it follows, by full ids. Of a maker: what those
    over it do.
    """
    source: str = ""
    """The maker that it is mapped over."""


def cases(seed: int) -> list[Case]:
    """The tasks of one DAG."""
    draw = random.Random(seed)
    flavour = _flavour(seed)
    found: list[Case] = []
    for n in range(draw.randint(3, 7)):
        above = [one.task_id for one in found]
        upstream = tuple(sorted(draw.sample(above, min(len(above), draw.choice([1, 1, 2, 3])))))
        rule = draw.choice(["all_success", "all_success", *_RULES])
        kind = _kind(draw, flavour, n)
        if kind == "in_group" and rule == "always":
            rule = "all_done"  # Airflow allows no `always` in a mapped group
        if any(one.kind == "setup" and one.task_id in upstream for one in found):
            rule = "all_success"  # nor another rule directly below a setup
        makers = [one.task_id for one in found if one.kind == "maker" and one.task_id in upstream]
        if kind == "over" and len(makers) != 1:
            kind = "maker"
        if kind == "over" and rule not in ("all_success", "all_done", "none_failed"):
            # Below a failed maker Airflow comes to skipped or to upstream_failed, as its set of checks happens to be
            # ordered; and with `always` it fails what could wait: docs/decisions/0005.
            rule = "all_done"
        count = {"mapped": 3, "in_group": 3, "maker": draw.choice([0, 2, 3])}.get(kind, 1)
        how = tuple(draw.choice(["ok", "ok", "fail", "skip"]) for _ in range(count))
        if kind == "maker" and draw.randrange(6) == 0:
            how = ("nothing",)
        found.append(Case(f"t{n}", upstream, rule, kind, how, makers[0] if kind == "over" else ""))
    if any(one.kind == "setup" for one in found):
        setups = [one.task_id for one in found if one.kind == "setup"]
        last = found[-1].task_id
        upstream = tuple(sorted({*setups, last}))
        found.append(Case("down", upstream, "all_done_setup_success", "teardown", (draw.choice(["ok", "fail"]),)))
    return [_decided(draw, one, found) for one in found]


def _flavour(seed: int) -> str:
    if seed < 1000:
        return ("plain", "branch", "mapped", "group", "setup")[seed % 5]
    return "values" if seed < 2000 else "mixed"


def _kind(draw: random.Random, flavour: str, n: int) -> str:
    if flavour == "branch":
        return draw.choice(["act", "empty", "branch", "branch", "short", "gentle"])
    if flavour == "mapped":
        return draw.choice(["act", "mapped", "mapped"])
    if flavour == "group":
        return draw.choice(["act", "in_group", "in_group"]) if n else "in_group"
    if flavour == "setup":
        return "setup" if n == 0 else draw.choice(["act", "act", "setup"])
    if flavour == "values":
        return draw.choice(["act", "maker", "over", "over"]) if n else "maker"
    if flavour == "mixed":
        return draw.choice(_MIXED) if n else draw.choice(["setup", "setup", "maker", "act"])
    return draw.choice(["act", "act", "act", "empty"])


def _decided(draw: random.Random, case: Case, everything: list[Case]) -> Case:
    if case.kind != "branch":
        return case
    below = [full_id(one) for one in everything if case.task_id in one.upstream]
    if not below:
        return case._replace(kind="act", how=("ok",))
    return case._replace(how=tuple(sorted(draw.sample(below, draw.randint(1, len(below))))))


def full_id(one: Case) -> str:
    """With its group's prefix."""
    return f"g.{one.task_id}" if one.kind == "in_group" else one.task_id


# -- the file ------------------------------------------------------------------------------------------------------


def as_file(seeds: Sequence[int]) -> str:
    """One DAG file with a DAG for each seed."""
    return "\n\n".join([_HEAD, *(_as_dag(seed) for seed in seeds)]) + "\n"


def _as_dag(seed: int) -> str:
    found = cases(seed)
    inside = [one for one in found if one.kind == "in_group"]
    lines = [f'with DAG("d{seed}", schedule=None, catchup=False):', "    made = {}"]
    lines += [
        f"    made[{one.task_id!r}] = {_operator(one)}" for one in found if one.kind not in ("in_group", "teardown")
    ]
    if inside:
        lines += ["", '    @task_group(group_id="g")', "    def g(i):"]
        lines += [f"        made[{one.task_id!r}] = {_operator(one)}" for one in inside]
        lines += [f"        {_edge(a, one)}" for one in inside for a in one.upstream]
        lines += ["", "    g.expand(i=[0, 1, 2])", ""]
    for one in found:
        if one.kind == "teardown":
            setups = [other.task_id for other in found if other.kind == "setup"]
            names = ", ".join(f"made[{name!r}]" for name in setups)
            lines.append(f"    made[{one.task_id!r}] = {_operator(one)}.as_teardown(setups=[{names}])")
        if one.kind != "in_group":
            lines += [f"    {_edge(a, one)}" for a in one.upstream]
    return "\n".join(lines)


def _edge(above: str, one: Case) -> str:
    return f"made[{above!r}] >> made[{one.task_id!r}]"


def _operator(one: Case) -> str:
    name = f"task_id={one.task_id!r}"
    if one.kind != "teardown":
        name += f", trigger_rule={one.rule!r}"
    how = repr(one.how[0]) if one.how else ""
    match one.kind:
        case "maker":
            return f"PythonOperator({name}, python_callable=make, op_args=[{list(one.how)!r}])"
        case "over":
            return f"PythonOperator.partial({name}, python_callable=act).expand(op_args=made[{one.source!r}].output)"
        case "empty":
            return f"EmptyOperator({name})"
        case "branch":
            return f"BranchPythonOperator({name}, python_callable=choose, op_args=[{list(one.how)!r}])"
        case "short":
            return f"ShortCircuitOperator({name}, python_callable=refuse)"
        case "gentle":
            return f"ShortCircuitOperator({name}, python_callable=refuse, ignore_downstream_trigger_rules=False)"
        case "mapped":
            arguments = [[how] for how in one.how]
            return f"PythonOperator.partial({name}, python_callable=act).expand(op_args={arguments!r})"
        case "in_group":
            return f"PythonOperator({name}, python_callable=act, op_kwargs={{'how': {list(one.how)!r}, 'i': i}})"
        case "setup":
            return f"PythonOperator({name}, python_callable=act, op_args=[{how}]).as_setup()"
        case _:
            return f"PythonOperator({name}, python_callable=act, op_args=[{how}])"
