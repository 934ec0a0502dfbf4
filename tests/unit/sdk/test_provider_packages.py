"""What installed provider packages say of themselves: here, hooks by type of connection."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tradewind import compat
from tradewind.sdk import configuration, errors
from tradewind.sdk.connection import Connection
from tradewind.sdk.hooks import filesystem


def _install(root: Path, name: str, info: str) -> None:
    for path, text in {
        f"airflow/providers/{name}/__init__.py": "",
        f"airflow/providers/{name}/info.py": info,
        f"airflow/providers/{name}/hooks.py": f"""
            from airflow.sdk import BaseHook
            class Hook(BaseHook):
                conn_name_attr = "{name}_conn_id"
                def __init__(self, {name}_conn_id="default", schema=None):
                    super().__init__()
                    self.said = [{name}_conn_id, schema]
            """,
        f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{name}-1.0.dist-info/entry_points.txt": f"""
            [apache_airflow_provider]
            provider_info = airflow.providers.{name}.info:get_provider_info
            """,
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(textwrap.dedent(text), encoding="utf-8")


_INFO = """
    def get_provider_info():
        return {"connection-types": [
            {"connection-type": "thing", "hook-class-name": "airflow.providers.thing.hooks.Hook"}]}
    """


def _run(root: Path, source: str) -> Any:
    head = f"import json, sys; sys.path[:0] = {[str(compat.names_path()), str(root)]!r}\n"
    code = head + textwrap.dedent(source)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=20)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_the_hook_of_a_connection_is_that_of_the_installed_package(tmp_path: Path) -> None:
    _install(tmp_path, "thing", _INFO)
    found = _run(
        tmp_path,
        """
        from airflow.sdk import Connection
        hook = Connection(conn_id="mine", conn_type="thing").get_hook(hook_params={"schema": "s"})
        print(json.dumps([type(hook).__module__, hook.said]))
        """,
    )
    assert found == ["airflow.providers.thing.hooks", ["mine", "s"]]


def test_a_package_that_cannot_say_does_not_take_the_others_along(tmp_path: Path) -> None:
    _install(tmp_path, "broken", "raise RuntimeError('broken')")
    _install(tmp_path, "thing", _INFO)
    found = _run(
        tmp_path,
        """
        from airflow.sdk import Connection
        print(json.dumps(Connection(conn_id="mine", conn_type="thing").get_hook().said))
        """,
    )
    assert found == ["mine", None]


def test_a_type_that_no_package_has_is_airflows_error_and_says_what_to_do() -> None:
    with pytest.raises(errors.AirflowException, match='Unknown hook type "nothing"\nhint: install the provider'):
        Connection(conn_id="mine", conn_type="nothing").get_hook()


def test_types_of_what_is_here_need_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_MINE", "fs://")
    assert isinstance(Connection(conn_id="mine", conn_type="fs").get_hook(), filesystem.FSHook)


def test_an_option_that_names_an_import_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    conf = configuration.Configuration()
    assert conf.getimport("aws", "session_factory", fallback=None) is None
    monkeypatch.setenv("AIRFLOW__AWS__SESSION_FACTORY", "json.JSONDecoder")
    assert conf.getimport("aws", "session_factory") is json.JSONDecoder
    monkeypatch.setenv("AIRFLOW__AWS__SESSION_FACTORY", "json.Nothing")
    with pytest.raises(errors.AirflowConfigException, match="cannot be imported"):
        conf.getimport("aws", "session_factory")


def test_a_mandatory_option_without_a_value_is_an_error() -> None:
    conf = configuration.Configuration()
    with pytest.raises(errors.AirflowConfigException):
        conf.get_mandatory_value("no", "thing")
    with pytest.raises(ValueError, match="no/thing should be set"):
        conf.get_mandatory_value("no", "thing", fallback=None)
    assert conf.get_mandatory_value("core", "parallelism") == "32"


def test_a_decorator_is_that_of_the_installed_package_whatever_another_one_says(tmp_path: Path) -> None:
    _install(tmp_path, "broken", "1 / 0")
    _install(tmp_path, "thing", """
        def get_provider_info():
            return {"task-decorators": [{"name": "thing", "class-name": "airflow.providers.thing.info.thing_task"}]}
        def thing_task(python_callable=None, **kwargs):
            return ["made by thing", kwargs]
        """)  # fmt: skip
    found = _run(
        tmp_path,
        """
        from airflow.sdk import task
        print(json.dumps(task.thing(size=1)))
        """,
    )
    assert found == ["made by thing", {"size": 1}]
