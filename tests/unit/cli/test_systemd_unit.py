"""The unit that `tradewind systemd-unit` prints, read as systemd reads it."""

from __future__ import annotations

import os
import pathlib
import shlex
import shutil
import subprocess

import pytest

from tradewind import settings
from tradewind.cli import systemd_unit
from tradewind.ports import errors


def make_unit(home: pathlib.Path, dags: pathlib.Path | None = None, *, user: bool = False, drain: float = 30) -> str:
    found = settings.Settings(scheduler=settings.SchedulerSettings(drain_seconds=drain))
    request = systemd_unit.Request(home=home, dags=dags, settings_file=None, settings=found, user=user)
    return systemd_unit.unit(request)


def read(unit: str) -> dict[str, dict[str, str]]:
    """Sections and keys; every line is a comment, a section, a key or empty."""
    sections: dict[str, dict[str, str]] = {}
    section: dict[str, str] = {}
    for line in unit.splitlines():
        if line.startswith("["):
            section = sections[line.strip("[]")] = {}
        elif line and not line.startswith("#"):
            name, found, value = line.partition("=")
            assert found, line
            assert name not in section, line
            section[name] = value
    return sections


def words(command: str) -> list[str]:
    """The words that systemd makes of a command line: POSIX-like quotes, then `$$` and `%%`."""
    return [word.replace("$$", "$").replace("%%", "%") for word in shlex.split(command)]


def verify(unit: str, tmp_path: pathlib.Path, *, user: bool) -> None:
    """Ask systemd itself, where it is installed (the tests above read the unit without it)."""
    program = shutil.which("systemd-analyze")
    if program is None:
        return
    file = tmp_path / "tradewind.service"
    file.write_text(unit)
    (tmp_path / "run").mkdir()
    done = subprocess.run(
        [program, "verify", "--man=no", *(["--user"] if user else []), str(file)],
        capture_output=True,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path / "run")},
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_only_the_server_is_stopped_and_its_attempts_go_on(tmp_path: pathlib.Path) -> None:
    service = read(make_unit(tmp_path))["Service"]
    assert (service["KillMode"], service["OOMPolicy"]) == ("process", "continue")


def test_the_server_tells_when_it_is_ready_and_is_given_time_to_drain(tmp_path: pathlib.Path) -> None:
    service = read(make_unit(tmp_path, drain=120))["Service"]
    assert (service["Type"], service["NotifyAccess"]) == ("notify", "main")
    assert float(service["TimeoutStopSec"]) > 120


@pytest.mark.parametrize("name", ["home", "my home", "100%", "a$HOME", 'say "hi"', "back\\slash", "semi;colon"])
@pytest.mark.parametrize("user", [False, True])
def test_any_path_reaches_the_server_as_it_is(tmp_path: pathlib.Path, name: str, user: bool) -> None:
    home = tmp_path / name
    dags = tmp_path / f"{name} dags"
    dags.mkdir()
    unit = make_unit(home, dags, user=user)
    command = words(read(unit)["Service"]["ExecStart"])
    assert command[-5:] == ["standalone", "--home", str(home), "--dags", str(dags)]
    assert os.access(command[0], os.X_OK)


@pytest.mark.parametrize("user", [False, True])
def test_systemd_has_nothing_to_say_against_it(tmp_path: pathlib.Path, user: bool) -> None:
    unit = make_unit(tmp_path / 'a "b" 100%', user=user)
    verify(unit, tmp_path, user=user)
    assert read(unit)["Install"]["WantedBy"] == ("default.target" if user else "multi-user.target")
    assert ("User" in read(unit)["Service"]) is not user


def test_a_folder_that_is_not_there_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.Rejected) as raised:
        make_unit(tmp_path, tmp_path / "nowhere")
    assert raised.value.code == "dags-missing"


def test_a_path_with_a_line_end_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.Rejected) as raised:
        make_unit(tmp_path / "a\nExecStartPre=/bin/false")
    assert raised.value.code == "bad-path"
