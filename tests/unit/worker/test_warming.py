"""What the process that all others are forked from is left with once it is warm."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_REPORT = """
import os, sys
from tradewind.worker import preload
before = dict(os.environ), list(sys.path), list(sys.meta_path), sys.dont_write_bytecode
preload()
print(before == (dict(os.environ), list(sys.path), list(sys.meta_path), sys.dont_write_bytecode))
print(sorted(name for name in sys.modules if name.startswith(("airflow", "tradewind_dagfile"))))
"""


def test_a_warm_process_has_no_name_of_airflow_and_the_path_it_had() -> None:
    done = subprocess.run([sys.executable, "-c", _REPORT], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True", "[]"]


def test_a_warm_process_leaves_no_file_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run(
        [sys.executable, "-c", "from tradewind.worker import preload; preload()"], env=environment, check=True
    )
    assert os.listdir(tmp_path) == []


def test_a_process_becomes_ready_where_no_temporary_file_can_be_made() -> None:
    source = "import tempfile; tempfile.tempdir = '/nowhere'; from tradewind.worker import preload; preload()"
    subprocess.run([sys.executable, "-c", source], check=True)
