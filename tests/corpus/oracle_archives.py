"""What real Airflow finds in zip archives: DAGs with the files they come from, and import errors.

Runs by Airflow's interpreter, never by ours, and imports nothing of this project.

usage: oracle_archives.py HOME FOLDER
prints: {"dags": {DAG_ID: FILE}, "errors": [FILE, ...]}, files relative to FOLDER
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


def main(argv: list[str]) -> int:
    """Tell them."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    home, folder = argv[1], Path(argv[2])
    os.environ.update(
        AIRFLOW_HOME=home,
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
        PYTHONWARNINGS="ignore",
    )
    from airflow.dag_processing.dagbag import BundleDagBag

    bag = BundleDagBag(dag_folder=folder, bundle_path=folder, bundle_name="dags-folder")
    told = {
        "dags": {dag_id: os.path.relpath(dag.fileloc, folder) for dag_id, dag in bag.dags.items()},
        "errors": sorted(os.path.relpath(folder / path, folder) for path in bag.import_errors),
    }
    with out:
        json.dump(told, out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
