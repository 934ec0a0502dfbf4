"""What real Airflow makes of a DAG file: `dag.test()` on each of its DAGs, printed as JSON.

Runs by the interpreter that `scripts/airflow-env` makes, never by ours, and imports nothing of this project. Every call
works in an AIRFLOW_HOME of its own (SQLite, migrated once per Airflow version and copied), on a copy of the file, so
that no call sees another's rows. Where a value names that home, the report says `~home~` instead.

usage: oracle_states.py FILE TEMPLATE_DB [CONF [BESIDE...]]    CONF: JSON, what the runs are triggered with
prints: {"airflow": "3.3.2", "dags": {DAG_ID: {"logical_date", "state",
         "tasks": [{"task_id", "map_index", "state", "try_number"}],
         "xcom": {"TASK" or "TASK[I]": {KEY: VALUE}}}}}       VALUE as Airflow's database holds it
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

HOME = "~home~"
"""What stands for the home in the report."""


def main(argv: list[str]) -> int:
    """Run every DAG of the file named first; the second argument is where the migrated database is kept."""
    source, template = Path(argv[1]), Path(argv[2])
    conf = json.loads(argv[3]) if len(argv) > 3 else None
    # What tasks print must not mix with the report: from here on file descriptor 1 is stderr.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory(prefix="tradewind-oracle-") as folder:
        home = Path(folder)
        prepare(home, [source, *map(Path, argv[4:])])
        provide_database(home, template)
        report = run_all(home / "dags", source.name, conf)
        told = json.dumps(report, sort_keys=True).replace(str(home), HOME)
    with out:
        out.write(told)
    return 0


def prepare(home: Path, sources: list[Path]) -> None:
    """Lay out the home and point Airflow to it; must come before the first import of Airflow."""
    (home / "dags").mkdir()
    for source in sources:
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, home / "dags" / source.name)
    os.environ.update(
        AIRFLOW_HOME=str(home),
        AIRFLOW__CORE__DAGS_FOLDER=str(home / "dags"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__UNIT_TEST_MODE="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        AIRFLOW__LOGGING__BASE_LOG_FOLDER=str(home / "logs"),
        TZ="UTC",
    )


def provide_database(home: Path, template: Path) -> None:
    """Copy the migrated database, making it first if this version of Airflow has none yet."""
    if template.exists():
        copy_database(template, home / "airflow.db")
        return
    from airflow.utils.db import initdb

    initdb()
    draft = template.with_suffix(f".{os.getpid()}")
    copy_database(home / "airflow.db", draft)
    draft.replace(template)


def copy_database(source: Path, target: Path) -> None:
    """Copy by SQLite's own means: the newest pages may still be in the write-ahead log beside the file."""
    with contextlib.closing(sqlite3.connect(source)) as old, contextlib.closing(sqlite3.connect(target)) as new:
        old.backup(new)


def run_all(folder: Path, name: str, conf: dict[str, Any] | None) -> dict[str, Any]:
    """One `dag.test()` per DAG of the file, in the order of their ids; of what lies beside it no DAG is run."""
    from airflow import __version__
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    if bag.import_errors:
        raise SystemExit(f"Airflow does not load the file: {bag.import_errors}")
    own = sorted(dag_id for dag_id, dag in bag.dags.items() if Path(dag.fileloc).name == name)
    return {"airflow": __version__, "dags": {dag_id: run_one(bag.dags[dag_id], conf) for dag_id in own}}


def run_one(dag: Any, conf: dict[str, Any] | None) -> dict[str, Any]:
    """Run one DAG to its end and read back what the database says of it."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    run = dag.test(run_conf=conf)
    with create_session() as session:
        tasks = session.query(TaskInstance).filter_by(dag_id=dag.dag_id, run_id=run.run_id).all()
        values = session.query(XComModel).filter_by(dag_id=dag.dag_id, run_id=run.run_id).all()
        return {
            "logical_date": run.logical_date.isoformat(),
            "state": str(run.state),
            "tasks": sorted(
                (
                    {"task_id": t.task_id, "map_index": t.map_index, "state": t.state, "try_number": t.try_number}
                    for t in tasks
                ),
                key=lambda row: (row["task_id"], row["map_index"]),
            ),
            "xcom": by_task(values),
        }


def by_task(values: list[Any]) -> dict[str, dict[str, Any]]:
    """XCom rows as one object per task instance; the column holds JSON, at times JSON in a string."""
    found: dict[str, dict[str, Any]] = {}
    for row in values:
        name = row.task_id if row.map_index < 0 else f"{row.task_id}[{row.map_index}]"
        value = row.value
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError:
                pass
        found.setdefault(name, {})[row.key] = value
    return found


if __name__ == "__main__":
    raise SystemExit(main(sys.argv))
