"""XComs are written as Airflow 3.3 writes them, and what comes back is what comes back there.

`DIFFERENCES` holds every value for which it is otherwise, and why.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.corpus import oracle
from tradewind.sdk import serde

pytestmark = pytest.mark.airflow

_PROGRAM = Path(__file__).with_name("oracle_serde.py")
DIFFERENCES = {
    "mapping proxy": "any Mapping is written here",
    "deque": "any Sequence is written here",
    "range": "any Sequence is written here",
    "moment with offset": "Airflow cannot read what it wrote",
    "UTC": "Airflow takes zones of pendulum and zoneinfo only",
    "old attrs": "Airflow cannot make one again whose field begins with _",
    "pendulum span": "Airflow has none of pendulum's spans; here it comes back as a timedelta",
}


@functools.cache
def _cases() -> ModuleType:
    """By the name that Airflow's interpreter knows them by, so that classes are named alike."""
    spec = importlib.util.spec_from_file_location("serde_cases", _PROGRAM.with_name("serde_cases.py"))
    assert spec is not None and spec.loader is not None  # noqa: PT018
    module = importlib.util.module_from_spec(spec)
    sys.modules["serde_cases"] = module
    spec.loader.exec_module(module)
    return module


@functools.cache
def _theirs() -> dict[str, Any]:
    ran = subprocess.run([oracle.interpreter(), _PROGRAM], capture_output=True, text=True, timeout=120, check=True)
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def _ours(name: str) -> dict[str, Any]:
    try:
        plain = json.loads(serde.encode(_cases().CASES[name]())[0])
    except serde.Unserialisable:
        return {"raised": "Unserialisable"}
    try:
        back = serde.from_plain(plain)
    except Exception as error:  # noqa: BLE001 - whatever is raised is the answer
        return {"plain": plain, "back": {"raised": type(error).__name__}}
    return {"plain": plain, "back": [f"{type(back).__module__}.{type(back).__qualname__}", repr(back)]}


def _is_alike(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    if "raised" in ours or "raised" in theirs:
        return "raised" in ours and "raised" in theirs
    if isinstance(ours["back"], dict) or isinstance(theirs["back"], dict):
        return ours["plain"] == theirs["plain"] and isinstance(ours["back"], dict) and isinstance(theirs["back"], dict)
    return ours == theirs


def test_every_value_is_written_and_read_as_in_airflow() -> None:
    found = {name: (_ours(name), _theirs()[name]) for name in _cases().CASES}
    different = {name: pair for name, pair in found.items() if not _is_alike(*pair)}
    assert {name: pair for name, pair in different.items() if name not in DIFFERENCES} == {}
    assert sorted(different) == sorted(DIFFERENCES)
