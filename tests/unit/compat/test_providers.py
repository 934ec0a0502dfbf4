"""Providers: the real package where it is installed, stand-ins and opaque operators with a note where it is not."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tradewind import compat
from tradewind.compat import providers, table


def _run(source: str, *paths: Path, meaning: str = "3") -> Any:
    """What the source prints as JSON, run as a DAG file is: collecting, with the names on the path."""
    head = f"""
        import json, sys
        sys.path[:0] = {[str(compat.names_path()), *map(str, paths)]!r}
        from tradewind.sdk import registry
        with registry.collecting({meaning!r}) as found:
            pass
        registry._found.set(found)
        """
    code = textwrap.dedent(head) + textwrap.dedent(source)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=20)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _package(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / "airflow" / "providers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return root


def test_an_operator_of_an_absent_provider_keeps_its_place_and_names_the_package() -> None:
    found = _run("""
        from airflow.providers.apache.hive.operators.hive import HiveOperator
        print(json.dumps([HiveOperator.classpath, HiveOperator.reason, found.absent]))
        """)
    assert found[0] == "airflow.providers.apache.hive.operators.hive.HiveOperator"
    assert "install apache-airflow-providers-apache-hive" in found[1]
    assert found[2] == []


def test_a_hook_of_an_absent_provider_is_told_when_the_file_loads() -> None:
    notes = _run("""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook
        from airflow.providers.amazon.aws import hooks
        import airflow.providers.amazon.aws.hooks.sqs as sqs
        class Ours(S3Hook):
            pass
        hook = Ours(aws_conn_id="x")
        print(json.dumps(found.absent))
        """)
    assert len(notes) == 1
    assert notes[0].startswith("airflow.providers.amazon.aws.hooks.s3.S3Hook is not here: a task that uses it fails")
    assert "install apache-airflow-providers-amazon" in notes[0]


def test_an_old_path_leads_to_the_provider_that_has_it_now() -> None:
    found = _run("""
        from airflow.operators.postgres_operator import PostgresOperator
        from airflow.operators.check_operator import CheckOperator
        print(json.dumps([PostgresOperator.classpath, CheckOperator.classpath]))
        """)
    assert found == [
        "airflow.providers.postgres.operators.postgres.PostgresOperator",
        "airflow.providers.common.sql.operators.sql.SQLCheckOperator",
    ]


@pytest.mark.parametrize(
    "name", ["standard.operators.nothing", "cncf.kubernetes.operators.nothing", "common.compat.nothing"]
)
def test_a_module_that_a_provider_of_ours_has_not_is_a_mistake(name: str) -> None:
    found = _run(f"""
        try:
            import airflow.providers.{name}
        except ModuleNotFoundError as error:
            print(json.dumps(str(error)))
        """)
    assert found == f"No module named 'airflow.providers.{name}'"


def test_an_installed_provider_is_used_on_our_names(tmp_path: Path) -> None:
    root = _package(
        tmp_path,
        {
            "thing/__init__.py": "",
            "thing/hooks/__init__.py": "",
            "thing/hooks/thing.py": """
                from airflow.hooks.base import BaseHook
                class ThingHook(BaseHook):
                    def get_conn(self):
                        return 7
                """,
        },
    )
    found = _run(
        """
        from airflow.providers.thing.hooks.thing import ThingHook
        from airflow.hooks.base import BaseHook
        print(json.dumps([ThingHook().get_conn(), issubclass(ThingHook, BaseHook), found.absent]))
        """,
        root,
    )
    assert found == [7, True, []]


def test_of_a_real_airflow_beside_a_provider_nothing_else_is_seen(tmp_path: Path) -> None:
    root = _package(tmp_path, {"thing/__init__.py": "", "thing/module.py": "here = 1", "__init__.py": ""})
    (root / "airflow" / "__init__.py").write_text("raise RuntimeError('the real one')")
    (root / "airflow" / "secret_part.py").write_text("leaked = 1")
    found = _run(
        """
        import airflow
        from airflow.providers.thing import module
        try:
            import airflow.secret_part
        except ModuleNotFoundError as error:
            print(json.dumps([module.here, str(error), airflow.__file__.split("/")[-4:-1]]))
        """,
        root,
    )
    assert found == [1, "No module named 'airflow.secret_part'", ["compat", "names", "airflow"]]


def test_an_installed_module_that_needs_what_is_not_here_says_so_and_does_not_stop_the_file(tmp_path: Path) -> None:
    root = _package(
        tmp_path,
        {
            "thing/__init__.py": "",
            "thing/operators/__init__.py": "",
            "thing/operators/thing.py": "from airflow.nowhere import anything",
            "thing/operators/broken.py": "import no_such_library",
        },
    )
    found = _run(
        """
        from airflow.providers.thing.operators.thing import ThingOperator
        try:
            import airflow.providers.thing.operators.broken
        except ModuleNotFoundError as error:
            print(json.dumps([ThingOperator.reason, str(error)]))
        """,
        root,
    )
    assert "is installed, and airflow.providers.thing.operators.thing needs what is not here" in found[0]
    assert found[1] == "No module named 'no_such_library'"


def test_a_function_of_an_installed_module_that_needs_what_is_not_here_says_so_as_well(tmp_path: Path) -> None:
    root = _package(
        tmp_path,
        {
            "thing/__init__.py": "",
            "thing/loading/__init__.py": "from airflow.nowhere import anything",
            "thing/loading/below.py": "here = 1",
        },
    )
    found = _run(
        """
        from airflow.providers.thing.loading import import_it, below
        print(json.dumps([below.here, found.absent]))
        """,
        root,
    )
    assert found[0] == 1
    assert "airflow.providers.thing.loading.import_it is not here" in found[1][0]
    assert "needs what is not here" in found[1][0]


def test_a_module_that_an_installed_provider_has_not_is_a_mistake(tmp_path: Path) -> None:
    root = _package(tmp_path, {"thing/__init__.py": ""})
    found = _run(
        """
        try:
            import airflow.providers.thing.operators
        except ModuleNotFoundError as error:
            print(json.dumps(str(error)))
        """,
        root,
    )
    assert found == "No module named 'airflow.providers.thing.operators'"


def test_the_metadata_of_airflow_follows_the_meaning() -> None:
    source = """
        import airflow, importlib.metadata as metadata
        said = [airflow.__version__, metadata.version("apache-airflow"), metadata.version("Apache_Airflow")]
        try:
            said.append(metadata.version("apache-airflow-task-sdk"))
        except metadata.PackageNotFoundError:
            said.append(None)
        print(json.dumps(said))
        """
    assert _run(source) == ["3.3.2", "3.3.2", "3.3.2", "1.3.2"]
    assert _run(source, meaning="2") == ["2.11.2", "2.11.2", "2.11.2", None]


def test_every_old_name_of_a_provider_leads_to_one_that_is_told_apart() -> None:
    targets = [
        place.partition("|")[2]
        for names in table.TABLE.values()
        for place in names.values()
        if place.startswith("moved|")
    ]
    targets = [target for target in targets if target.startswith("airflow.providers.")]
    assert len(targets) > 80
    assert {providers.distribution(target).split("-providers-")[0] for target in targets} == {"apache-airflow"}
