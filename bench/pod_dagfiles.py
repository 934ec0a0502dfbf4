"""DAG files whose tasks are pods: written for Airflow, the same bytes for all systems."""

from __future__ import annotations

from pprint import pformat
from typing import Any

_TEXT = """\
from datetime import datetime

from airflow import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator

ARGUMENTS = {arguments}

with DAG(
    {dag_id!r}, schedule=None, start_date=datetime(2026, 1, 1), catchup=False, max_active_tasks={tasks}
):
    for chain in range({chains}):
        previous = None
        if {spread_ms}:
            ARGUMENTS["annotations"] = {{"tradewind.test/runs-for": f"{{5000 + {spread_ms} * chain}}ms"}}
        for number in range({length}):
            pod = KubernetesPodOperator(task_id=f"c{{chain}}t{{number}}", name=f"c{{chain}}t{{number}}", **ARGUMENTS)
            if previous is not None:
                previous >> pod
            previous = pod
"""


def pods(dag_id: str, *, chains: int, length: int, at_once: int = 0, spread_ms: int = 0, **arguments: Any) -> str:
    """So many chains beside each other, each of so many pods, at most `at_once` alive; `arguments`: the operators'.

    `spread_ms`: pods that kwok plays run for 5 s in the first chain, and for so much longer in each next one.
    """
    return _TEXT.format(
        dag_id=dag_id,
        spread_ms=spread_ms,
        chains=chains,
        length=length,
        tasks=at_once or chains * length,
        arguments=pformat(arguments, width=110),
    )
