"""Airflow's names: every entry of the table is there, and nobody sees them but processes that load DAG files."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tradewind import compat
from tradewind.compat import modules, table
from tradewind.sdk import errors, registry
from tradewind.sdk.opaque import OpaqueOperator

_ENTRIES = [(module, name, place) for module, names in table.TABLE.items() for name, place in names.items()]


def test_every_entry_of_the_table_resolves() -> None:
    missing = []
    for module, name, place in _ENTRIES:
        try:
            if not place.startswith("moved|"):  # these need the finder: test_providers.py
                modules.resolve(place, f"{module}.{name}")
        except (AttributeError, ImportError) as error:
            missing.append(f"{module}.{name} ({place}): {error}")
    assert missing == []


def test_what_cannot_run_says_why() -> None:
    for module, name, place in _ENTRIES:
        kind, _, reason = place.partition("|")
        if kind not in ("operator", "later", "refused"):
            continue
        found: Any = modules.resolve(place, f"{module}.{name}")
        if kind == "operator":
            assert issubclass(found, OpaqueOperator)
            assert (found.reason, found.__name__, found.__module__) == (reason, name, module)
            assert reason
        elif not issubclass(found, Exception):
            assert (found.reason, found.refused) == (reason, kind == "refused")
            assert reason


def test_one_class_is_the_same_whichever_path_it_came_by() -> None:
    skips = {
        modules.attribute(module, "AirflowSkipException") for module in ("airflow.exceptions", "airflow.sdk.exceptions")
    }
    assert skips == {errors.AirflowSkipException}
    bash = {
        modules.attribute(module, "BashOperator")
        for module in (
            "airflow.operators.bash",
            "airflow.operators.bash_operator",
            "airflow.providers.standard.operators.bash",
        )
    }
    assert len(bash) == 1
    places = ("airflow.sdk", "airflow.utils.context", "airflow.models.taskinstance")
    assert len({modules.attribute(module, "Context") for module in places}) == 1


def test_a_name_that_nobody_has_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match=r"module 'airflow\.models' has no attribute 'Nothing'"):
        modules.attribute("airflow.models", "Nothing")


def test_what_the_module_of_the_pod_operator_imports_is_there_by_its_path_too() -> None:
    for module, name in (("callbacks", "KubernetesPodOperatorCallback"), ("utils.pod_manager", "OnFinishAction")):
        paths = [f"airflow.providers.cncf.kubernetes.{one}" for one in (module, "operators.pod")]
        assert len({modules.attribute(path, name) for path in paths}) == 1


def test_the_version_is_that_of_the_files_meaning() -> None:
    with registry.collecting("2"):
        assert modules.resolve("version|", "") == "2.11.2"
    with registry.collecting("3"):
        assert modules.resolve("version|", "") == "3.3.2"


def _run(source: str, *, names: bool) -> subprocess.CompletedProcess[str]:
    """Run code in a process of its own, with or without the names on its path."""
    head = f"import sys; sys.path.insert(0, {str(compat.names_path())!r})\n" if names else ""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", head + source], capture_output=True, text=True, check=False, timeout=20
    )


def test_in_an_ordinary_process_there_is_no_airflow() -> None:
    ran = _run("import tradewind.compat.modules\nimport airflow", names=False)
    assert ran.returncode == 1
    assert "No module named 'airflow'" in ran.stderr


def test_with_the_names_on_its_path_a_process_imports_them_by_every_road() -> None:
    ran = _run(
        "import json\n"
        "import airflow, airflow.models as models, airflow.utils.dates\n"
        "from airflow import DAG\n"
        "from airflow.sdk import DAG as new, task, __version__\n"
        "from airflow.operators.python_operator import PythonOperator\n"
        "from airflow.operators import python as module\n"
        "from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator\n"
        "from airflow.models import *\n"
        "print(json.dumps([DAG is new is models.DAG, module.PythonOperator is PythonOperator, airflow.__version__,\n"
        "    Variable.__module__, 'DAG' in dir(models), KubernetesPodOperator.__module__]))",
        names=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == [
        True, True, "3.3.2", "tradewind.sdk.variable", True, "tradewind.sdk.operators.pod",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("import airflow.nothing", "No module named 'airflow.nothing'"),
        ("from airflow.models import Nothing", "cannot import name 'Nothing' from 'airflow.models'"),
        ("from airflow.sdk import Taskk", "cannot import name 'Taskk' from 'airflow.sdk'"),
    ],
)
def test_what_is_not_there_fails_as_any_import_does(line: str, words: str) -> None:
    ran = _run(line, names=True)
    assert ran.returncode == 1
    assert words in ran.stderr


def test_a_file_pays_for_what_it_uses() -> None:
    ran = _run(
        "from airflow.sdk import DAG\n"
        "heavy = ('tradewind.sdk.operators.pod', 'tradewind.sdk.sensors.sensor', 'kubernetes', 'sqlalchemy')\n"
        "print([name for name in heavy if name in sys.modules])",
        names=True,
    )
    assert ran.stdout.strip() == "[]", ran.stderr
