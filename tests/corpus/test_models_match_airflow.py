"""Every example file of Airflow's wheels loads, and its model equals the one that Airflow itself serialises."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import models, oracle
from tests.corpus.example_cases import EXCLUDED

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(900)]

# Airflow serialises these only where their plugins are registered; they belong to the next step.
NEXT_STEP = {
    "example_custom_weight": "weight strategies of plugins",
    "example_workday_timetable": "timetables of plugins",
}
_NEEDED = ("httpx", "httpcore", "h11", "anyio", "sniffio", "idna", "certifi")


@functools.cache
def theirs() -> dict[str, dict[str, Any]]:
    return models.of_airflow(list(oracle.examples().values()))


@functools.cache
def ours() -> dict[str, dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="tradewind-corpus-") as folder:
        return models.of_ours(list(oracle.examples().values()), libraries=models.libraries(Path(folder), *_NEEDED))


def _names() -> list[str]:
    """The files, where Airflow is installed; collecting tests must not install it."""
    try:
        return list(oracle.examples())
    except FileNotFoundError:
        return []


def test_the_corpus_is_there() -> None:
    assert len(oracle.examples()) == 68


@pytest.mark.parametrize("name", _names())
def test_the_model_of_a_file_of_the_wheels_is_airflows(name: str, record_property: Any) -> None:
    path = str(oracle.examples()[name])
    expected, found = theirs()[path], ours()[path]
    record_property("loaded", _loaded_as(name, found))
    record_property("not_run", f"not run: {EXCLUDED[name]}" if name in EXCLUDED else "-")
    record_property("dags", len(found["dags"]))
    if name in NEXT_STEP:
        assert expected["error"], f"{name} has a model in Airflow by now; compare it"
        assert found["dags"] or found["problems"][0]["code"] == "not-here-yet", found["problems"]
        record_property("model", f"not compared: {NEXT_STEP[name]} are the next step")
        return
    assert found["problems"] == []
    assert sorted(found["dags"]) == sorted(expected["dags"])
    for dag_id, model in expected["dags"].items():
        told = models.differences(model, found["dags"][dag_id], opaque=found["opaque"])
        assert told == [], "\n".join(told)
    record_property("model", "equal")


def _loaded_as(name: str, found: dict[str, Any]) -> str:
    if found["problems"]:
        return "next step" if found["problems"][0]["code"] == "not-here-yet" else "refused"
    return "native, opaque: " + ", ".join(found["opaque"]) if found["opaque"] else "native"
