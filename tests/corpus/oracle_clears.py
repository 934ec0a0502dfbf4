"""What Airflow 2 would clear: `dag.clear(dry_run=True)` after every task succeeded, printed as JSON.

Runs by an interpreter that `scripts/airflow-env` makes, never by ours, and imports nothing of this project.

usage: oracle_clears.py HOME FILE
stdin:  {"runs": [[DAG_ID, DATE], ...], "clears": [[DAG_ID, DATE, [TASK_ID, ...], DOWNSTREAM], ...]}
prints: for each clear a sorted list of [DAG_ID, DATE, TASK_ID], or the error's text
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(argv: list[str]) -> int:
    """Tell them."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    os.environ.update(
        AIRFLOW_HOME=argv[1],
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=os.path.dirname(argv[2]),
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{argv[1]}/airflow.db",
        PYTHONWARNINGS="ignore",
    )
    from airflow.models import DagBag
    from airflow.utils.db import initdb

    asked = json.load(sys.stdin)
    initdb()
    bag = DagBag(argv[2], include_examples=False)
    bag.sync_to_db()
    for dag_id, date in asked["runs"]:
        make_run(bag.dags[dag_id], date)
    with out:
        json.dump([clear(bag.dags[dag_id], *rest) for dag_id, *rest in asked["clears"]], out)
    return 0


def make_run(dag: Any, date: str) -> None:
    """A run of which all is done."""
    import pendulum
    from airflow.utils.session import create_session
    from airflow.utils.state import DagRunState, TaskInstanceState
    from airflow.utils.types import DagRunType

    moment = pendulum.parse(date)
    with create_session() as session:
        run = dag.create_dagrun(
            run_id=date,
            run_type=DagRunType.MANUAL,
            state=DagRunState.SUCCESS,
            execution_date=moment,
            data_interval=(moment, moment),
            session=session,
        )
        for ti in run.get_task_instances(session=session):
            ti.state = TaskInstanceState.SUCCESS


def clear(dag: Any, date: str, task_ids: list[str], downstream: bool) -> Any:
    """What it would clear, as the command line and the pages ask for it."""
    import pendulum

    part = dag.partial_subset(task_ids_or_regex=task_ids, include_downstream=downstream, include_upstream=False)
    moment = pendulum.parse(date)
    try:
        found = part.clear(start_date=moment, end_date=moment, dry_run=True)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is Airflow's answer
        return str(error)
    return sorted([ti.dag_id, ti.run_id, ti.task_id] for ti in found)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
