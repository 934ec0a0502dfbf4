"""The rules in tests/conftest.py bite: each case runs pytest in a child, on a test that breaks one of them."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest

from tests.architecture import sources

_DAEMON = """
    import os, subprocess, sys
    def test_case():
        program = "import os, time; os.setsid(); os.fork() and os._exit(0); time.sleep(600)"
        subprocess.run([sys.executable, "-c", program], check=True)
"""
_CHILD = """
    import subprocess, sys
    child = None
    def test_case():
        global child
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
"""
_THREAD = """
    import threading
    def test_case():
        threading.Thread(target=threading.Event().wait, name="left-thread", daemon=True).start()
"""
_TASK = """
    import asyncio
    async def work():
        work.kept = asyncio.create_task(asyncio.sleep(600), name="left-task")
    def test_case():
        asyncio.run(work())
"""
_SKIP = """
    import pytest
    def test_case():
        pytest.skip("not today")
"""
_WARNING = """
    import warnings
    def test_case():
        warnings.warn("old")
"""
_CLEAN = """
    import asyncio, subprocess, sys, threading
    async def work():
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))
    def test_case():
        asyncio.run(work())
        subprocess.run([sys.executable, "-c", ""], check=True)
        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
"""
_NEEDS_AIRFLOW = """
    import pytest
    @pytest.mark.airflow
    def test_case():
        raise AssertionError("must not run here")
    def test_other():
        pass
"""


def _run_pytest(root: pathlib.Path, program: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the program as tests/unit/test_case.py of an otherwise empty project that has our conftest."""
    folder = root / "tests" / "unit"
    folder.mkdir(parents=True)
    (folder / "test_case.py").write_text(textwrap.dedent(program))
    shutil.copy(sources.ROOT / "pyproject.toml", root)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", "-q", *options, "tests"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(sources.ROOT), "TRADEWIND_CACHE": str(root / "cache")},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


@pytest.mark.timeout(60)
def test_a_clean_test_passes(tmp_path: pathlib.Path) -> None:
    ran = _run_pytest(tmp_path, _CLEAN)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("program", "told"),
    [
        pytest.param(_DAEMON, "process ", id="a daemon in a session of its own"),
        pytest.param(_CHILD, "process ", id="a child process"),
        pytest.param(_THREAD, "thread left-thread", id="a thread"),
        pytest.param(_TASK, "asyncio task left-task", id="an asyncio task"),
        pytest.param(_SKIP, "skipped itself: not today", id="a skip"),
        pytest.param(_WARNING, "UserWarning: old", id="a warning"),
    ],
)
def test_a_test_fails_for(tmp_path: pathlib.Path, program: str, told: str) -> None:
    ran = _run_pytest(tmp_path, program)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert told in ran.stdout


@pytest.mark.timeout(60)
@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two workers"])
def test_what_the_machine_lacks_is_left_out_and_told(tmp_path: pathlib.Path, options: tuple[str, ...]) -> None:
    ran = _run_pytest(tmp_path, _NEEDS_AIRFLOW, f"--left-out={tmp_path / 'left-out.json'}", *options)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "not run: 1 tests: Apache Airflow's environment is not made" in ran.stdout
    assert list(json.loads((tmp_path / "left-out.json").read_text()).values()) == [1]
