"""What real Airflow's timetables answer over long spans, told as counts and digests, printed as JSON.

Runs by the interpreter that `scripts/airflow-env` makes, beside `oracle_timetables.py`, which builds the timetables.

stdin:  [{"timetable": {...}, "start": T, "end": T, "step": MICROSECONDS, "whole": bool}]
stdout: one [COUNT, DIGEST, ENDED, SLOTS] for each: of a step of 0 the chain of runs from start to end with catchup, of
        any other what is next at each step without catchup. DIGEST is over the slots as JSON, ENDED says whether
        Airflow raised after COUNT of them, SLOTS are they themselves where `whole` asks for them, else null.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import oracle_timetables as oracle
from airflow.timetables import interval, trigger
from airflow.timetables.base import DagRunInfo, TimeRestriction


def main() -> None:
    """Answer every question of stdin."""
    for module in (interval, trigger):
        module.utcnow = oracle.CLOCK.utcnow
    trigger.time = oracle.CLOCK
    json.dump([answer(question) for question in json.load(sys.stdin)], sys.stdout)


def answer(question: dict[str, Any]) -> list[Any]:
    """Answer one question."""
    timetable = oracle.build(question["timetable"])
    slots: list[Any] = []
    digest = hashlib.sha256()
    ended = False
    asked = walk(timetable, question) if question["step"] else chain(timetable, question)
    try:
        for slot in asked:
            slots.append(slot)
            digest.update(json.dumps(slot).encode())
    except Exception:  # noqa: BLE001 - whatever it raises, it is an answer
        ended = True
    return [len(slots), digest.hexdigest(), ended, slots if question["whole"] else None]


def chain(timetable: Any, question: dict[str, Any]) -> Iterator[Any]:
    """Run after run."""
    start, end = oracle.moment(question["start"]), oracle.moment(question["end"])
    oracle.CLOCK.now = end
    restriction = TimeRestriction(start, end, True)
    info: DagRunInfo | None = None
    while info := timetable.next_dagrun_info_v2(last_dagrun_info=info, restriction=restriction):
        yield oracle.slot(info)


def walk(timetable: Any, question: dict[str, Any]) -> Iterator[Any]:
    """What is next as time goes on."""
    restriction = TimeRestriction(oracle.moment(question["start"]), None, False)
    last: DagRunInfo | None = None
    for at in range(question["start"], question["end"], question["step"]):
        oracle.CLOCK.now = oracle.moment(at)
        info = timetable.next_dagrun_info_v2(last_dagrun_info=last, restriction=restriction)
        yield oracle.slot(info)
        if info is not None and info.run_after <= oracle.CLOCK.now:
            last = info


if __name__ == "__main__":
    main()
