"""Every option of Airflow 3.3 is accounted for here; settings that stand for one, of 3.3 or of 2, have its default."""

from __future__ import annotations

import functools
from typing import Any

import msgspec
import pytest
import yaml

from tests.corpus import oracle
from tradewind import settings
from tradewind.settings import airflow
from tradewind.settings.field import Field

pytestmark = pytest.mark.airflow

OTHER_DEFAULTS = {
    "core.default_task_execution_timeout": "none as well, which is an empty text there",
    "core.dags_are_paused_at_creation": "who puts a file into the folder wants it to run",
    "core.dags_folder": "DAG files lie in our home and not in Airflow's",
    "smtp.smtp_host": "no mail is tried where no server is named",
    "smtp.smtp_mail_from": "an address that nobody has is refused by most servers",
    "scheduler.catchup_by_default": "not set: 2.x and 3.x differ, and files of both are run",
}


@functools.cache
def options(major: str = "3") -> dict[str, Any]:
    """Option → its default as Airflow's own description has it."""
    told = yaml.safe_load((oracle.package(major) / "config_templates" / "config.yml").read_text(encoding="utf-8"))
    return {
        f"{section}.{key}": option.get("default")
        for section, about in told.items()
        for key, option in about["options"].items()
    }


def test_every_option_of_airflow_has_an_answer() -> None:
    meant = {field.airflow for field in settings.all_fields()}
    unknown = [option for option in options() if option not in meant and airflow.why(option) == airflow.UNKNOWN]
    assert unknown == []


def test_every_core_option_has_an_answer_of_its_own() -> None:
    answered = {field.airflow for field in settings.all_fields()} | {
        *airflow.IN_DAG_FILES,
        *airflow.NOT_YET,
        *airflow.NOT_USED,
    }
    assert [option for option in options() if option.startswith("core.") and option not in answered] == []


def _meant() -> list[Field]:
    return [field for field in settings.all_fields() if field.airflow]


@pytest.mark.parametrize("field", _meant(), ids=lambda field: field.airflow)
def test_a_setting_that_stands_for_an_option_is_one_of_airflow_and_has_its_default(field: Field) -> None:
    theirs = options()[field.airflow] if field.airflow in options() else options("2")[field.airflow]
    if field.airflow in OTHER_DEFAULTS:
        assert str(theirs) != str(field.default)
    else:
        assert msgspec.convert("" if theirs is None else theirs, field.type, strict=False) == field.default
