"""No form of a secret is left in what is hidden."""

from __future__ import annotations

import base64
import html
import json
import re
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tradewind.model import masking

SECRET = "hunter2 \"Ü\\/+&%'x"
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON": json.dumps,
    "JSON in UTF-8": lambda text: json.dumps(text, ensure_ascii=False),
    "JSON in JSON": lambda text: json.dumps(json.dumps({"password": text})),
    "repr": repr,
    "ascii": ascii,
    "bytes": lambda text: repr(text.encode()),
    "URL": quote,
    "URL with slashes quoted": lambda text: quote(text, safe=""),
    "URL query": quote_plus,
    "URL in lower case": lambda text: re.sub("%..", lambda found: found[0].lower(), quote(text, safe="")),
    "HTML": html.escape,
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "basic authorization": lambda text: "Basic " + base64.b64encode(f"me:{text}".encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "two lines": lambda text: f"{text[:6]}\n{text[6:]}",
    "wrapped": lambda text: textwrap.fill(text, 5),
    "wrapped and indented": lambda text: textwrap.indent(textwrap.fill(text, 5), "    "),
    "base64 in lines": lambda text: base64.encodebytes(("x" * 70 + text).encode()).decode(),
}


def solid(text: str) -> str:
    return "".join(text.split())


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_each_form(form: str) -> None:
    written = FORMS[form](SECRET)
    hidden = masking.Mask([SECRET]).hide_text(f"before {written} after")
    assert "***" in hidden
    assert hidden.startswith("before ")
    assert hidden.endswith(" after")
    assert solid(SECRET) not in solid(hidden)
    # Nothing of it is left but what base64 shares with its neighbours.
    if "base64" not in form and "basic" not in form:
        assert set(solid(hidden)) <= set(solid("before after***{}password:\\\"'b"))


def test_lines_stay_as_many_as_they_were() -> None:
    mask = masking.Mask(["one-secret-value"])
    assert mask.hide_text("a\none-sec\n\nret-value\nb") == "a\n***\n\n***\nb"


def test_what_holds_no_secret_stays_as_it_is() -> None:
    text = b"plain\ttext \xff\n\n"
    assert masking.Mask(["a secret"]).hide(text) == text


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    assert masking.Mask(["secret", "secret-of-mine"]).hide_text("secret-of-mine secret") == "*** ***"


def test_a_line_of_a_private_key_is_hidden_alone() -> None:
    key = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA7\n-----END KEY-----\n"
    assert "MIIE" not in masking.Mask([key]).hide_text("line 2: MIIEpAIBAAKCAQEA7")


def test_a_short_secret_is_left_for_every_line_would_hold_it() -> None:
    assert masking.Mask(["on"]).hide_text("on and on") == "on and on"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"host": "h", "api_key": "k1", "nested": {"Token": "k2"}}, ["k1", "k2"]),
        ({"keyfile_dict": {"a": "k1", "b": [7, "k2"]}, "flag_secret": True}, ["k1", "7", "k2"]),
        ("plain", []),
    ],
)
def test_what_is_below_a_sensitive_name_is_a_secret(value: object, found: list[str]) -> None:
    assert list(masking.secrets_in(value)) == found


def test_a_sensitive_text_of_json_is_a_secret_itself_and_in_its_parts() -> None:
    text = '{"user": "u", "inner": "value"}'
    assert list(masking.secrets_of_json(text, "my_secret")) == ["u", "value", text]


SECRETS = st.text(alphabet="ab \nZ\\\"'é/+", min_size=5, max_size=12).filter(
    lambda text: len("".join(text.split())) >= masking.SHORTEST
)


@given(st.lists(SECRETS, min_size=1, max_size=3), st.data())
def test_a_secret_never_appears_whatever_stands_around_it(secrets: list[str], data: st.DataObject) -> None:
    pieces = data.draw(st.lists(st.one_of(st.sampled_from(secrets), st.text("ab \nZé", max_size=6)), max_size=8))
    hidden = masking.Mask(secrets).hide_text("".join(pieces))
    assert hidden.count("\n") == "".join(pieces).count("\n")
    for secret in secrets:
        assert solid(secret) not in solid(hidden)
