"""What counts as lacking in the environment, and what as the file's own mistake."""

from __future__ import annotations

import pathlib

import pytest

from tests.unit.worker.children import DagFile

_RAISE = "class Error(Exception): __module__, __qualname__ = {!r}, {!r}\nraise Error"
CASES = [
    ("a package that is nowhere", "import zz_nowhere.part", "package:zz_nowhere"),
    ("a Variable", "from airflow.sdk import Variable; Variable.get('zz')", "variable:zz"),
    ("a connection", "from airflow.hooks.base import BaseHook; BaseHook.get_connection('zz')", "connection:zz"),
    ("an environment variable", "import os; os.environ['ZZ_NONE']", "environment:ZZ_NONE"),
    ("a file of the machine", "open('/zz/nowhere.yaml')", "file:/zz/nowhere.yaml"),
    ("a cloud's set-up", _RAISE.format("botocore.exceptions", "NoCredentialsError"), "credentials:aws"),
    ("a file beside it", "open(__file__ + '.yaml')", ""),
    ("a module of Airflow's names", "import airflow.zzz", ""),
    ("a name of an installed package", "from yaml import safe_laod", ""),
    ("a module of an installed package", "import yaml.zzz", ""),
    ("a module below one of the bundle's", "import beside.zzz", ""),
    ("a key of a dict", "{}['ZZ_NONE']", ""),
    ("an error of its own", "1 / 0", ""),
]


@pytest.mark.parametrize(("line", "lacks"), [one[1:] for one in CASES], ids=[one[0] for one in CASES])
def test_the_environment_lacks(tmp_path: pathlib.Path, line: str, lacks: str) -> None:
    file = DagFile(tmp_path, f"import yaml\n{line}\n")
    file.write("beside/__init__.py", "")
    (problem,) = file.load().problems
    assert problem.lacks == lacks


def test_a_plugin_that_needs_a_package_lacks_it_too(tmp_path: pathlib.Path) -> None:
    file = DagFile(tmp_path, "from airflow.sdk import DAG\n")
    file.write("plugins/one.py", "import zz_nowhere\nfrom airflow.plugins_manager import AirflowPlugin\n")
    (problem,) = file.load().problems
    assert (problem.code, problem.lacks) == ("plugin-failed", "package:zz_nowhere")
