"""Which files of a bundle are loaded for their DAGs, those inside of zip archives included."""

from __future__ import annotations

import asyncio
import pathlib
import zipfile
from typing import Any

import pytest

from tests.support import archives
from tests.unit.bundles.test_bundle import Versions, make
from tradewind.bundles import dag_files
from tradewind.ports import errors
from tradewind.testing.clock import ManualClock
from tradewind.testing.memory_store import MemoryStore

DAG = "# airflow dag\n"


def test_python_files_at_an_archives_root_that_speak_of_dags_are_dag_files(tmp_path: pathlib.Path) -> None:
    archives.pack(tmp_path / "etl.zip", {"a.py": DAG, "helper.py": "", "pkg/b.py": DAG, "notes.txt": DAG, "c.py": DAG})
    archives.pack(tmp_path / "data.zip", {"rows.csv": "airflow,dag"})
    assert dag_files.list_dag_files(tmp_path, ["etl.zip", "data.zip"]) == ["etl.zip/a.py", "etl.zip/c.py"]


def test_a_folder_may_be_called_like_an_archive(tmp_path: pathlib.Path) -> None:
    (tmp_path / "old.zip").mkdir()
    (tmp_path / "old.zip" / "a.py").write_text(DAG)
    assert dag_files.list_dag_files(tmp_path, ["old.zip/a.py"]) == ["old.zip/a.py"]
    assert dag_files.archive_of(tmp_path, "old.zip/a.py") is None
    assert dag_files.read(tmp_path / "old.zip" / "a.py") == DAG.encode()


def test_the_source_of_a_file_in_an_archive_can_be_read(tmp_path: pathlib.Path) -> None:
    archives.pack(tmp_path / "etl.zip", {"a.py": DAG})
    assert dag_files.read(tmp_path / "etl.zip" / "a.py") == DAG.encode()
    with pytest.raises(OSError, match=r"b\.py"):
        dag_files.read(tmp_path / "etl.zip" / "b.py")


@pytest.mark.parametrize("how", ["cut", "encrypted", "no archive"])
def test_an_archive_that_cannot_be_read_is_itself_to_be_loaded_and_so_are_files_known_of_it(
    tmp_path: pathlib.Path, how: str
) -> None:
    archive = archives.pack(tmp_path / "etl.zip", {"a.py": DAG})
    if how == "encrypted":
        archives.encrypt(archive)
    else:
        archive.write_bytes(archive.read_bytes()[:40] if how == "cut" else b"airflow dag")
    assert dag_files.list_dag_files(tmp_path, ["etl.zip"]) == ["etl.zip"]
    assert dag_files.list_dag_files(tmp_path, ["etl.zip"], ["etl.zip/a.py", "b.py"]) == ["etl.zip/a.py"]


def test_what_unpacks_to_gigabytes_is_not_unpacked(tmp_path: pathlib.Path) -> None:
    with zipfile.ZipFile(tmp_path / "etl.zip", "w", zipfile.ZIP_DEFLATED) as opened, opened.open("a.py", "w") as member:
        member.write(DAG.encode())
        for _ in range(64):
            member.write(b"#" * (1 << 20))
    assert dag_files.list_dag_files(tmp_path, ["etl.zip"]) == ["etl.zip/a.py"]


def test_a_changed_archive_has_its_files_parsed_again_and_a_broken_one_keeps_their_dags(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    archive = archives.pack(folder / "etl.zip", {"a.py": DAG, "b.py": DAG, "helper.py": "1"})
    store = MemoryStore(ManualClock())

    async def body() -> None:
        bundle = make(folder, store, Versions(store.versions))
        assert (await bundle.refresh()).parsed == ("etl.zip/a.py", "etl.zip/b.py")
        assert (await bundle.refresh()).parsed == ()
        (folder / "other.py").write_text(DAG)
        assert (await bundle.refresh()).parsed == ("other.py",)
        archives.pack(archive, {"a.py": DAG, "b.py": DAG, "helper.py": "2"})
        assert (await bundle.refresh()).parsed == ("etl.zip/a.py", "etl.zip/b.py")
        archive.write_bytes(b"half")
        looked = await bundle.refresh()
        assert (looked.parsed, looked.gone) == (("etl.zip/a.py", "etl.zip/b.py"), ())
        assert looked.dag_ids == ("a", "b", "other")
        archives.pack(archive, {"b.py": DAG})
        looked = await bundle.refresh()
        assert (looked.gone, looked.dag_ids) == (("etl.zip/a.py",), ("b", "other"))

    asyncio.run(body())


def test_one_file_of_an_archive_or_all_of_them_can_be_asked_for(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "dags"
    folder.mkdir()
    archives.pack(folder / "etl.zip", {"a.py": DAG, "b.py": DAG})
    (folder / "other.py").write_text(DAG)

    def parsed(only: str) -> Any:
        store = MemoryStore(ManualClock())
        return asyncio.run(make(folder, store, Versions(store.versions), only=only).refresh()).parsed

    assert parsed("etl.zip") == ("etl.zip/a.py", "etl.zip/b.py")
    assert parsed("etl.zip/b.py") == ("etl.zip/b.py",)
    (folder / ".airflowignore").write_text("*.zip\n")
    with pytest.raises(errors.Rejected, match="airflowignore"):
        parsed("etl.zip/b.py")
