"""The wheel holds the whole package, and nothing else of the repository."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import zipfile
from collections.abc import Iterator

import pytest

from tests.architecture import sources


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    """The wheel, built here as a release builds it, without the network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    ran = subprocess.run(command, cwd=sources.ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


@pytest.mark.timeout(90)
def test_every_file_of_the_package_is_in_it(wheel: zipfile.ZipFile) -> None:
    tracked = [path for path in sources.list_repository_files() if sources.PACKAGE in path.parents]
    names = {path.relative_to(sources.PACKAGE.parent).as_posix() for path in tracked}
    assert names
    assert names - set(wheel.namelist()) == set()


@pytest.mark.timeout(90)
def test_nothing_else_is_in_it(wheel: zipfile.ZipFile) -> None:
    tops = {pathlib.PurePosixPath(name).parts[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tradewind"}


@pytest.mark.timeout(90)
def test_it_names_its_command_and_its_license(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    text = wheel.read(entry_points).decode()
    assert "tradewind = tradewind.cli.main:main" in text
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())
