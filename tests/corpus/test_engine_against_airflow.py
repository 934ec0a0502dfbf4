"""Random DAGs end in the engine in the states in which they end in real Airflow's `dag.test()`.

The file that Airflow runs is loaded by us, and the engine runs what came of it; each attempt does what the table says.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.corpus import engine_cases, oracle
from tests.unit.engine.world import World
from tradewind.engine.graph import Graph
from tradewind.model.dagspec import DagSpec
from tradewind.model.outcome import Failed, Outcome, Skipped, Success
from tradewind.model.rows import Attempt

SEEDS = (*range(300), *range(1000, 1100), *range(2000, 2100))
"""Of one feature each, of values that are mapped over, and of all features together."""
OTHER_MOMENT = frozenset({1086, 2006, 2095})
"""1086: here a task is skipped as soon as one above it was; `dag.test()` looks again only after a wave in which another
one above it failed. Airflow's scheduler would have looked before (decision 5: which came first may decide).
2006, 2095: a short circuit skips all below it; elements of a mapped task that were there already it forgets in Airflow.
"""
FILES = tuple(SEEDS[at : at + 20] for at in range(0, len(SEEDS), 20))
"""Seeds by file: Airflow reads a whole file again for every DAG of it."""


def _loaded(path: Path) -> dict[str, DagSpec]:
    command = [sys.executable, str(Path(__file__).with_name("our_specs.py")), str(path)]
    ran = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return {one.dag_id: one for one in msgspec.json.decode(ran.stdout, type=list[DagSpec])}


def _ours(seed: int, spec: DagSpec) -> tuple[str, dict[str, str]]:
    """The run's state and every task's, after each attempt did what the table says.

    `dag.test()` runs all that is scheduled before it looks what follows. Where one task of such a wave fails and
    another is skipped, `all_success` below them is upstream_failed there; here the first that ends decides (decision
    5), so in each wave those that fail end first.
    """
    table = {engine_cases.full_id(one): one for one in engine_cases.cases(seed)}
    world = World(spec)
    world.trigger(spec.dag_id)
    while wave := world.alive():
        ends = [(attempt, _outcome(attempt, table, spec)) for attempt in wave]
        for attempt, outcome in sorted(ends, key=lambda end: not isinstance(end[1], Failed)):
            case = table[attempt.task_id]
            value = list(case.how) if case.kind == "maker" and case.how != ("nothing",) else None
            world.step(world.ended(attempt, outcome, value))
    return world.run_state(dag_id=spec.dag_id), world.states(dag_id=spec.dag_id)


def _outcome(attempt: Attempt, table: dict[str, engine_cases.Case], spec: DagSpec) -> Outcome:
    case = table[attempt.task_id]
    below = [engine_cases.full_id(one) for one in table.values() if case.task_id in one.upstream]
    if case.kind == "branch":
        # What lies below a followed task is not decided against, even where it is directly below the branch too.
        graph = Graph(spec)
        followed = set(case.how)
        followed |= {other for one in followed for other in graph.relatives(one, down=True)}
        return Success(skips=tuple(one for one in below if one not in followed))
    if case.kind in ("short", "gentle"):
        spared = [engine_cases.full_id(one) for one in table.values() if one.kind == "teardown"]
        skips = tuple(one for one in below if one not in spared)
        return Success(skips=skips, skip_all_downstream=case.kind == "short")
    if case.kind == "maker":
        return Success()
    how = table[case.source].how[attempt.map_index] if case.source else case.how[max(attempt.map_index, 0)]
    if how == "ok":
        return Success()
    return Skipped(message="as the table says") if how == "skip" else Failed(message="as the table says")


def _theirs(answer: dict[str, Any]) -> tuple[str, dict[str, str]]:
    return answer["state"], {
        row["task_id"] if row["map_index"] < 0 else f"{row['task_id']}[{row['map_index']}]": row["state"] or "none"
        for row in answer["tasks"]
    }


@pytest.mark.airflow
@pytest.mark.long
@pytest.mark.timeout(1000)
@pytest.mark.parametrize("seeds", FILES, ids=lambda seeds: f"{seeds[0]}-{seeds[-1]}")
def test_random_dags_end_as_in_airflow(seeds: Sequence[int], tmp_path: Path) -> None:
    file = tmp_path / f"engine_cases_{seeds[0]}.py"
    file.write_text(engine_cases.as_file(seeds))
    theirs = oracle.states_of(file)
    specs = _loaded(file)
    different = {}
    for seed in seeds:
        ours, expected = _ours(seed, specs[f"d{seed}"]), _theirs(theirs[f"d{seed}"])
        if ours != expected and seed not in OTHER_MOMENT:
            different[seed] = {"ours": ours, "airflow": expected, "cases": engine_cases.cases(seed)}
    assert not different
