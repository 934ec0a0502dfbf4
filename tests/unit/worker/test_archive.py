"""DAG files that lie in a zip archive: how they import, what they are called, what is broken."""

from __future__ import annotations

import pathlib
import zipfile

import msgspec
import pytest

from tests.support import archives
from tests.unit.worker.children import DagFile
from tradewind.protocol.work import LoadReport

DAILY = """
from airflow.sdk import DAG, task

from shared.names import OWNER
import steps

with DAG("d", schedule=None, default_args={"owner": OWNER}) as dag:
    @task
    def place(ti=None):
        from shared import late
        import inspect
        return [__name__, __file__[-17:], late.WORD, inspect.getsource(steps.one).strip()]

    @task
    def fails():
        steps.one()

    place(), fails()
"""
FILES = {
    "daily.py": DAILY,
    "steps.py": "def one():\n    raise ValueError('no rows')\n",
    "shared/__init__.py": "",
    "shared/names.py": "OWNER = 'team'\n",
    "shared/late.py": "WORD = 'late'\n",
}


def packed(root: pathlib.Path, files: dict[str, str], name: str = "etl.zip/daily.py") -> DagFile:
    file = DagFile(root, "")
    archives.pack(file.root / "etl.zip", files)
    return file.named(name)


def test_a_file_of_an_archive_imports_what_lies_beside_it(tmp_path: pathlib.Path) -> None:
    report = packed(tmp_path, FILES).load()
    assert report.problems == ()
    (spec,) = report.specs
    assert (spec.dag_id, spec.file, spec.owners) == ("d", "etl.zip/daily.py", ("team",))
    assert "etl.zip" in report.reads


def test_a_task_of_an_archive_imports_from_it_while_it_runs_and_knows_where_it_lies(tmp_path: pathlib.Path) -> None:
    file = packed(tmp_path, FILES)
    (value,) = [msgspec.json.decode(one.value) for one in file.run("place").xcoms]
    assert value == ["daily", "/etl.zip/daily.py", "late", FILES["steps.py"].strip()]


def test_a_traceback_names_the_archive_and_the_file_and_shows_the_line(tmp_path: pathlib.Path) -> None:
    file = packed(tmp_path, FILES)
    file.run("fails")
    assert "etl.zip/steps.py\", line 2, in one\n    raise ValueError('no rows')" in file.output
    assert "zipimport" not in file.output


def test_which_airflow_a_file_of_an_archive_means_is_read_from_it(tmp_path: pathlib.Path) -> None:
    old = 'from airflow.models import DAG\ndag = DAG("d", schedule_interval=None)\n'
    file = packed(tmp_path, {"daily.py": old}).named("etl.zip/daily.py", meaning=None)
    report = file.load()
    assert (report.meaning, report.meaning_from) == ("2", "imports")


def test_a_file_that_is_called_like_a_module_of_pythons_loads_and_hides_nothing(tmp_path: pathlib.Path) -> None:
    source = "from airflow.sdk import DAG\nimport json\ndag = DAG(json.loads('\"d\"'), schedule=None)\n"
    report = packed(tmp_path, {"json.py": source}, "etl.zip/json.py").load()
    assert [spec.dag_id for spec in report.specs] == ["d"]


@pytest.mark.parametrize(
    ("source", "where", "message"),
    [
        ("def broken(:\n", "file etl.zip/daily.py line 1", "def broken(:"),
        ("\n1 / 0\n", "file etl.zip/daily.py line 2", "ZeroDivisionError"),
        ("import shared.nope\n", "file etl.zip/daily.py line 1", "No module named 'shared.nope'"),
        ("import plain.nope\n", "file etl.zip/daily.py line 1", "No module named 'plain"),
    ],
)
def test_an_error_while_loading_names_the_file_in_the_archive(
    tmp_path: pathlib.Path, source: str, where: str, message: str
) -> None:
    (problem,) = packed(tmp_path, {**FILES, "plain/one.py": "", "daily.py": source}).load().problems
    assert problem.object == where
    assert message in problem.message
    assert (problem.file, problem.lacks) == ("etl.zip/daily.py", "")


def broken(root: pathlib.Path, how: str) -> LoadReport:
    file = packed(root, FILES)
    archive = file.root / "etl.zip"
    match how:
        case "cut":
            archive.write_bytes(archive.read_bytes()[:-30])
        case "no archive":
            archive.write_bytes(b"airflow dag")
        case "encrypted":
            archives.encrypt(archive)
        case "damaged":
            archives.pack(archive, FILES, compression=zipfile.ZIP_STORED)
            archives.damage(archive, "from shared import late")
        case "lzma":
            archives.pack(archive, FILES, compression=zipfile.ZIP_LZMA)
        case "absent":
            file = file.named("etl.zip/weekly.py")
        case "itself":
            file = file.named("etl.zip")
    return file.load()


@pytest.mark.parametrize(
    ("how", "code", "message", "hint"),
    [
        ("cut", "broken-archive", "not a zip file", "pack it anew"),
        ("no archive", "broken-archive", "not a zip file", ".airflowignore"),
        ("encrypted", "encrypted-archive", "daily.py in it is encrypted", "without a password"),
        ("damaged", "broken-archive", "CRC", "pack it anew"),
        ("lzma", "broken-archive", "does not import from", "deflate"),
        ("absent", "file-missing", "has no file weekly.py", "unzip -l"),
        ("itself", "file-is-archive", "is no DAG file", "name a file in it"),
    ],
)
def test_an_archive_that_cannot_be_imported_from_is_a_problem_that_says_what_to_do(
    tmp_path: pathlib.Path, how: str, code: str, message: str, hint: str
) -> None:
    report = broken(tmp_path, how)
    (problem,) = report.problems
    assert (problem.code, problem.object, report.specs) == (code, "archive etl.zip", ())
    assert message in problem.message
    assert hint in problem.hint
