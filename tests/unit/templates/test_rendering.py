"""Values are rendered as DAG files written for Airflow expect."""

from __future__ import annotations

import dataclasses
import pathlib
from collections import namedtuple
from datetime import UTC, datetime
from typing import Any

import jinja2
import pytest

from tradewind import templates

WHEN = datetime(2026, 1, 31, 23, 59, tzinfo=UTC)


@dataclasses.dataclass
class Dag:
    folder: str = ""
    template_searchpath: list[str] | str | None = None
    template_undefined: type[jinja2.Undefined] = jinja2.StrictUndefined
    jinja_environment_kwargs: dict[str, Any] | None = None
    user_defined_macros: dict[str, Any] | None = None
    user_defined_filters: dict[str, Any] | None = None
    render_template_as_native_obj: bool = False


@dataclasses.dataclass
class Thing:
    template_fields = ("text", "inner")
    text: Any = None
    inner: Any = None


class Lazy(dict[str, Any]):
    """Fails when all of its values are computed."""

    def __contains__(self, key: object) -> bool:
        return key in ("ds", "costly")

    def __getitem__(self, key: str) -> Any:
        if key == "costly":
            raise AssertionError("computed without being asked for")
        return "2026-01-31"

    def __iter__(self) -> Any:
        raise AssertionError("all keys were asked for")


def _render(value: Any, context: dict[str, Any] | None = None, dag: Dag | None = None, **options: Any) -> Any:
    return templates.render(value, {} if context is None else context, templates.environment(dag or Dag()), **options)


def test_texts_in_every_container_are_rendered() -> None:
    pair = namedtuple("pair", "left right")  # noqa: PYI024
    value = {"{{ key }}": ["{{ x }}", ("{{ x }}",), {"{{ x }}"}, pair("{{ x }}", 5)], "n": 5, "none": None}
    assert _render(value, {"x": 1}) == {"{{ key }}": ["1", ("1",), {"1"}, pair("1", 5)], "n": 5, "none": None}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ds", "2026-01-31"),
        ("ds_nodash", "20260131"),
        ("ts", "2026-01-31T23:59:00+00:00"),
        ("ts_nodash", "20260131T235900"),
        ("ts_nodash_with_tz", "20260131T235900+0000"),
    ],
)
def test_a_date_filter_spells_as_airflow(name: str, expected: str) -> None:
    assert _render(f"{{{{ when | {name} }}}}", {"when": WHEN}) == expected


def test_one_newline_at_the_end_goes_with_and_without_a_template() -> None:
    assert _render(["a\n\n", "{{ 1 }}\n\n", "a\r\nb"]) == ["a\n", "1\n", "a\nb"]


def test_an_undefined_name_is_an_error_unless_the_dag_says_otherwise() -> None:
    with pytest.raises(jinja2.UndefinedError, match="'dss' is undefined"):
        _render("{{ dss }}", {"ds": "x"})
    assert _render("[{{ dss }}]", dag=Dag(template_undefined=jinja2.Undefined)) == "[]"


def test_without_a_dag_an_undefined_name_renders_as_nothing() -> None:
    assert templates.render("[{{ x }}]", {}, templates.environment()) == "[]"


def test_native_values_come_out_as_they_are() -> None:
    native = Dag(render_template_as_native_obj=True)
    assert _render(["{{ x }}", "5", "a {{ x }}"], {"x": [1, {"a": None}]}, native) == [
        [1, {"a": None}],
        5,
        "a [1, {'a': None}]",
    ]


def test_an_operator_may_choose_native_values_for_itself() -> None:
    env = templates.environment(Dag(), native=True)
    assert templates.render("{{ x }}", {"x": [1]}, env) == [1]


def test_the_sandbox_keeps_double_underscores_closed_and_single_ones_open() -> None:
    assert _render("{{ thing._kept }}", {"thing": type("T", (), {"_kept": 3})()}) == "3"
    with pytest.raises(jinja2.exceptions.SecurityError):
        _render("{{ ''.__class__.__mro__ }}")


def test_the_dags_macros_and_filters_are_there_and_the_context_comes_first() -> None:
    dag = Dag(user_defined_macros={"twice": lambda x: 2 * x, "ds": "macro"}, user_defined_filters={"up": str.upper})
    assert _render("{{ twice(2) }} {{ 'a' | up }} {{ ds }}", {"ds": "context"}, dag) == "4 A context"


def test_a_template_file_is_found_beside_the_dag_file_and_on_the_search_path(tmp_path: pathlib.Path) -> None:
    (tmp_path / "beside").mkdir()
    (tmp_path / "beside" / "a.sql").write_text("select {{ x }} {% include 'b.sql' %}")
    (tmp_path / "b.sql").write_text("from {{ y }}")
    dag = Dag(folder=str(tmp_path / "beside"), template_searchpath=[str(tmp_path)])
    assert _render("a.sql", {"x": 1, "y": 2}, dag, template_ext=(".sql",)) == "select 1 from 2"


def test_a_missing_template_file_says_where_files_are_looked_for(tmp_path: pathlib.Path) -> None:
    with pytest.raises(jinja2.TemplateNotFound) as caught:
        _render("none.sql", dag=Dag(folder=str(tmp_path)), template_ext=(".sql",))
    assert "template_searchpath" in templates.describe(caught.value)[1]


def test_a_literal_keeps_its_braces() -> None:
    assert _render(["{{ x }}", templates.literal("{{ x }}")], {"x": 1}) == ["1", "{{ x }}"]


def test_what_resolves_is_asked_with_the_context() -> None:
    class Reference:
        def resolve(self, context: dict[str, Any]) -> Any:
            return context["x"] + 1

    assert _render({"a": Reference()}, {"x": 1}) == {"a": 2}


def test_a_path_is_not_taken_for_a_reference() -> None:
    assert _render(pathlib.Path("/tmp/{{ x }}"), {"x": 1}) == pathlib.Path("/tmp/{{ x }}")


def test_objects_with_template_fields_are_rendered_in_place_and_rings_end() -> None:
    thing = Thing("{{ x }}")
    thing.inner = [thing, Thing("{{ x }}!")]
    templates.render_fields(thing, ["text", "inner"], {"x": 1}, templates.environment(Dag()))
    assert (thing.text, thing.inner[1].text) == ("1", "1!")


def test_a_function_in_a_template_field_is_called() -> None:
    thing = Thing(lambda context, jinja_env: context["x"])
    templates.render_fields(thing, ["text"], {"x": 7}, templates.environment(Dag()))
    assert thing.text == 7


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match="'missing' in template_fields"):
        templates.render_fields(Thing(), ["missing"], {}, templates.environment(Dag()))


def test_values_of_the_context_are_computed_only_when_asked_for() -> None:
    assert _render("{{ ds }}", Lazy()) == "2026-01-31"


def test_an_undefined_name_is_reported_with_field_line_and_near_name() -> None:
    thing = Thing("select\n  {{ dss }}")
    with pytest.raises(jinja2.UndefinedError) as caught:
        templates.render_fields(thing, ["text"], Lazy(), templates.environment(Dag()))
    assert templates.where(caught.value) == templates.Where(field="text", line=2, text="{{ dss }}")
    message, hint = templates.describe(caught.value, ["ds", "ts"])
    assert "field 'text', line 2 of its template" in message
    assert hint == "is 'ds' meant?"


def test_a_syntax_error_is_reported_with_its_line() -> None:
    thing = Thing("a\nb\n{% if %}")
    with pytest.raises(jinja2.TemplateSyntaxError) as caught:
        templates.render_fields(thing, ["text"], {}, templates.environment(Dag()))
    assert templates.where(caught.value).line == 3


@pytest.mark.parametrize(
    ("value", "extensions", "expected"),
    [
        ("plain", (), False),
        ("{ not one }", (), False),
        ("{{ x }}", (), True),
        ("{% if x %}", (), True),
        ("{# note #}", (), True),
        ("a\r\nb", (), True),
        ("query.sql", (".sql",), True),
        ("query.sql", (), False),
        ({"a": ["x", {"b": "{{ y }}"}]}, (), True),
        ({"{{ key }}": "x"}, (), False),
        (templates.literal("x"), (), True),
        (pathlib.Path("/{{ x }}"), (), False),
        (Thing("{{ x }}"), (), True),
        (Thing("x"), (), False),
        (5, (), False),
        (None, (), False),
    ],
)
def test_has_template_tells_what_rendering_would_change(
    value: Any, extensions: tuple[str, ...], expected: bool
) -> None:
    assert templates.has_template(value, extensions) is expected


def test_a_function_counts_only_as_a_whole_field() -> None:
    assert templates.has_template(print, field=True)
    assert not templates.has_template([print])


def test_in_a_dag_with_native_values_or_delimiters_of_its_own_any_text_may_change() -> None:
    native = templates.markers_of(Dag(render_template_as_native_obj=True))
    own = templates.markers_of(Dag(jinja_environment_kwargs={"variable_start_string": "<<"}))
    assert templates.has_template("5", markers=native)
    assert templates.has_template("<< x >>", markers=own)
    assert templates.markers_of(Dag()) == templates.DEFAULT_MARKERS


def test_delimiters_of_the_dags_own_are_honoured() -> None:
    dag = Dag(jinja_environment_kwargs={"variable_start_string": "<<", "variable_end_string": ">>"})
    assert _render("<< x >> {{ x }}", {"x": 1}, dag) == "1 {{ x }}"


def test_a_ring_of_lists_does_not_hang_detection() -> None:
    ring: list[Any] = ["x"]
    ring.append(ring)
    assert not templates.has_template(ring)


@pytest.mark.parametrize("value", ["a", "a\n", "a\n\n", ["b\n", ("c\n",), {"d": "e\n"}]])
def test_settling_equals_rendering_where_there_is_no_template(value: Any) -> None:
    assert templates.settle(value) == _render(value)
