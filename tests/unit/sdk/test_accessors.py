"""What user code reads while it runs: Variables, Connections, macros, configuration, and the keys of a context."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.sdk.asked import Asked
from tradewind.sdk import context, errors, macros, masking, supervision, timezone
from tradewind.sdk.configuration import conf
from tradewind.sdk.connection import Connection
from tradewind.sdk.hook import BaseHook
from tradewind.sdk.variable import Variable


@pytest.fixture
def asked() -> Iterator[Asked]:
    one: Any = Asked(
        {"place": "here", "spec": '{"n": 3}', "broken": "{"},
        {"db": {"conn_type": "postgres", "host": "db.test", "login": "ana", "password": "hunter2", "port": 5432}},
    )
    with supervision.installed(one):
        yield one


@pytest.mark.usefixtures("asked")
class TestReading:
    def test_a_variable_is_a_text_or_json(self) -> None:
        assert Variable.get("place") == "here"
        assert Variable.get("spec", deserialize_json=True) == {"n": 3}

    def test_a_default_is_for_what_is_not_there(self) -> None:
        assert Variable.get("none", "x") == "x"
        assert Variable.get("none", default_var=None) is None
        assert Variable.get("place", "x") == "here"

    def test_a_variable_that_is_not_there_is_named(self) -> None:
        with pytest.raises(KeyError) as caught:
            Variable.get("none")
        assert str(caught.value) == "there is no Variable 'none'"
        assert isinstance(caught.value, errors.AirflowNotFoundException)

    def test_a_variable_that_is_no_json_fails_where_json_was_asked_for(self) -> None:
        with pytest.raises(json.JSONDecodeError):
            Variable.get("broken", deserialize_json=True)

    def test_a_template_reads_variables_by_attribute_or_with_a_default(self) -> None:
        var = context.variables()
        assert (var["value"].place, var["json"].spec["n"]) == ("here", 3)
        assert (var["value"].get("none", "x"), var["json"].get("spec")) == ("x", {"n": 3})
        with pytest.raises(KeyError, match="no Variable 'none'"):
            _ = var["value"].none

    def test_a_connection_is_read_by_hooks_code_and_templates_alike(self) -> None:
        for found in (BaseHook.get_connection("db"), Connection.get("db"), context.ConnectionAccessor().db):
            assert (found.conn_id, found.host, found.port) == ("db", "db.test", 5432)
        assert context.ConnectionAccessor().get("none", "nothing") == "nothing"

    def test_a_connection_that_is_not_there_is_named(self) -> None:
        with pytest.raises(errors.AirflowNotFoundException, match="The conn_id `none` isn't defined"):
            Connection.get("none")

    def test_a_connection_never_shows_its_password(self) -> None:
        found = Connection.get("db")
        assert found.password == "hunter2"
        assert "hunter2" not in f"{found!r} {found}"


def test_variables_are_written_and_taken_away(asked: Asked) -> None:
    Variable.set("new", 5)
    Variable.set("data", {"a": 1}, serialize_json=True)
    assert (asked.variables["new"], json.loads(asked.variables["data"])) == ("5", {"a": 1})
    assert Variable.setdefault("new", "other") == "5"
    assert Variable.setdefault("fresh", {"b": 2}, deserialize_json=True) == {"b": 2}
    assert json.loads(asked.variables["fresh"]) == {"b": 2}
    Variable.delete("new")
    assert "new" not in asked.variables


def test_a_secret_is_told_to_whoever_hides_it(asked: Asked) -> None:
    masking.mask_secret({"token": "abc"}, name="x")
    assert asked.secrets == [{"token": "abc"}]


def test_without_a_supervisor_the_environment_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_PLACE", "environment")
    monkeypatch.setenv("TRADEWIND_CONN_DB", "postgres://ana:p%40ss@db.test:5432/sales?sslmode=require")
    assert Variable.get("place") == "environment"
    found = Connection.get("db")
    assert (found.login, found.password, found.schema, found.extra_dejson) == (
        "ana", "p@ss", "sales", {"sslmode": "require"},
    )  # fmt: skip


def test_without_a_supervisor_nothing_can_be_written_and_it_says_where_to() -> None:
    with pytest.raises(errors.DagProblem, match="there is no running task here") as caught:
        Variable.set("a", "b")
    assert "inside a task" in caught.value.problem.hint


def test_a_connection_that_cannot_be_read_is_named_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DB", "{password: hunter2")
    with pytest.raises(errors.DagProblem) as caught:
        Connection.get("db")
    assert caught.value.problem.object == "connection 'db'"
    assert "hunter2" not in str(caught.value)


_URIS = [
    "postgres://ana:p%40ss@db.test:5432/sales?sslmode=require",
    "http://https%3A%2F%2Fapi.test",
    "generic://",
]


@pytest.mark.parametrize("uri", _URIS)
def test_a_connection_survives_its_uri_and_its_json(uri: str) -> None:
    one = Connection.from_uri(uri, conn_id="x")
    assert Connection.from_uri(one.get_uri(), conn_id="x") == one
    assert Connection.from_json(one.as_json(), conn_id="x").host == one.host


def test_a_connection_is_given_by_uri_or_by_fields_not_both() -> None:
    with pytest.raises(errors.AirflowException, match="not both"):
        Connection(conn_id="x", uri="http://a", host="b")


def test_extra_is_read_as_a_dict_and_nested_where_asked() -> None:
    one = Connection(extra={"a": '{"b": 1}', "c": "text"})
    assert one.extra_dejson == {"a": '{"b": 1}', "c": "text"}
    assert one.get_extra_dejson(nested=True) == {"a": {"b": 1}, "c": "text"}
    assert Connection(extra="no json").extra_dejson == {}


def test_macros_reckon_with_days() -> None:
    assert macros.ds_add("2026-02-27", 2) == "2026-03-01"
    assert macros.ds_add("2026-03-01", -1) == "2026-02-28"
    assert macros.ds_format("2026-01-02", "%Y-%m-%d", "%d.%m.%y") == "02.01.26"
    assert macros.ds_format_locale("02/01/2026", "%d/%m/%Y", "D MMMM YYYY", "de") == "2 Januar 2026"
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, tzinfo=UTC)
    assert macros.datetime_diff_for_humans(early, late) == "2 days before"
    assert 0 <= macros.random() < 1
    assert macros.dateutil.parser.parse("2026-01-02").day == 2


def test_configuration_answers_from_the_environment_then_from_what_files_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__ETL__BATCH", "50")
    monkeypatch.setenv("AIRFLOW__ETL__STRICT", "yes")
    monkeypatch.setenv("AIRFLOW__ETL__NAMES", "a, b")
    assert (conf.get("etl", "batch"), conf.getint("etl", "batch"), conf.getfloat("etl", "batch")) == ("50", 50, 50.0)
    assert (conf.getboolean("etl", "strict"), conf.getlist("etl", "names")) == (True, ["a", "b"])
    assert conf.get("core", "default_timezone") == "utc"
    assert (conf.get("etl", "none", fallback="x"), conf.getint("etl", "none", fallback=None)) == ("x", None)
    assert conf.has_option("etl", "batch")
    assert not conf.has_option("etl", "none")


def test_an_option_that_is_not_there_or_of_another_kind_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.AirflowConfigException, match=r"no option 'none' in the section \[etl\]"):
        conf.get("etl", "none")
    monkeypatch.setenv("AIRFLOW__ETL__BATCH", "many")
    with pytest.raises(errors.AirflowConfigException, match=r"\[etl/batch\] must be a number, not 'many'"):
        conf.getint("etl", "batch")
    with pytest.raises(errors.AirflowConfigException, match="must be true or false"):
        conf.getboolean("etl", "batch")


def test_events_of_assets_can_be_walked_and_say_so_when_one_is_read() -> None:
    events = context.inlet_events()
    assert (len(events), list(events)) == (0, [])
    with pytest.raises(errors.NotHereYet, match="inlet_events\\['a'\\] cannot run here yet"):
        _ = events["a"]


def test_the_current_context_is_that_of_the_running_task() -> None:
    with context.set_current({"ds": "x"}) as given:
        assert context.get_current_context() is given
    assert context.get_parsing_context().dag_id is None


def test_zones_are_given_and_taken() -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - as a file may hold it
    aware = timezone.make_aware(naive, timezone.parse_timezone("Europe/Berlin"))
    assert aware is not None
    assert timezone.convert_to_utc(aware) == datetime(2025, 12, 31, 23, tzinfo=UTC)
    assert timezone.make_naive(datetime(2026, 1, 1, tzinfo=UTC)) == naive
    with pytest.raises(ValueError, match="without a zone"):
        timezone.make_aware(aware)
    assert timezone.parse("2026-01-01T00:00:00+02:00") == datetime(2025, 12, 31, 22, tzinfo=UTC)
    assert timezone.td_format(90061) == "1d:1h:1min:1s"
