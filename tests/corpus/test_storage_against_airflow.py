"""Paths in object stores do what Airflow's do, on local files and in memory; where they do more, it is listed."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import oracle
from tradewind import compat

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(120)]

_PROGRAM = Path(__file__).with_name("oracle_storage.py")
_UNOPENED = {"raised": "ValueError"}
"""What Airflow says of a scheme that no provider opens, in half of the methods; the others read and write there."""


@functools.cache
def _told(interpreter: str, *options: str) -> dict[str, Any]:
    ours = {"PYTHONPATH": str(compat.names_path())} if interpreter == sys.executable else {}
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [interpreter, _PROGRAM, folder, *options],
            capture_output=True, text=True, check=True, timeout=100, env={**os.environ, **ours},
        )  # fmt: skip
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def _different(*options: str) -> dict[str, tuple[Any, Any]]:
    theirs, ours = _told(oracle.interpreter(), *options), _told(sys.executable, *options)
    assert set(theirs) == set(ours)
    return {name: (theirs[name], ours[name]) for name in theirs if theirs[name] != ours[name]}


def test_what_a_path_is_and_does_is_what_it_is_in_airflow() -> None:
    different = _different()
    assert len(_told(sys.executable)) > 900
    loses_its_connection = {name for name in different if name.endswith(": copied")}
    assert len(loses_its_connection) == 3
    opened = {name for name, (theirs, _) in different.items() if theirs == _UNOPENED}
    assert sorted(set(different) - loses_its_connection - opened) == []


def test_on_attached_stores_everything_is_the_same() -> None:
    assert _different("attached") == {}
    assert len(_told(sys.executable, "attached")) > 80


def test_a_scheme_that_only_the_library_knows_works_as_if_it_were_attached() -> None:
    opened = {name: ours for name, (theirs, ours) in _different().items() if theirs == _UNOPENED}
    assert len(opened) > 15
    attached = _told(oracle.interpreter(), "attached")
    assert opened == {name: attached[name] for name in opened}
