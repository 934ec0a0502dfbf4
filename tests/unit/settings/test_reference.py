"""Every setting is documented at its field, and the reference pages are what the fields say."""

from __future__ import annotations

import pathlib
import re
import runpy

import msgspec
import pytest

from tradewind import settings
from tradewind.settings import text

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGES: dict[str, str] = runpy.run_path(str(ROOT / "scripts" / "reference" / "settings.py"))["pages"]()
_DIMENSIONS = ("_seconds", "_mb", "_gb", "_minutes", "_hours", "_days", "_bytes")


@pytest.mark.parametrize("path", sorted(PAGES))
def test_a_committed_page_is_what_the_code_gives(path: str) -> None:
    assert (ROOT / "docs" / path).read_text(encoding="utf-8") == PAGES[path], "run scripts/reference/settings.py"


@pytest.mark.parametrize("field", settings.all_fields(), ids=lambda field: field.key)
def test_a_setting_is_documented_with_unit_and_reason(field: settings.Field) -> None:
    assert field.what.endswith("."), "say what it does, in a sentence"
    assert field.why.endswith("."), "say why the default is what it is"
    if field.key.endswith(_DIMENSIONS):
        assert field.unit
    for one in text.held(field):
        assert one.what.endswith(".")


@pytest.mark.parametrize("field", settings.all_fields(), ids=lambda field: field.key)
def test_a_setting_has_a_heading_in_the_reference(field: settings.Field) -> None:
    assert f"\n### `{field.key}`\n" in PAGES["reference/settings.md"]


@pytest.mark.parametrize("field", settings.all_fields(), ids=lambda field: field.key)
def test_a_default_is_a_value_that_its_setting_takes(field: settings.Field) -> None:
    assert msgspec.convert(msgspec.to_builtins(field.default), field.type) == field.default


@pytest.mark.parametrize("field", settings.all_fields(), ids=lambda field: field.key)
def test_a_number_that_counts_or_measures_cannot_be_negative(field: settings.Field) -> None:
    if isinstance(field.default, int | float) and not isinstance(field.default, bool):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(-1, field.type)


def test_a_variable_stands_for_one_setting_only() -> None:
    variables = [field.variable for field in settings.all_fields()]
    assert len(variables) == len(set(variables))
    assert all(re.fullmatch(r"TRADEWIND_[A-Z]+(_[A-Z]+)*(__[A-Z]+(_[A-Z]+)*)+", one) for one in variables)
