"""Names are valid, recognisable, and never the same for two attempts."""

from __future__ import annotations

import re

import hypothesis
import pytest
from hypothesis import strategies

from tests.unit.pods.samples import WHO, build
from tradewind.pods import naming

_DNS_LABEL = re.compile(r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")


@hypothesis.given(stem=strategies.text(), attempt_id=strategies.text(min_size=1))
def test_any_stem_gives_a_dns_label(stem: str, attempt_id: str) -> None:
    assert _DNS_LABEL.match(naming.pod_name(stem, attempt_id))


def test_two_attempts_have_two_names() -> None:
    assert len({naming.pod_name("x" * 100, f"attempt{n}") for n in range(1000)}) == 1000


def test_the_same_attempt_has_the_same_name() -> None:
    assert naming.pod_name("a", "b") == naming.pod_name("a", "b")


@pytest.mark.parametrize(
    ("arguments", "stem"),
    [
        ({}, "load"),
        ({"name": "My_Job"}, "my-job"),
        ({"pod_template_dict": {"metadata": {"name": "from-template"}}}, "from-template"),
        ({"name": "mine", "pod_template_dict": {"metadata": {"name": "from-template"}}}, "mine"),
    ],
)
def test_the_stem_is_the_users_name_or_the_task(arguments: dict[str, object], stem: str) -> None:
    assert build(**arguments)["metadata"]["name"] == naming.pod_name(stem, WHO.attempt_id)


def test_without_a_suffix_the_name_is_exactly_the_users() -> None:
    assert build(name="My_Job", random_name_suffix=False)["metadata"]["name"] == "my-job"
    assert build(random_name_suffix=False)["metadata"]["name"] == "load"
