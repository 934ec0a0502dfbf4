"""DAG files made for one meaning each end here as in Airflow: states, tries and XComs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import oracle
from tests.corpus.oracle_states import HOME
from tests.corpus.test_examples_match_airflow import run_here, states, values

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(1000)]

FOLDER = Path(__file__).parent / "files" / "meaning"


def differences(path: Path, folder: Path) -> dict[str, Any]:
    """What ends otherwise, by DAG and task or XCom: (here, in Airflow)."""
    theirs = oracle.states_of(path)
    assert theirs
    found: dict[str, Any] = {}
    for dag_id, expected in theirs.items():
        _, told, said = run_here(path, dag_id, expected["logical_date"], folder)
        ours = json.loads(json.dumps(told).replace(f"{HOME}/notes", "/tmp"))
        pairs = [
            (states(ours["tasks"]), states(expected["tasks"])),
            (values(ours["xcom"]), values(expected["xcom"])),
            ({"run": ours["state"]}, {"run": expected["state"]}),
        ]
        for here, there in pairs:
            for name in {*here, *there}:
                if here.get(name) != there.get(name):
                    found[f"{dag_id}.{name}"] = (here.get(name), there.get(name))
        if found:
            print(said[-6000:])
    return found


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_a_file_of_one_meaning_ends_as_in_airflow(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # What files note for themselves lies there, and an earlier run of the same logical date must not have written it.
    notes = tmp_path / "notes"
    notes.mkdir()
    monkeypatch.setenv("TMPDIR", str(notes))
    assert differences(path, tmp_path) == {}
