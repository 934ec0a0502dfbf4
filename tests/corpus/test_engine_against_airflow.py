"""Random DAGs end in the engine in the states in which they end in real Airflow's `dag.test()`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import engine_cases, oracle
from tests.unit.engine.world import World
from tradewind.engine.graph import Graph
from tradewind.model.dagspec import DagSpec
from tradewind.model.outcome import Failed, Outcome, Skipped, Success
from tradewind.model.rows import Attempt

SEEDS = [*range(50), *range(1000, 1020)]


def _ours(seed: int) -> tuple[str, dict[str, str]]:
    """The run's state and every task's, after each attempt did what the table says, in order of launch."""
    spec = engine_cases.as_spec(seed)
    table = {engine_cases.full_id(one): one for one in engine_cases.cases(seed)}
    world = World(spec)
    world.trigger(spec.dag_id)
    while alive := world.alive():
        attempt = alive[0]
        case = table[attempt.task_id]
        value = list(case.how) if case.kind == "maker" and case.how != ("nothing",) else None
        world.step(world.ended(attempt, _outcome(attempt, table, spec), value))
    return world.run_state(dag_id=spec.dag_id), world.states(dag_id=spec.dag_id)


def _outcome(attempt: Attempt, table: dict[str, engine_cases.Case], spec: DagSpec) -> Outcome:
    case = table[attempt.task_id]
    below = [engine_cases.full_id(one) for one in table.values() if case.task_id in one.upstream]
    if case.kind == "branch":
        # What lies below a followed task is not decided against, even where it is directly below the branch too.
        graph = Graph(spec)
        followed = {engine_cases.full_id(one) for one in table.values() if one.task_id in case.how}
        followed |= {other for one in followed for other in graph.relatives(one, down=True)}
        return Success(skips=tuple(one for one in below if one not in followed))
    if case.kind in ("short", "gentle"):
        return Success(skips=tuple(below), skip_all_downstream=case.kind == "short")
    if case.kind == "maker":
        return Success()
    how = table[case.source].how[attempt.map_index] if case.source else case.how[max(attempt.map_index, 0)]
    if how == "ok":
        return Success()
    return Skipped(message="as the table says") if how == "skip" else Failed(message="as the table says")


@pytest.mark.airflow
@pytest.mark.long
def test_random_dags_end_as_in_airflow(tmp_path: Path) -> None:
    file = tmp_path / "engine_cases_file.py"
    file.write_text(engine_cases.as_file(SEEDS))
    theirs = oracle.states_of(file)
    different = {}
    for seed in SEEDS:
        answer = theirs[f"d{seed}"]
        states = {
            row["task_id"] if row["map_index"] < 0 else f"{row['task_id']}[{row['map_index']}]": row["state"] or "none"
            for row in answer["tasks"]
        }
        ours = _ours(seed)
        if ours != (answer["state"], states):
            different[seed] = {"ours": ours, "airflow": (answer["state"], states), "cases": engine_cases.cases(seed)}
    assert not different
