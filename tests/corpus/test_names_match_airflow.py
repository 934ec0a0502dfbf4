"""Every name that Airflow's SDK exports, and every exception, is in the table of names."""

from __future__ import annotations

import functools
import json
import subprocess
from typing import Any

import pytest

from tests.corpus import oracle
from tradewind.compat import modules, table

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(120)]

_ASK = """
import json, airflow.sdk as sdk, airflow.sdk.exceptions as all
raised = [n for n, v in vars(all).items() if isinstance(v, type) and issubclass(v, BaseException) and n[0] != "_"]
print(json.dumps({"names": sorted(sdk.__all__), "version": sdk.__version__, "exceptions": raised}))
"""


@functools.cache
def _told() -> dict[str, Any]:
    ran = subprocess.run([oracle.interpreter(), "-c", _ASK], capture_output=True, text=True, check=True, timeout=100)
    told: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return told


def test_every_name_of_the_sdk_is_in_the_table() -> None:
    assert len(_told()["names"]) > 50
    assert sorted(set(_told()["names"]) - set(table.names_of("airflow.sdk"))) == []


def test_the_sdk_says_the_version_that_airflow_says() -> None:
    assert modules.resolve(table.TABLE["airflow.sdk"]["__version__"], "") == _told()["version"]


def test_every_exception_of_the_sdk_is_in_the_table() -> None:
    assert len(_told()["exceptions"]) > 10
    assert sorted(set(_told()["exceptions"]) - set(table.names_of("airflow.sdk.exceptions"))) == []
