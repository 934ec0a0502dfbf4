"""Compares Airflow's model of a DAG file with ours: both as plain data, told field by field where they differ.

Five kinds of difference are no mistake, and each is narrow:

- *filled in*: what Airflow finds out when a DAG is first stored or a task is first asked (whether it is paused, a
  task's dates from its DAG's and the DAG's from its tasks', switches of a mapped task) is in our model from the start;
- *set*: what Airflow keeps as a set, and so in any order, is compared as one;
- *opaque*: of an operator that is not here, what only its class knows (template fields, colour) is not known;
- *provider*: operators that moved into the standard provider have its template fields in files of Airflow 2 too;
- *next step*: a schedule that belongs to the next step is there by its name.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.corpus import oracle

_THEIRS = Path(__file__).with_name("oracle_models.py")
_OURS = Path(__file__).with_name("our_models.py")
OLD_RULES = {"dummy": "always", "none_failed_or_skipped": "none_failed_min_one_success"}
_OF_THE_CLASS = frozenset({"template_fields", "ui_color"})
_OF_THE_PROVIDER = frozenset(
    {"@task.virtualenv", "ExternalTaskMarker", "FileSensor", "PythonVirtualenvOperator", "TimeDeltaSensor"}
)
"""Operators with more template fields in the provider than in Airflow 2."""
_PRESETS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@quarterly": "0 0 1 */3 *",
    "@yearly": "0 0 1 1 *",
}
_SETS = frozenset({"template_fields", "tags"})
_FILLED_IN = frozenset(
    {"is_paused_upon_creation", "multiple_outputs", "email_on_failure", "email_on_retry", "start_date", "end_date"}
)


def of_airflow(paths: Sequence[Path], major: str = "3") -> dict[str, dict[str, Any]]:
    """Path → what Airflow makes of the file; kept in the user's cache under the hash of files and program.

    Of files that count from today, under the date too.
    """
    today = [path for path in paths if "days_ago(" in path.read_text(encoding="utf-8")]
    found = _asked([path for path in paths if path not in today], major, "")
    if today:
        found.update(_asked(today, major, datetime.now(UTC).date().isoformat()))
    return found


def _asked(paths: Sequence[Path], major: str, day: str) -> dict[str, dict[str, Any]]:
    assert len({path.name for path in paths}) == len(paths)
    kept = oracle.cache() / "oracle-models" / f"{oracle.version(major)}-{day}{_fingerprint(paths)}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    if not kept.exists():
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
        with tempfile.TemporaryDirectory(prefix="tradewind-oracle-") as home:
            command = [str(one) for one in (oracle.interpreter(major), _THEIRS, home, *paths)]
            ran = subprocess.run(command, capture_output=True, text=True, env=clean, timeout=600, check=False)
        if ran.returncode != 0:
            raise RuntimeError(
                f"Airflow {major} could not tell its models: exit {ran.returncode}\n{ran.stderr[-4000:]}"
            )
        draft = kept.with_suffix(f".{os.getpid()}")
        draft.write_text(ran.stdout)
        draft.replace(kept)
    found = {Path(told).name: model for told, model in json.loads(kept.read_text())["files"].items()}
    return {str(path): found[path.name] for path in paths}  # another checkout may have asked


def of_ours(paths: Sequence[Path], *, libraries: Path | None = None) -> dict[str, dict[str, Any]]:
    """Path → what we make of the file. `libraries`: a folder of packages that the files import."""
    examples = ["--example-dags", str(oracle.package() / "example_dags")]
    environment = {**os.environ, "PYTHONPATH": f"{libraries or ''}", "TZ": "UTC"}
    command = [sys.executable, str(_OURS), *examples, *map(str, paths)]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600, check=False)
    if ran.returncode != 0:
        raise RuntimeError(f"our models could not be told: exit {ran.returncode}\n{ran.stderr[-4000:]}")
    found: dict[str, dict[str, Any]] = json.loads(ran.stdout)
    return found


def libraries(folder: Path, *names: str) -> Path:
    """A folder with these packages of Airflow's environment and nothing of Airflow's own."""
    for name in names:
        source = oracle.package().parent / name
        target = source if source.exists() else source.with_suffix(".py")
        (folder / target.name).symlink_to(target)
    return folder


def differences(
    theirs: dict[str, Any], ours: dict[str, Any], *, opaque: Sequence[str] = (), major: str = "3"
) -> list[str]:
    """Where the two models of one DAG differ, as sentences. `opaque`: operators of which only the name is here."""
    unknown = [*opaque, *(_OF_THE_PROVIDER if major == "2" else ())]
    return [
        *_of_dag(theirs, ours),
        *_of_members("task", theirs["tasks"], ours["tasks"], unknown, ours),
        *_of_members("group", theirs["groups"], ours["groups"], (), {}),
    ]


def _of_dag(theirs: dict[str, Any], ours: dict[str, Any]) -> Iterator[str]:
    for name, value in theirs.items():
        if name in ("tasks", "groups", "timetable"):
            continue
        if not _is_alike(name, value, ours[name]):
            yield f"{name}: {value!r} there, {ours[name]!r} here"
    there, here = schedule_of_airflow(theirs["timetable"]), schedule_of_ours(ours["timetable"])
    if there != here:
        yield f"schedule: {there!r} there, {here!r} here"


def _of_members(
    kind: str, theirs: dict[str, Any], ours: dict[str, Any], opaque: Sequence[str], dag: dict[str, Any]
) -> Iterator[str]:
    for name in sorted({*theirs, *ours}):
        if name not in theirs or name not in ours:
            yield f"{kind} {name!r} is only {'here' if name in ours else 'there'}"
            continue
        for field, value in theirs[name].items():
            own = ours[name].get(field)
            if field in ("start_date", "end_date") and own is None:
                own = dag.get(field)
            if field == "type" or (field in _OF_THE_CLASS and ours[name].get("operator") in opaque):
                continue
            if not _is_alike(field, value, own):
                yield f"{kind} {name!r}: {field} {value!r} there, {own!r} here"


def _is_alike(name: str, theirs: Any, ours: Any) -> bool:
    if name in _FILLED_IN and theirs is None:
        return True
    if name in _SETS:
        return sorted(theirs or ()) == sorted(ours or ())
    if name == "trigger_rule":
        return bool(OLD_RULES.get(str(theirs), theirs) == ours)
    if name == "retry_exponential_backoff" and theirs is True:
        theirs = 2  # what True means
    if name == "email":
        return _addresses(theirs) == _addresses(ours)
    return (theirs or None) == (ours or None)


def _addresses(given: Any) -> list[str]:
    if isinstance(given, str):
        return [part.strip() for part in given.replace(";", ",").split(",") if part.strip()]
    return list(given or ())


def schedule_of_airflow(told: Sequence[Any]) -> Any:
    """Airflow's serialised timetable in our words."""
    kind, held = told
    if kind == "schedule_interval":
        return _of_interval(held)
    match kind:
        case "NullTimetable":
            return "never"
        case "OnceTimetable":
            return "once"
        case "ContinuousTimetable":
            return "continuous"
        case "CronTriggerTimetable" | "MultipleCronTriggerTimetable":
            crons = held.get("expressions") or [held["expression"]]
            return ("cron trigger", sorted(crons), held["timezone"], _number(held["interval"]))
        case "CronDataIntervalTimetable":
            return ("cron interval", [held["expression"]], held["timezone"])
        case "DeltaTriggerTimetable":
            return ("delta trigger", _number(held["delta"]))
        case "DeltaDataIntervalTimetable":
            return ("delta interval", _number(held["delta"]))
        case "AssetTriggeredTimetable" | "DatasetTriggeredTimetable":
            return ("assets", _condition(held.get("asset_condition") or held.get("dataset_condition")))
        case "AssetOrTimeSchedule" | "DatasetOrTimeSchedule":
            inner = held["timetable"]
            time = schedule_of_airflow([inner["__type"].rpartition(".")[2], inner["__var"]])
            return ("assets or time", time, _condition(held.get("asset_condition") or held.get("dataset_condition")))
        case _:
            return ("of the next step", kind)


def _of_interval(held: Any) -> Any:
    if held is None:
        return "never"
    if isinstance(held, dict):
        return ("delta interval", _number(held["__var"]))
    return "once" if held == "@once" else ("cron interval", [_PRESETS[held]], "UTC")


def schedule_of_ours(told: Sequence[Any]) -> Any:
    """Our timetable in the same words."""
    kind, held = told
    match kind:
        case "Never":
            return "never"
        case "Once":
            return "once"
        case "Continuous":
            return "continuous"
        case "CronTrigger":
            reach = held.get("interval_seconds", 0)
            return ("cron trigger", sorted(held["crons"]), held.get("timezone", "UTC"), float(reach))
        case "CronDataInterval":
            return ("cron interval", held["crons"], held.get("timezone", "UTC"))
        case "DeltaTrigger":
            return ("delta trigger", _seconds(held["delta"]))
        case "DeltaDataInterval":
            return ("delta interval", _seconds(held["delta"]))
        case "AssetTriggered":
            return ("assets", _own_condition(held["condition"]))
        case "AssetOrTime":
            time = dict(held["time"])
            kinds = {"cron_trigger": "CronTrigger", "cron_data_interval": "CronDataInterval"}
            inner = schedule_of_ours([kinds.get(str(time.get("type")), str(time.get("type"))), time])
            return ("assets or time", inner, _own_condition(held["condition"]))
        case _:
            return ("of the next step", str(held["classpath"]).rpartition(".")[2])


def _condition(held: dict[str, Any]) -> Any:
    kind = str(held["__type"]).rpartition("_")[2].replace("dataset", "asset")
    if "objects" in held:
        return {kind: [_condition(one) for one in held["objects"]]}
    held = held.get("__var", held)
    return held.get("uri") or held.get("name")


def _own_condition(held: dict[str, Any]) -> Any:
    ((kind, value),) = held.items()
    if isinstance(value, list):
        return {kind: [_own_condition(one) for one in value]}
    return value.get("uri") or value.get("name")


def _seconds(delta: dict[str, float]) -> float:
    return float(delta.get("days", 0) * 86400 + delta.get("hours", 0) * 3600 + delta.get("seconds", 0))


def _number(value: Any) -> float:
    return float(value["__var"] if isinstance(value, dict) else value)


def _fingerprint(paths: Sequence[Path]) -> str:
    digest = hashlib.sha256(_THEIRS.read_bytes())
    for path in paths:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
