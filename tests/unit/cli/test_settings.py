"""The settings file."""

from __future__ import annotations

import pathlib

import pytest

from tradewind import settings
from tradewind.ports import errors


def load(folder: pathlib.Path, text: str) -> settings.Settings:
    file = folder / "tradewind.toml"
    file.write_text(text)
    return settings.load(file)


def test_without_a_file_everything_has_its_default() -> None:
    assert settings.load(None).scheduler.infrastructure_retries == 3


def test_paths_are_relative_to_the_file(tmp_path: pathlib.Path) -> None:
    made = load(tmp_path, '[[runtime.local.images]]\npattern = "x:*"\nvenv = "envs/x"\n[dags]\nfolder = "dags"\n')
    assert made.runtime.local.images[0].venv == str(tmp_path / "envs" / "x")
    assert made.dags.folder == str(tmp_path / "dags")


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("[schedular]\n", "settings-unknown-key", "did you mean scheduler"),
        ("[scheduler]\nparalelism = 3\n", "settings-unknown-key", "did you mean scheduler.parallelism"),
        ('[scheduler]\nparallelism = "many"\n', "settings-type", "parallelism"),
        ("[scheduler\n", "settings-not-toml", "line 1"),
    ],
)
def test_a_bad_file_is_refused_with_the_place(tmp_path: pathlib.Path, text: str, code: str, says: str) -> None:
    with pytest.raises(errors.Rejected) as caught:
        load(tmp_path, text)
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_missing_file_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.Rejected, match=r"nothing\.toml"):
        settings.load(tmp_path / "nothing.toml")
