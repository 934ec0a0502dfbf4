"""Paths in object stores: who is asked when, and how they travel. What they do is compared in tests/corpus."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tradewind import compat, templates
from tradewind.sdk import serde, storage
from tradewind.sdk.storage import missing

_PROVIDER = {
    "airflow/providers/thing/__init__.py": "",
    "airflow/providers/thing/get_provider_info.py": """
        def get_provider_info():
            return {"package-name": "thing", "filesystems": ["airflow.providers.thing.fs"]}
        """,
    "airflow/providers/thing/fs.py": """
        from airflow.providers.common.compat.sdk import BaseHook
        from fsspec.implementations.memory import MemoryFileSystem
        schemes = ["thing", "old"]
        class ThingFileSystem(MemoryFileSystem):
            protocol = "thing"
            cachable = False
        opened = []
        def get_fs(conn_id, storage_options=None):
            host = BaseHook.get_connection(conn_id).host if conn_id else None
            opened.append([host, dict(storage_options or {})])
            return ThingFileSystem()
        """,
    "thing-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n",
    "thing-1.0.dist-info/entry_points.txt": """
        [apache_airflow_provider]
        provider_info = airflow.providers.thing.get_provider_info:get_provider_info
        """,
}


def _run(source: str, *paths: Path, head: str = "") -> Any:
    """What the source prints as JSON, in a process with the names on its path; `asked` are connections it looked up."""
    begin = f"""
        import json, sys
        sys.path[:0] = {[str(compat.names_path()), *map(str, paths)]!r}
        {head}
        from tradewind.sdk import registry, supervision
        asked = []
        class Asked(supervision.EnvironmentSupervisor):
            def get_connection(self, conn_id):
                asked.append(conn_id)
                return {{"conn_type": "thing", "host": "there"}}
        supervision.install(Asked())
        """
    code = textwrap.dedent(begin) + textwrap.dedent(source)
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=20)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


@pytest.fixture
def provider(tmp_path: Path) -> Path:
    """A folder with an installed provider that opens two schemes."""
    for name, text in _PROVIDER.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
    return tmp_path


def test_making_joining_and_comparing_paths_asks_nobody(provider: Path) -> None:
    found = _run(
        """
        from airflow.sdk import ObjectStoragePath
        import fsspec; fsspec.register_implementation("thing", "airflow.providers.thing.fs.ThingFileSystem")
        base = ObjectStoragePath("thing://conn@bucket/key")
        paths = [base / "a", base.parent, base.with_name("b"), ObjectStoragePath(base)]
        said = [str(base), base == ObjectStoragePath("thing://bucket/key", conn_id="conn"), len({base, *paths})]
        from airflow.providers.thing import fs
        print(json.dumps([said, asked, fs.opened]))
        """,
        provider,
    )
    assert found[0][1:] == [True, 4]
    assert found[1:] == [[], []]


def test_the_store_is_opened_with_its_connection_when_a_path_is_first_used_and_once(provider: Path) -> None:
    found = _run(
        """
        from airflow.sdk import ObjectStoragePath
        import fsspec; fsspec.register_implementation("thing", "airflow.providers.thing.fs.ThingFileSystem")
        base = ObjectStoragePath("thing://conn@bucket/key")
        (base / "a.txt").write_text("x")
        for path in [*base.iterdir(), *base.glob("*")]:
            path.read_text(), path.stat(), path.open().close()
        from airflow.providers.thing import fs
        print(json.dumps([asked, fs.opened]))
        """,
        provider,
    )
    assert found == [["conn"], [["there", {}]]]


def test_options_of_a_path_reach_the_providers_file_system(provider: Path) -> None:
    found = _run(
        """
        from airflow.sdk import ObjectStoragePath
        import fsspec; fsspec.register_implementation("thing", "airflow.providers.thing.fs.ThingFileSystem")
        ObjectStoragePath("thing://bucket/key", conn_id="conn", anon=True).exists()
        from airflow.providers.thing import fs
        print(json.dumps(fs.opened))
        """,
        provider,
    )
    assert found == [["there", {"anon": True}]]


def test_each_forked_process_opens_the_store_for_itself(provider: Path) -> None:
    found = _run(
        """
        import os
        from airflow.sdk import ObjectStoragePath
        import fsspec; fsspec.register_implementation("thing", "airflow.providers.thing.fs.ThingFileSystem")
        base = ObjectStoragePath("thing://conn@bucket/key")
        base.exists()
        reader, writer = os.pipe()
        if os.fork() == 0:
            base.exists(), (base / "a").exists()
            os.write(writer, json.dumps(asked).encode())
            os._exit(0)
        os.wait()
        print(json.dumps([asked, json.loads(os.read(reader, 1000))]))
        """,
        provider,
    )
    assert found == [["conn"], ["conn", "conn"]]


def test_a_scheme_that_nobody_opens_with_a_connection_names_the_package() -> None:
    found = _run("""
        from airflow.sdk.io import get_fs
        try:
            get_fs("s3", "aws")
        except ValueError as error:
            print(json.dumps(str(error)))
        """)
    assert found == (
        "nothing here knows the scheme s3\nhint: install apache-airflow-providers-amazon where the file is loaded"
    )


_WITHOUT = "sys.modules['upath'] = None"


def test_without_its_libraries_a_file_that_names_the_class_loads_and_is_told() -> None:
    found = _run(
        """
        with registry.collecting() as found:
            from airflow.sdk import ObjectStoragePath
            from airflow.io.path import ObjectStoragePath as old
            from airflow.sdk.io import attach, get_fs
        print(json.dumps([ObjectStoragePath is old, isinstance("x", ObjectStoragePath), found.absent]))
        """,
        head=_WITHOUT,
    )
    assert found[:2] == [True, False]
    assert found[2] == [f"ObjectStoragePath is named and not here: a task that uses it fails; {missing.HINT}"]


@pytest.mark.parametrize("use", ["ObjectStoragePath('s3://b/k')", "ObjectStoragePath.cwd()"])
def test_without_its_libraries_making_a_path_is_the_error(use: str) -> None:
    found = _run(
        f"""
        from airflow.sdk import ObjectStoragePath
        try:
            {use}
        except ModuleNotFoundError as error:
            print(json.dumps([error.problem.code, error.problem.message, error.problem.hint]))
        """,
        head=_WITHOUT,
    )
    assert found[:2] == [
        "storage-library-missing",
        "paths in object stores need universal-pathlib, which is not installed",
    ]
    assert "tradewind[storage]" in found[2]


def test_an_xcom_of_airflows_is_read_whether_or_not_the_file_names_the_class() -> None:
    written = {
        "__classname__": "airflow.sdk.io.path.ObjectStoragePath",
        "__version__": 1,
        "__data__": {"path": "memory://conn@bucket/k", "conn_id": "conn", "kwargs": {}},
    }
    for name in ("airflow.sdk.io.path.ObjectStoragePath", "airflow.io.path.ObjectStoragePath"):
        path = serde.decode(json.dumps({**written, "__classname__": name}))
        assert (str(path), path.conn_id) == ("memory://conn@/bucket/k", "conn")


def test_as_an_xcom_a_path_is_what_airflow_writes_and_comes_back_the_same() -> None:
    path = storage.ObjectStoragePath("file:///data/x", conn_id="c") / "y"
    data, kind, _ = serde.encode([path])
    assert kind == "list"
    assert json.loads(data) == [
        {
            "__classname__": "airflow.sdk.io.path.ObjectStoragePath",
            "__version__": 1,
            "__data__": {"path": "file://c@/data/x/y", "conn_id": "c", "kwargs": {}},
        }
    ]
    assert serde.decode(data) == [path]


def test_an_xcom_of_a_newer_version_is_refused() -> None:
    path = storage.ObjectStoragePath("file:///x")
    with pytest.raises(ValueError, match="written as version 2"):
        storage.ObjectStoragePath.deserialize(path.serialize(), 2)


def test_as_a_template_field_its_text_is_rendered_and_never_read_as_a_template_file() -> None:
    path = storage.ObjectStoragePath("file://c@/data") / "{{ day }}" / "x.sql"
    env = templates.environment()
    found = templates.render({"a": [path]}, {"day": "monday"}, env, template_ext=(".sql",))
    assert [(str(one), one.conn_id) for one in found["a"]] == [("file://c@/data/monday/x.sql", "c")]


def test_a_path_without_a_template_needs_no_rendering() -> None:
    plain = storage.ObjectStoragePath("file:///data/x.sql")
    assert not templates.has_template([plain], (".sql",))
    assert templates.has_template([plain / "{{ ds }}"])
    assert templates.resolved([plain], {}) == [plain]
