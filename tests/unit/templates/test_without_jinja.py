"""Fields without a template are settled without Jinja, to the same values."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from typing import Any

import pytest

from tradewind import templates


class Late:
    def resolve(self, context: Any) -> Any:
        return {"text": "{{ not rendered }}", "of": context["who"]}


class Holder:
    template_fields = ("inner",)

    def __init__(self, inner: Any) -> None:
        self.inner = inner


Pair = namedtuple("Pair", "a b")  # noqa: PYI024 - as DAG files write it
CASES: dict[str, Any] = {
    "a text": "plain",
    "a text with a newline at its end": "plain\n",
    "a list": ["a\n", 1, None],
    "a nested dict": {"a": {"b": ("c\n", {"d"})}},
    "a value of another task": Late(),
    "values of other tasks inside": {"a": [Late(), "x"], "b": (Late(),)},
    "numbers": 3.5,
}


@pytest.mark.parametrize("case", CASES, ids=list(CASES))
def test_what_comes_out_is_what_rendering_gives(case: str) -> None:
    value, context = CASES[case], {"who": "me"}
    assert not templates.has_text(value)
    assert templates.resolved(value, context) == templates.render(value, context, templates.environment())


@pytest.mark.parametrize(
    "value",
    [
        "{{ ds }}",
        ["{% if x %}"],
        "query.sql",
        "a\r\n",
        lambda context, jinja_env: "",
        OrderedDict(a=1),
        Pair(1, 2),
        Holder(Late()),
        [Holder("{{ ds }}")],
    ],
)
def test_what_only_rendering_can_do_is_left_to_it(value: Any) -> None:
    assert templates.has_text(value, (".sql",))
