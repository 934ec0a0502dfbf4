"""The layers: which value wins, where it is said to come from, and what each layer refuses."""

from __future__ import annotations

import pathlib
import re

import pytest

import tradewind
from tradewind import settings
from tradewind.ports import errors

AIRFLOW = "AIRFLOW__CORE__PARALLELISM"
OURS = "TRADEWIND_SCHEDULER__PARALLELISM"


def resolve(environment: dict[str, str] | None = None, *flags: str) -> settings.Loaded:
    return settings.resolve(None, environment=environment or {}, flags=flags)


def refused(environment: dict[str, str] | None = None, *flags: str) -> errors.Rejected:
    with pytest.raises(errors.Rejected) as caught:
        resolve(environment, *flags)
    return caught.value


@pytest.mark.parametrize(
    ("with_file", "environment", "flags", "value", "place"),
    [
        (False, {}, (), 32, "default"),
        (False, {AIRFLOW: "1"}, (), 1, AIRFLOW),
        (True, {AIRFLOW: "1"}, (), 2, "tradewind.toml:2"),
        (True, {AIRFLOW: "1", OURS: "3"}, (), 3, OURS),
        (True, {AIRFLOW: "1", OURS: "3"}, ("scheduler.parallelism=4",), 4, "--set scheduler.parallelism"),
    ],
)
def test_the_stronger_layer_wins_and_is_named(
    tmp_path: pathlib.Path,
    with_file: bool,
    environment: dict[str, str],
    flags: tuple[str, ...],
    value: int,
    place: str,
) -> None:
    file = tmp_path / "tradewind.toml"
    file.write_text("[scheduler]\nparallelism = 2\n")
    loaded = settings.resolve(file if with_file else None, environment=environment, flags=flags)
    assert loaded.settings.scheduler.parallelism == value
    assert loaded.value("scheduler.parallelism") == value
    assert loaded.place("scheduler.parallelism").endswith(place)


def test_layers_are_put_together_key_by_key(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "tradewind.toml"
    file.write_text("[scheduler]\nparallelism = 2\nlease_seconds = 7\n")
    made = settings.load(file, environment={OURS: "3"}, flags=["scheduler.drain_seconds=1"])
    assert (made.scheduler.parallelism, made.scheduler.lease_seconds, made.scheduler.drain_seconds) == (3, 7, 1)
    assert made.scheduler.poll_seconds == settings.Settings().scheduler.poll_seconds


def test_text_becomes_the_type_of_its_setting() -> None:
    made = resolve(
        {
            "TRADEWIND_SCHEDULER__LEASE_SECONDS": "2.5",
            "TRADEWIND_SERVER__HEALTH_PORT": "8080",
            "TRADEWIND_DAGS__AIRFLOW": "2",
            "TRADEWIND_DATABASE__URL": "postgresql://db/x",
        }
    ).settings
    assert made.scheduler.lease_seconds == 2.5
    assert made.server.health_port == 8080
    assert made.dags.airflow == "2"
    assert made.database.url == "postgresql://db/x"


def test_a_list_of_tables_is_json_in_a_variable(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[{"pattern": "x:*", "venv": "envs/x", "entrypoint": ["python", "-m"]}]'
    made = resolve({"TRADEWIND_RUNTIME__LOCAL__IMAGES": text}).settings.runtime.local.images
    assert made == (
        settings.ImageSettings(pattern="x:*", venv=str(tmp_path / "envs" / "x"), entrypoint=("python", "-m")),
    )


def test_paths_in_variables_and_flags_are_relative_to_the_current_folder(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resolve({"TRADEWIND_DAGS__FOLDER": "a"}).settings.dags.folder == str(tmp_path / "a")
    assert resolve({}, "dags.folder=b").settings.dags.folder == str(tmp_path / "b")


@pytest.mark.parametrize(
    ("variable", "hint"),
    [
        ("TRADEWIND_SCHEDULER__PARALELISM", "did you mean TRADEWIND_SCHEDULER__PARALLELISM?"),
        ("TRADEWIND_PARALLELISM", "did you mean TRADEWIND_SCHEDULER__PARALLELISM?"),
        ("TRADEWIND_SERVER__PARALLELISM", "did you mean TRADEWIND_SCHEDULER__PARALLELISM?"),
        ("TRADEWIND_SCHEDULER_PARALLELISM", "did you mean TRADEWIND_SCHEDULER__PARALLELISM?"),
        ("TRADEWIND_DAGS_FOLDER", "did you mean TRADEWIND_DAGS__FOLDER?"),
        ("TRADEWIND_SCHEDULER", "that is a section"),
        ("TRADEWIND_RUNTIME__LOCAL", "that is a section"),
        ("TRADEWIND_XYZ", "TRADEWIND_SECTION__KEY"),
    ],
)
def test_an_unknown_variable_is_refused_with_the_nearest(variable: str, hint: str) -> None:
    error = refused({variable: "1"})
    assert error.code == "settings-unknown-key"
    assert error.object == variable
    assert hint in error.hint


@pytest.mark.parametrize(
    "variable",
    [
        "TRADEWIND_HOME",
        "TRADEWIND_VAR_REGION",
        "TRADEWIND_CONN_DB",
        "TRADEWIND_ATTEMPT_ID",
        "TRADEWIND_ATTEMPT_DIR",
        "TRADEWIND_CACHE",
        "_TRADEWIND_COMPLETE",
        "TRADEWIND_PORT",
        "TRADEWIND_PORT_80_TCP_ADDR",
        "TRADEWIND_SERVICE_HOST",
        "TRADEWIND_SERVICE_PORT_HTTP",
        "TRADEWIND_API_SERVICE_HOST",
        "TRADEWIND_API_PORT_8080_TCP",
        "AIRFLOW__CORE__NO_SUCH_OPTION",
        "AIRFLOW_HOME",
        "PATH",
    ],
)
def test_variables_of_others_are_left_alone(variable: str) -> None:
    assert resolve({variable: "tcp://10.0.0.1:80"}).settings == settings.Settings()


def test_every_variable_that_the_program_reads_or_gives_is_known_here() -> None:
    root = pathlib.Path(tradewind.__file__).parent
    named = {
        one
        for path in root.rglob("*.py")
        if path.parent.name != "settings"
        for one in re.findall(r"\bTRADEWIND_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    assert "TRADEWIND_ATTEMPT_ID" in named
    for variable in named - {"TRADEWIND_SECTION__KEY"}:
        settings.load(None, environment={variable: "1"})


@pytest.mark.parametrize(
    ("variable", "text", "code", "message"),
    [
        (OURS, "many", "settings-type", 'scheduler.parallelism is "many"; it must be a whole number, at least 1'),
        (OURS, "", "settings-type", 'scheduler.parallelism is ""'),
        (OURS, "0", "settings-range", "at least 1"),
        (AIRFLOW, "many", "settings-type", 'scheduler.parallelism is "many"'),
        ("TRADEWIND_SCHEDULER__LEASE_SECONDS", "nan", "settings-range", "more than 0"),
        ("TRADEWIND_SERVER__HEALTH_PORT", "-1", "settings-range", "from 0 to 65535"),
        ("TRADEWIND_DAGS__AIRFLOW", "4", "settings-type", 'must be one of "", "2", "3"'),
        ("TRADEWIND_DAGS__DEFAULTS__TIMEZONE", "Europe/Rom", "settings-range", "must be the name of a time zone"),
        ("TRADEWIND_DAGS__DEFAULTS__TIMEZONE", "../passwd", "settings-range", "must be the name of a time zone"),
        ("TRADEWIND_DAGS__DEFAULTS__EXECUTION_TIMEOUT_SECONDS", "0", "settings-range", "more than 0"),
        ("TRADEWIND_DAGS__DEFAULTS__EXECUTION_TIMEOUT_SECONDS", "nan", "settings-range", "must be a number"),
        ("TRADEWIND_DAGS__DEFAULTS__EXECUTION_TIMEOUT_SECONDS", "1h", "settings-type", "must be a number"),
        ("TRADEWIND_DAGS__DEFAULTS__CATCHUP", "", "settings-type", "must be true or false"),
        ("TRADEWIND_RUNTIME__LOCAL__IMAGES", "x", "settings-type", "must be a list of tables, as JSON"),
        ("TRADEWIND_RUNTIME__LOCAL__IMAGES", '{"pattern": "x"}', "settings-type", "must be a list of tables"),
        ("TRADEWIND_RUNTIME__LOCAL__IMAGES", '[{"pattern": 1}]', "settings-type", "images[0].pattern is 1"),
    ],
)
def test_a_wrong_value_in_a_variable_is_refused_with_its_name(
    variable: str, text: str, code: str, message: str
) -> None:
    error = refused({variable: text})
    assert (error.code, error.object) == (code, variable)
    assert message in error.message


@pytest.mark.parametrize(
    ("flag", "code", "said"),
    [
        ("scheduler.paralelism=3", "settings-unknown-key", "did you mean scheduler.parallelism?"),
        ("paralelism=3", "settings-unknown-key", "did you mean scheduler.parallelism?"),
        ("scheduler=3", "settings-unknown-key", "scheduler is a section"),
        ("scheduler.parallelism", "settings-bad-flag", "write --set section.key=value"),
        ("scheduler.parallelism=x", "settings-type", 'is "x"; it must be a whole number'),
        ("server.health_port=65536", "settings-range", "from 0 to 65535"),
    ],
)
def test_a_wrong_flag_is_refused(flag: str, code: str, said: str) -> None:
    error = refused({}, flag)
    assert error.code == code
    assert said in str(error)
    assert error.object == f"--set {flag.partition('=')[0]}"


def test_the_last_of_two_flags_counts() -> None:
    assert resolve({}, "scheduler.parallelism=3", "scheduler.parallelism=5").settings.scheduler.parallelism == 5


def test_a_value_with_an_equals_sign_is_whole() -> None:
    url = "postgresql://db/x?sslmode=require"
    assert resolve({}, f"database.url={url}").settings.database.url == url
