"""Which Airflow a file means, told without running it."""

from __future__ import annotations

import pathlib

import pytest

from tradewind.compat import meaning

_TOLD: list[tuple[str, str, str, str]] = [
    ("the SDK", "from airflow.sdk import DAG", "3", "imports"),
    ("a module below the SDK", "import airflow.sdk.definitions.dag as d", "3", "imports"),
    ("the standard provider", "from airflow.providers.standard.operators.bash import BashOperator", "3", "imports"),
    ("the compat provider", "from airflow.providers.common.compat.sdk import DAG", "3", "imports"),
    ("operators of 2", "from airflow.operators.bash import BashOperator", "2", "imports"),
    ("operators of 1.10", "from airflow.operators.bash_operator import BashOperator", "2", "imports"),
    ("contrib of 1.10", "from airflow.contrib.operators.kubernetes_pod_operator import K", "2", "imports"),
    ("models", "from airflow.models import Variable", "2", "imports"),
    ("a module imported from its parent", "from airflow import models", "2", "imports"),
    ("decorators", "from airflow.decorators import task", "2", "imports"),
    ("helpers", "from airflow.utils.helpers import chain", "2", "imports"),
    ("datasets", "from airflow.datasets import Dataset", "2", "imports"),
    ("inside a function", "def f():\n    from airflow.hooks.base import BaseHook", "2", "imports"),
    ("both: the newer decides", "from airflow.sdk import DAG\nfrom airflow.models import Variable", "3", "imports"),
    ("an argument of 2", "from airflow import DAG\nDAG('d', schedule_interval='@daily')", "2", "arguments"),
    ("another", "from airflow import DAG\nDAG('d', concurrency=3)", "2", "arguments"),
    ("an operator's", "op(task_id='t', provide_context=True)", "2", "arguments"),
    ("nothing", "from airflow import DAG\nDAG('d', schedule='@daily')", "3", ""),
    ("a name that only begins alike", "import airflow_models", "3", ""),
    ("a module of the bundle", "from .models import thing", "3", ""),
    ("a word in a text", "x = 'from airflow.models import Variable'", "3", ""),
    ("what is no Python", "def (", "3", ""),
]


@pytest.mark.parametrize(("source", "major", "told"), [one[1:] for one in _TOLD], ids=[one[0] for one in _TOLD])
def test_the_first_thing_of_one_version_only_tells(tmp_path: pathlib.Path, source: str, major: str, told: str) -> None:
    path = tmp_path / "dag.py"
    path.write_text(source, encoding="utf-8")
    assert meaning.detect(str(path)) == (major, told)


@pytest.mark.parametrize("setting", ["2", "3"])
def test_the_setting_goes_over_everything(tmp_path: pathlib.Path, setting: str) -> None:
    path = tmp_path / "dag.py"
    path.write_text("from airflow.sdk import DAG\nfrom airflow.models import Variable", encoding="utf-8")
    assert meaning.detect(str(path), setting) == (setting, "setting")


_MARKED: list[tuple[str, str, str]] = [
    ("at the top", "# tradewind: airflow=2\nfrom airflow.sdk import DAG", "2"),
    ("below the docstring", '"""Text."""\n\n# tradewind: airflow = 3\nfrom airflow.models import Variable', "3"),
    ("behind code", "from airflow import DAG  # tradewind: airflow=2", "2"),
    ("with a reason", "# tradewind: airflow=2 (moved in spring)\nfrom airflow import DAG", "2"),
    ("twice: the first", "# tradewind: airflow=2\n# tradewind: airflow=3", "2"),
]


@pytest.mark.parametrize(("source", "major"), [one[1:] for one in _MARKED], ids=[one[0] for one in _MARKED])
@pytest.mark.parametrize("setting", [None, "2", "3"])
def test_a_comment_of_the_file_goes_over_everything(
    tmp_path: pathlib.Path, source: str, major: str, setting: str | None
) -> None:
    path = tmp_path / "dag.py"
    path.write_text(source, encoding="utf-8")
    assert meaning.detect(str(path), setting) == (major, "file")


@pytest.mark.parametrize(
    "source",
    [
        "x = '# tradewind: airflow=2'\nfrom airflow.sdk import DAG",
        '"""\n# tradewind: airflow=2\n"""\nfrom airflow.sdk import DAG',
        "# see tradewind: airflow=2\nfrom airflow.sdk import DAG",
        "# tradewind: airflow=2.9\nfrom airflow.sdk import DAG",
    ],
)
def test_what_only_looks_like_the_comment_tells_nothing(tmp_path: pathlib.Path, source: str) -> None:
    path = tmp_path / "dag.py"
    path.write_text(source, encoding="utf-8")
    assert meaning.detect(str(path)) == ("3", "imports")


def test_a_comment_that_cannot_be_read_as_a_meaning_is_told(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "dag.py"
    path.write_text("# tradewind: airflow=2.9\n", encoding="utf-8")
    assert meaning.unread_marks(str(path)) == [
        "`# tradewind: airflow=2.9` is not read: it is 2 or 3, without a minor version"
    ]
    path.write_text("# tradewind: airflow=2\n# tradewind: airflow=3\n", encoding="utf-8")
    assert "the first counts" in meaning.unread_marks(str(path))[0]
    path.write_text("# tradewind: airflow=2\n", encoding="utf-8")
    assert meaning.unread_marks(str(path)) == []


def test_a_setting_that_says_neither_leaves_it_to_the_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "dag.py"
    path.write_text("from airflow.models import Variable", encoding="utf-8")
    assert meaning.detect(str(path), "auto") == ("2", "imports")


def test_a_file_that_is_gone_means_the_newer(tmp_path: pathlib.Path) -> None:
    assert meaning.detect(str(tmp_path / "none.py")) == ("3", "")


def test_bytes_in_another_encoding_are_read_as_python_reads_them(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "dag.py"
    path.write_bytes("# -*- coding: latin-1 -*-\n# Grüße\nfrom airflow.models import Variable\n".encode("latin-1"))
    assert meaning.detect(str(path)) == ("2", "imports")
