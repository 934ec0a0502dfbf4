"""The settings file: which one applies, what it may say, what is refused and with which place."""

from __future__ import annotations

import pathlib

import pytest

from tradewind import settings
from tradewind.ports import errors


def load(folder: pathlib.Path, text: str) -> settings.Settings:
    file = folder / "tradewind.toml"
    file.write_text(text)
    return settings.load(file, environment={})


def refused(folder: pathlib.Path, text: str) -> errors.Rejected:
    with pytest.raises(errors.Rejected) as caught:
        load(folder, text)
    return caught.value


def test_without_a_file_everything_has_its_default() -> None:
    made = settings.load(None, environment={})
    assert made == settings.Settings()
    assert made.scheduler.infrastructure_retries == 3


def test_paths_are_relative_to_the_file(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    made = load(
        tmp_path,
        '[[runtime.local.images]]\npattern = "x:*"\nvenv = "envs/x"\npath = "bin:/usr/bin"\n'
        '[runtime.local.secrets]\ndirectory = "../secrets"\n[dags]\nfolder = "dags"\n',
    )
    image = made.runtime.local.images[0]
    assert image.venv == str(tmp_path / "envs" / "x")
    assert image.path == f"{tmp_path / 'bin'}:/usr/bin"
    assert image.root == ""
    assert made.dags.folder == str(tmp_path / "dags")
    assert made.runtime.local.secrets.directory == str(tmp_path.parent / "secrets")


def test_a_tilde_is_the_users_folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ana")
    assert load(tmp_path, '[dags]\nfolder = "~/dags"\n').dags.folder == "/home/ana/dags"


def test_a_whole_number_is_a_number(tmp_path: pathlib.Path) -> None:
    assert load(tmp_path, "[scheduler]\nlease_seconds = 20\n").scheduler.lease_seconds == 20.0


@pytest.mark.parametrize(
    ("text", "code", "message", "hint", "line"),
    [
        ("[schedular]\n", "settings-unknown-key", "unknown key schedular", "did you mean scheduler?", 1),
        (
            "[scheduler]\nparalelism = 3\n",
            "settings-unknown-key",
            "unknown key scheduler.paralelism",
            "did you mean scheduler.parallelism?",
            2,
        ),
        (
            "[server]\n\nparallelism = 3\n",
            "settings-unknown-key",
            "unknown key server.parallelism",
            "did you mean scheduler.parallelism?",
            3,
        ),
        ("[xcom]\nfrobnicate = 3\n", "settings-unknown-key", "unknown key xcom.frobnicate", "known here: max_mb", 2),
        (
            '[scheduler]\nparallelism = "many"\n',
            "settings-type",
            'scheduler.parallelism is "many" (text); it must be a whole number, at least 1',
            "`tradewind config explain scheduler.parallelism` says what it is for",
            2,
        ),
        (
            '[scheduler]\nparallelism = "8"\n',
            "settings-type",
            'scheduler.parallelism is "8" (text); it must be a whole number',
            "",
            2,
        ),
        ("[scheduler]\nparallelism = 1.5\n", "settings-type", "is 1.5 (a number); it must be a whole number", "", 2),
        ("[scheduler]\nparallelism = true\n", "settings-type", "is true (a truth value)", "", 2),
        ("[dags]\nairflow = 2\n", "settings-type", 'is 2 (a whole number); it must be one of "", "2", "3"', "", 2),
        ("scheduler = 3\n", "settings-type", "scheduler is 3 (a whole number); it must be a section", "", 1),
        ("[dags.folder]\n", "settings-type", "dags.folder is {} (a table); it must be text", "", 1),
        (
            "[scheduler]\nlease_seconds = -1\n",
            "settings-range",
            "scheduler.lease_seconds may not be -1; it must be a number, more than 0",
            "",
            2,
        ),
        ("[scheduler]\nlease_seconds = inf\n", "settings-range", "it must be a number, more than 0", "", 2),
        ("[scheduler]\nlease_seconds = nan\n", "settings-range", "it must be a number, more than 0", "", 2),
        (
            "[server]\nhealth_port = 70000\n",
            "settings-range",
            "server.health_port may not be 70000; it must be a whole number, from 0 to 65535",
            "",
            2,
        ),
        (
            'runtime.local.images = "x"\n',
            "settings-type",
            'runtime.local.images is "x" (text); it must be a list of tables',
            "",
            1,
        ),
        (
            '[[runtime.local.images]]\npattern = "x"\nven = "y"\n',
            "settings-unknown-key",
            "unknown key runtime.local.images[0].ven",
            "did you mean runtime.local.images[0].venv?",
            1,
        ),
        (
            '[[runtime.local.images]]\npattern = "x"\n[[runtime.local.images]]\npattern = 3\n',
            "settings-type",
            "runtime.local.images[1].pattern is 3 (a whole number); it must be text",
            "`tradewind config explain runtime.local.images`",
            1,
        ),
        (
            '[[runtime.local.images]]\nvenv = "y"\n',
            "settings-missing-key",
            "runtime.local.images[0] has no pattern",
            "pattern: ",
            1,
        ),
        ("runtime.local.images = [3]\n", "settings-type", "images[0] is 3 (a whole number); it must be a table", "", 1),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(
    tmp_path: pathlib.Path, text: str, code: str, message: str, hint: str, line: int
) -> None:
    error = refused(tmp_path, text)
    assert error.code == code
    assert message in error.message
    assert hint in error.hint
    assert error.object == f"{tmp_path / 'tradewind.toml'}:{line}"


def test_a_wrong_secret_is_not_repeated(tmp_path: pathlib.Path) -> None:
    error = refused(tmp_path, '[database]\nurl = ["postgresql://ana:hunter2@db/x"]\n')
    assert "database.url is a value that is not shown" in error.message
    assert "hunter2" not in str(error)


def test_a_file_that_is_not_toml_is_refused_with_the_line(tmp_path: pathlib.Path) -> None:
    error = refused(tmp_path, "[scheduler\n")
    assert error.code == "settings-not-toml"
    assert "line 1" in error.message


def test_a_missing_file_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.Rejected, match=r"nothing\.toml"):
        settings.load(tmp_path / "nothing.toml", environment={})


def test_a_folder_in_place_of_a_file_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.Rejected) as caught:
        settings.load(tmp_path, environment={})
    assert caught.value.code == "settings-unreadable"


def test_of_two_files_that_of_the_home_applies(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here):
        folder.mkdir()
        (folder / "tradewind.toml").write_text("")
    monkeypatch.chdir(here)
    assert settings.find(home) == home / "tradewind.toml"
    assert settings.find_all(home) == [home / "tradewind.toml", here / "tradewind.toml"]
    (home / "tradewind.toml").unlink()
    assert settings.find(home) == here / "tradewind.toml"
    (here / "tradewind.toml").unlink()
    assert settings.find(home) is None


def test_a_home_that_is_the_current_folder_has_one_file(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tradewind.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert settings.find_all(tmp_path) == [tmp_path / "tradewind.toml"]
