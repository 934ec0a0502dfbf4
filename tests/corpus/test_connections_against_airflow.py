"""Connections are read from and written to the same texts as in Airflow 3.3, field by field.

`DIFFERENCES` holds every text for which the answers differ, and why. Airflow has two classes: the one that tasks see
(`sdk`) and the one of its command line and files (`core`, our `typed`).
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.corpus import oracle
from tradewind.model import connection_text

pytestmark = pytest.mark.airflow

_PROGRAM = Path(__file__).with_name("oracle_connections.py")
_SECONDS = 120

SCHEMES = ("postgres", "postgresql", "google-cloud-platform", "HTTP", "a+b.c", "")
USERS = ("", "u@", "u:p@", ":p@", ":@", "u%40x:p%2F%3A%25%20%C3%A9@", "u:p:q@", "u:p@q@", "U+v:P+q@")
HOSTS = ("", "h", "H.Example.COM", "10.0.0.1", "[::1]", "%2Fvar%2Frun%2FSock", "a%3A%2F%2Fb", "h%20i")
PORTS = ("", ":", ":5432", ":0", ":65535")
PATHS = ("", "/", "/db", "/a%2Fb%20c", "/a/b", "/%C3%A9")
QUERIES = (
    "",
    "?",
    "?a=b",
    "?a=1&b=true&c=null&d=%5B1%2C+2%5D",
    "?a=&b",
    "?a=b&a=c",
    "?__extra__=%7B%22a%22%3A+%7B%22b%22%3A+%5B1%5D%7D%7D",
    "?__extra__=%7B%22a%22%3A+1%7D&b=c",
    "?a=%7B%22b%22%3A+1%7D&x%20y=z+w",
)
INNER = ("https", "HTTP", "grpc+tls")

MORE_URIS = (
    "http://https://u:p@Host.com:8443/path?x=y",
    "http://https://",
    "http://https:///x",
    "spark://k8s://https://h:443",
    "a://b://c://d",
    "http://u:p@https://h",
    "http://u@https://h",
    "postgres://h/db#fragment",
    "postgres://u:p#w@h/db",
    "postgres://u:p/w@h/db",
    "postgres://u:p?w@h/db",
    "postgres://h:port/db",
    "postgres://h:65536/db",
    "postgres://h:-1/db",
    "postgres://[::1/db",
    "aws://",
    "aws://@",
    "aws://@:99",
    "aws:///?region=eu",
    "aws://?region=eu",
    "  aws://h/  ",
    "http://http%3A%2F%2Fexample.com%2FPath",
    "http://u:p@http%3A%2F%2FExample.com:80/x",
    "x://h/?__extra__=",
    "x://h/?__extra__=not+json",
    "x://h/?__extra__=%5B1%5D",
    "x://h/?a=https://b/c",
    "http://http://h/x",
    "google_cloud_platform://u:p@h",
    "h/db",
    "no scheme",
    "",
    "//h/db",
    "//u:p@h:1/db?a=b",
    "//",
)

VALUES: dict[str, tuple[Any, ...]] = {
    "conn_type": ("postgres", "google_cloud_platform", "postgresql", "my-type", "UPPER", "", None),
    "host": ("h", "", None, "https://h.com", "postgres://h", "/var/Run", "h/x y?", "::1", "é"),
    "login": ("u", "", None, "u@x:y/", "é"),
    "password": ("p", "", None, "p@:/?#[]%+ &=", "ü"),
    "schema": ("s", "", None, "a/b c", "é?"),
    "port": (1, None, 65535, 0),
    "extra": (
        None,
        "",
        "{}",
        '{"a": "b"}',
        '{"a": 1}',
        '{"a": {"b": ["c"]}}',
        '{"a": ""}',
        '{"a": "b c&d", "e": "é"}',
        '{ "a" :"b"}',
    ),
    "description": (None, "", "what it is for"),
}

MORE_JSONS = (
    '{"conn_type": "a", "port": "5432"}',
    '{"conn_type": "a", "port": ""}',
    '{"conn_type": "a", "port": 0}',
    '{"conn_type": "a", "port": "x"}',
    '{"conn_type": "a", "port": 5432.0}',
    '{"conn_type": "a-b", "extra": {"n": {"m": [1, null]}}}',
    '{"conn_type": "a", "extra": "{\\"n\\": 1}"}',
    '{"conn_type": "a", "extra": ""}',
    '{"conn_type": "a", "extra": {}}',
    '{"conn_type": "a", "unknown": 1}',
    '{"uri": "postgres://u:p@h:1/s?a=b"}',
    '{"uri": "postgres://h", "conn_type": "x"}',
    '{"uri": "postgres://h", "host": "x"}',
    '{"conn_type": "a", "extra": "not json"}',
    '{"conn_type": "a", "extra": "[1]"}',
    '{"conn_type": "a", "extra": [1]}',
    '{"conn_type": "a", "host": null}',
    '{"conn_type": "a", "host": ""}',
    '{"conn_type": "a", "login": 5}',
    '{"conn_type": "a", "port": true}',
    '{"description": "d", "host": "h"}',
    "{}",
    "{not json",
    ' {"conn_type": "a"} ',
)

DIFFERENCES = {
    "  aws://h/  ": "space around the text is not part of it; Airflow makes a schema of it",
    "google_cloud_platform://u:p@h": "an underscore in the type is meant so; Airflow loses type and host",
    "http://http://h/x": "the host is http://h, as with any other inner scheme; Airflow loses it",
    "x://h/?a=https://b/c": "an unquoted URL in the query is a value; Airflow loses the host",
    "h/db": "refused; Airflow makes a schema of it, with no type and no host",
    "no scheme": "refused, as above",
    "": "refused; Airflow makes a connection without anything of it",
    '{"conn_type": "a", "login": 5}': "a number becomes text, for Airflow's own get_uri() fails on it",
    '{"conn_type": "a", "port": true}': "refused; Airflow reads port 1",
}


def _uris() -> Iterator[str]:
    for index, parts in enumerate(itertools.product(SCHEMES, USERS, HOSTS, PORTS, PATHS, QUERIES)):
        # Every seventeenth (prime to all lengths) of the product: each pair of neighbours comes up many times.
        if index % 17 == 0:
            yield f"{parts[0]}:{'//'.join(('', ''.join(parts[1:])))}" if parts[0] else f"//{''.join(parts[1:])}"
    for inner, user, host, port, path, query in itertools.product(
        INNER, USERS[:6], HOSTS[:5], PORTS, PATHS[:4], QUERIES[:4]
    ):
        yield f"my-type://{inner}://{user}{host}{port}{path}{query}"
    yield from MORE_URIS


def _fields() -> Iterator[dict[str, Any]]:
    names = list(VALUES)
    for index, values in enumerate(itertools.product(*VALUES.values())):
        if index % 211 == 0:
            yield dict(zip(names, values, strict=True))


def _jsons() -> Iterator[str]:
    yield from MORE_JSONS
    for index, fields in enumerate(_fields()):
        if index % 7 == 0:
            if fields["extra"] and index % 2:
                fields["extra"] = json.loads(fields["extra"])
            yield json.dumps(fields)


@pytest.fixture(scope="module")
def asked() -> dict[str, list[Any]]:
    return {"uris": list(_uris()), "jsons": list(_jsons()), "fields": list(_fields())}


@pytest.fixture(scope="module")
def told(asked: dict[str, list[Any]], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    home = tmp_path_factory.mktemp("airflow")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "PYTHON"))}
    ran = subprocess.run(
        [oracle.interpreter(), _PROGRAM],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        env=clean | {"AIRFLOW_HOME": str(home)},
        timeout=_SECONDS,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr[-4000:]
    answers: dict[str, list[dict[str, Any]]] = json.loads(ran.stdout.splitlines()[-1])
    return answers


def _ours(text: str, *, typed: bool) -> dict[str, Any]:
    try:
        found = connection_text.parse(text, typed=typed)
    except connection_text.BadConnection:
        return {"raised": True}
    return found | {"get_uri": connection_text.uri(found), "as_json": connection_text.as_json(found)}


def _theirs(answer: dict[str, Any]) -> dict[str, Any]:
    return {"raised": True} if "raised" in answer else answer


def _unlike(texts: list[str], answers: list[dict[str, Any]], side: str) -> dict[str, Any]:
    unlike: dict[str, Any] = {}
    for text, answer in zip(texts, answers, strict=True):
        ours, theirs = _ours(text, typed=side == "core"), _theirs(answer[side])
        if ours != theirs and text not in DIFFERENCES:
            names = sorted(set(ours) | set(theirs))
            unlike[text] = {
                name: (ours.get(name), theirs.get(name)) for name in names if ours.get(name) != theirs.get(name)
            }
    return unlike


@pytest.mark.timeout(_SECONDS)
@pytest.mark.parametrize("side", ["sdk", "core"])
@pytest.mark.parametrize("form", ["uris", "jsons"])
def test_a_text_gives_the_fields_that_it_gives_in_airflow(
    asked: dict[str, list[Any]], told: dict[str, list[dict[str, Any]]], form: str, side: str
) -> None:
    unlike = _unlike(asked[form], told[form], side)
    assert not unlike, f"{len(unlike)} of {len(asked[form])} differ"


@pytest.mark.parametrize("text", DIFFERENCES)
def test_what_is_said_to_differ_still_does(
    asked: dict[str, list[Any]], told: dict[str, list[dict[str, Any]]], text: str
) -> None:
    form = "jsons" if text.startswith("{") else "uris"
    answer = told[form][asked[form].index(text)]
    assert _ours(text, typed=False) != _theirs(answer["sdk"])


@pytest.mark.timeout(_SECONDS)
def test_what_airflow_writes_and_what_we_write_is_read_back_alike(told: dict[str, list[dict[str, Any]]]) -> None:
    for answer in told["fields"]:
        written = answer["sdk"]["get_uri"]
        found = connection_text.parse(written)
        assert connection_text.parse(connection_text.uri(found)) == found, written


@pytest.mark.timeout(_SECONDS)
@pytest.mark.parametrize("side", ["sdk", "core"])
def test_fields_are_written_as_airflow_writes_them(
    asked: dict[str, list[Any]], told: dict[str, list[dict[str, Any]]], side: str
) -> None:
    unlike = []
    for given, answer in zip(asked["fields"], told["fields"], strict=True):
        fields = dict(given)
        if side == "core":
            fields["password"] = fields["password"] or None  # it never keeps an empty one
        ours = (connection_text.uri(fields), connection_text.as_json(fields))
        theirs = (answer[side]["get_uri"], answer[side]["as_json"])
        if ours != theirs:
            unlike.append((fields, ours, theirs))
    assert not unlike, f"{len(unlike)} of {len(asked['fields'])} differ"
