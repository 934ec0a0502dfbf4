"""Triggers DAGs of an Airflow home, in Airflow's own environment; kept warm, so that a trigger costs milliseconds.

Runs beside the system and outside of what is measured of it. One JSON list of [dag_id, run_id] per line on stdin;
answers "ok" when all the runs are in the database. It triggers as Airflow's own command line does, without the API
server.
"""

import datetime
import json
import sys


def main() -> int:
    """Answer until stdin closes."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.utils.types import DagRunTriggeredByType

    out = sys.stdout
    sys.stdout = sys.stderr
    print("ready", file=out, flush=True)
    for line in sys.stdin:
        for dag_id, run_id in json.loads(line):
            trigger_dag(
                dag_id=dag_id,
                run_id=run_id,
                logical_date=None,
                run_after=datetime.datetime.now(datetime.UTC),
                triggered_by=DagRunTriggeredByType.CLI,
            )
        print("ok", file=out, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
