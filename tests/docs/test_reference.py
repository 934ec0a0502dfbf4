"""The reference pages are what the code gives, and leave nothing out."""

from __future__ import annotations

import pathlib
import re
from enum import Enum

import pytest

from scripts.reference import __main__ as reference
from scripts.reference import cli, errors, pod_operator, states
from tradewind import settings
from tradewind.cli import groups
from tradewind.model import dagspec
from tradewind.model import states as model
from tradewind.sdk.operators import pod

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = reference.pages()
CODES = errors.codes()
SECTIONS = sorted({field.key.partition(".")[0] for field in settings.all_fields()})


@pytest.mark.parametrize("path", PAGES)
def test_a_reference_page_is_what_the_code_gives(path: str) -> None:
    assert (ROOT / "docs" / path).read_text(encoding="utf-8") == PAGES[path], "run `make reference`"


def test_every_parameter_of_the_pod_operator_is_in_the_page_with_what_becomes_of_it() -> None:
    assert set(pod_operator.TEXTS) == {"do_xcom_push", *pod.DEFAULTS}
    ways = ("**honoured**", "**better**", "**needs nothing**", "**refused**")
    assert [name for name, text in pod_operator.TEXTS.items() if not text.startswith(ways)] == []


def test_every_group_of_commands_is_in_the_page() -> None:
    paths = [path for path, _ in cli.commands()]

    assert {path.split()[0] for path in paths if " " in path} == set(groups.GROUPS)
    assert {"run", "render", "standalone"} <= set(paths)


@pytest.mark.parametrize(("path", "command"), list(cli.commands()), ids=lambda one: one if isinstance(one, str) else "")
def test_every_command_says_what_it_does_and_gives_an_example(path: str, command: object) -> None:
    text = f"{getattr(command, 'help', '')}"
    parameters = [one for one in command.params if one.name != "help"]  # type: ignore[attr-defined]

    assert text.strip().endswith("."), "a sentence"
    assert [one.name for one in parameters if not (one.help or "").strip()] == []
    assert f"tradewind {path}" in (getattr(command, "epilog", "") or ""), "an example"


@pytest.mark.parametrize(
    "kind", [model.RunState, model.RunType, model.TaskState, model.AttemptPhase, model.EndReason, dagspec.TriggerRule]
)
def test_every_state_has_a_text(kind: type[Enum]) -> None:
    assert set(states.texts(kind)) == {one.value for one in kind}


def test_codes_that_tests_expect_are_in_the_page() -> None:
    expected = {
        code
        for path in (ROOT / "tests").rglob("*.py")
        for code in re.findall(r'\.code == "([a-z]+(?:-[a-z]+)*)"', path.read_text(encoding="utf-8"))
    }

    assert len(expected) > 20
    assert expected - set(CODES) == set()


def test_every_code_comes_with_a_hint() -> None:
    without = [code for code, places in CODES.items() if not any(one.hint for one in places)]

    assert without == [], "codes of which no place says what to do"


def test_the_kinds_of_errors_are_those_of_the_tree() -> None:
    named = set(re.findall(r"^\| `(\w+)` \|", PAGES["reference/errors.md"].partition("\n## Commands")[0], re.MULTILINE))

    assert named == errors.documented_kinds()


def test_hints_name_commands_and_settings_that_there_are() -> None:
    texts = " ".join(f"{one.message} {one.hint}" for places in CODES.values() for one in places)
    commands = {path for path, _ in cli.commands()}
    words = {match[1] for match in re.finditer(r"`tradewind ((?:[a-z-]+ ?){1,2})", texts)}
    named = {word.strip() for word in words}
    keys = {match[0] for match in re.finditer(rf"\b(?:{'|'.join(SECTIONS)})\.[a-z_]+(?:\.[a-z_]+)*", texts)}

    assert {one for one in named if one not in commands and one.split()[0] not in commands} == set()
    known = {field.key for field in settings.all_fields()}
    if not any(key.startswith("runtime.kubernetes.") for key in known):  # the adapter is there first
        keys = {key for key in keys if not key.startswith("runtime.kubernetes.")}
    assert keys - known == set()
    assert len(named) > 10
    assert len(keys) > 3
