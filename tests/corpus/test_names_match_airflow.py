"""Every name that Airflow's SDK exports, and every exception, is in the table of names."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from typing import Any

import pytest

from tests.corpus import airflow_names, oracle
from tradewind import compat
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


# What Airflow's own modules imported and so came into its table; nobody imports it from there.
_ACCIDENTS = {("airflow.hooks.jdbc_hook", "jaydebeapi"), ("airflow.operators.postgres_operator", "Mapping")}


@pytest.mark.parametrize("major", ["3", "2"])
def test_every_path_that_airflow_redirects_is_in_the_table(major: str) -> None:
    redirected = airflow_names.redirected(major)
    assert len(redirected) > 100
    missing = [
        f"{module}.{name} (now {target})"
        for (module, name), target in redirected.items()
        if name[0] not in "_*"
        and table.find(module, name) is None
        and not module.startswith("airflow.contrib.")
        and (module, name) not in _ACCIDENTS
    ]
    assert missing == []


def test_every_module_that_airflow_redirects_as_a_whole_is_in_the_table() -> None:
    whole = {module for module, name in airflow_names.redirected("3") if name == "*"}
    assert {module for module in whole if not table.has_module(module)} == {"airflow.utils.entry_points"}  # its inside


def test_every_name_of_contrib_can_be_imported() -> None:
    names = [one for one in airflow_names.redirected("2") if one[0].startswith("airflow.contrib.") and one[1][0] != "_"]
    assert len(names) > 400
    lines = "\n".join(f"from {module} import {name}" for module, name in names)
    code = f"import sys; sys.path.insert(0, {str(compat.names_path())!r})\n{lines}"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_every_name_of_the_standard_provider_is_in_the_table() -> None:
    inside = {"target_times_as_dates"}
    missing = {
        module: [name for name in names if table.find(module, name) is None and name not in inside]
        for module, names in airflow_names.defined("providers/standard").items()
    }
    assert {module: names for module, names in missing.items() if names} == {}


def test_every_name_that_the_compat_provider_hands_on_is_in_the_table() -> None:
    import ast

    source = (oracle.package() / "providers" / "common" / "compat" / "sdk.py").read_text(encoding="utf-8")
    maps = [
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.AnnAssign) and isinstance(node.value, ast.Dict) and isinstance(node.target, ast.Name)
    ]
    names = {str(key.value) for one in maps for key in one.keys if isinstance(key, ast.Constant)}
    assert len(names) > 80
    assert names - set(table.names_of("airflow.providers.common.compat.sdk")) == set()
