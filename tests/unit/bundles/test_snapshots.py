"""Snapshots of bundle trees, and which files count."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from tradewind.bundles import dag_files, ignore, snapshots
from tradewind.ports import errors
from tradewind.wiring import homes


def keep(store: snapshots.FolderSnapshots, root: pathlib.Path) -> str:
    paths = [path for path, _ in ignore.list_files(root)]
    return asyncio.run(store.keep(root, paths))


@pytest.fixture
def bundle(tmp_path: pathlib.Path) -> pathlib.Path:
    root = tmp_path / "dags"
    (root / "lib").mkdir(parents=True)
    (root / "a.py").write_text("import airflow  # dag\n")
    (root / "lib" / "b.py").write_text("x = 1\n")
    (root / "query.sql").write_text("select 1\n")
    return root


@pytest.fixture
def store(tmp_path: pathlib.Path) -> snapshots.FolderSnapshots:
    return snapshots.FolderSnapshots(tmp_path / "kept", limit_bytes=1 << 20)


def test_editing_a_file_in_place_does_not_reach_a_kept_tree(
    bundle: pathlib.Path, store: snapshots.FolderSnapshots
) -> None:
    tree = keep(store, bundle)
    with (bundle / "lib" / "b.py").open("w") as file:
        file.write("x = 2\n")
    assert (store.path(tree) / "lib" / "b.py").read_text() == "x = 1\n"
    assert keep(store, bundle) != tree


def test_the_same_content_is_the_same_tree_and_is_kept_once(
    bundle: pathlib.Path, store: snapshots.FolderSnapshots
) -> None:
    first = keep(store, bundle)
    (bundle / "a.py").touch()
    assert keep(store, bundle) == first
    (bundle / "new.py").write_text("")
    second = keep(store, bundle)
    assert (store.path(first) / "a.py").stat().st_ino == (store.path(second) / "a.py").stat().st_ino


def test_a_tree_over_the_limit_is_refused_with_a_hint(bundle: pathlib.Path, store: snapshots.FolderSnapshots) -> None:
    (bundle / "data.bin").write_bytes(bytes(2 << 20))
    with pytest.raises(errors.Rejected, match="airflowignore") as caught:
        keep(store, bundle)
    assert caught.value.code == "bundle-too-large"
    (bundle / ".airflowignore").write_text("*.bin\n")
    assert keep(store, bundle)


def test_trees_that_nobody_needs_go_with_their_blobs(bundle: pathlib.Path, store: snapshots.FolderSnapshots) -> None:
    first = keep(store, bundle)
    (bundle / "a.py").write_text("changed")
    second = keep(store, bundle)
    assert asyncio.run(store.drop_unused(frozenset({second}))) == 1
    assert not store.path(first).exists()
    contents = {path.read_text() for path in (store.path(second).parent / "blobs").iterdir()}
    assert contents == {"changed", "x = 1\n", "select 1\n"}


def test_ignored_files_and_byte_code_do_not_count(bundle: pathlib.Path) -> None:
    (bundle / "lib" / "__pycache__").mkdir()
    (bundle / "lib" / "__pycache__" / "b.pyc").write_text("")
    (bundle / ".airflowignore").write_text("lib/*.py\n!lib/keep.py\n# a comment\n")
    (bundle / "lib" / "keep.py").write_text("")
    found = [path for path, _ in ignore.list_files(bundle)]
    assert found == [".airflowignore", "a.py", "lib/keep.py", "query.sql"]


def test_a_home_among_dag_files_does_not_count_nor_does_its_key(bundle: pathlib.Path) -> None:
    """Each snapshot would hold those before it, and the key of the vault."""
    before = [path for path, _ in ignore.list_files(bundle)]
    home = homes.Home(bundle / "home").ensure()
    (home.path / "snapshots" / "dag.py").write_text("import airflow")
    home.key.write_text("secret")
    (bundle / "home.key.old").write_text("secret")
    (bundle / "home.keys.py").write_text("")
    assert [path for path, _ in ignore.list_files(bundle)] == sorted([*before, "home.keys.py"])
    assert ignore.is_in_home(bundle, str(home.path / "snapshots" / "dag.py"))
    assert not ignore.is_in_home(bundle, str(bundle / "lib" / "b.py"))


def test_dag_files_at_the_top_of_a_home_count_and_its_own_parts_do_not(bundle: pathlib.Path) -> None:
    before = [path for path, _ in ignore.list_files(bundle)]
    home = homes.Home(bundle).ensure()
    for name in ("logs/x.py", "tradewind.db", "tradewind.db-wal", "podlet.log", "standalone.json"):
        (home.path / name).write_text("import airflow")
    assert [path for path, _ in ignore.list_files(bundle)] == before
    assert ignore.is_in_home(bundle, str(bundle / "tradewind.db-wal"))
    assert not ignore.is_in_home(bundle, str(bundle / "a.py"))


def test_an_ignore_file_of_a_folder_below_speaks_of_that_folder(bundle: pathlib.Path) -> None:
    (bundle / "lib" / ".airflowignore").write_text("b.py\n")
    assert "lib/b.py" not in [path for path, _ in ignore.list_files(bundle)]


def test_a_loop_of_links_ends(bundle: pathlib.Path) -> None:
    (bundle / "lib" / "up").symlink_to(bundle)
    assert "lib/b.py" in [path for path, _ in ignore.list_files(bundle)]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("from airflow import DAG", True),
        ("from airflow.sdk import asset\n@asset", True),
        ("import os", False),
        ("# dag only", False),
        ("from tradewind.sdk import DAG", True),
    ],
)
def test_only_files_that_speak_of_dags_and_airflow_are_loaded(
    tmp_path: pathlib.Path, content: str, expected: bool
) -> None:
    (tmp_path / "f.py").write_text(content)
    assert dag_files.list_dag_files(tmp_path, ["f.py"]) == (["f.py"] if expected else [])
