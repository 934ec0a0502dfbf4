"""Connections as text: what is written is read back, and what is wrong is told without the text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.model import connection_text

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
HOST = st.one_of(
    st.none(),
    TEXT.map(str.lower).filter(lambda host: "://" not in host and host == host.lower()),
    st.sampled_from(["https://example.com", "postgres://h", "/var/Run/pg", "::1", "é.example"]),
)
EXTRA = st.one_of(
    st.none(),
    st.dictionaries(TEXT, st.one_of(TEXT, st.integers(), st.lists(TEXT, max_size=2)), min_size=1, max_size=3).map(
        json.dumps
    ),
)
FIELDS = st.fixed_dictionaries(
    {
        "conn_type": st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True).filter(lambda kind: kind != "postgresql"),
        "description": st.none(),
        "host": HOST,
        "login": st.one_of(st.none(), TEXT),
        "password": st.one_of(st.none(), TEXT),
        "schema": st.one_of(st.none(), TEXT),
        "port": st.one_of(st.none(), st.integers(1, 65535)),
        "extra": EXTRA,
    }
)


def same(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields without what a URI cannot tell apart: an empty part and none, two ways to write one JSON object."""
    extra = connection_text.extra_object(fields["extra"])
    return {name: value or None for name, value in fields.items()} | {"extra": extra or None}


@given(FIELDS)
def test_a_connection_is_read_back_from_its_uri(fields: dict[str, Any]) -> None:
    assert same(connection_text.parse(connection_text.uri(fields))) == same(fields)


@given(FIELDS)
def test_a_connection_is_read_back_from_its_json(fields: dict[str, Any]) -> None:
    assert same(connection_text.parse(connection_text.as_json(fields))) == same(fields)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hunter2", "neither a URI"),
        ("", "neither a URI"),
        ("postgres://u:hunter2#x@h", "percent-encoded"),
        ("postgres://h:hunter2", "percent-encoded"),
        ("http://u:hunter2@https://h", "before the inner scheme"),
        ("a://b://c://hunter2", "more than two schemes"),
        ('{"conn_type": "a", "hunter2"}', "is not JSON"),
        ('{"conn_type": "a", "pasword": "hunter2"}', "pasword"),
        ('{"uri": "a://h", "password": "hunter2"}', "both uri and password"),
        ('{"conn_type": "a", "port": "hunter2"}', "port is not a number"),
        ('{"conn_type": "a", "login": ["hunter2"]}', "login is not a text"),
        ('{"extra": {}, "extra_dejson": {}}', "both extra and extra_dejson"),
    ],
)
def test_what_is_wrong_is_told_without_the_text(text: str, reason: str) -> None:
    with pytest.raises(connection_text.BadConnection, match=reason) as caught:
        connection_text.parse(text)
    assert "hunter2" not in str(caught.value)


def test_a_query_is_typed_where_airflow_types_it() -> None:
    text = "http://h/?flag=true&count=3&name=x"
    assert json.loads(connection_text.parse(text)["extra"]) == {"flag": "true", "count": "3", "name": "x"}
    assert json.loads(connection_text.parse(text, typed=True)["extra"]) == {"flag": True, "count": 3, "name": "x"}


@pytest.mark.parametrize("extra", ["hunter2", "[1]", "5"])
def test_an_extra_that_is_no_object_is_refused_where_it_is_kept(extra: str) -> None:
    with pytest.raises(connection_text.BadConnection, match="not a JSON object"):
        connection_text.from_fields({"conn_type": "a", "extra": extra}, typed=True)
