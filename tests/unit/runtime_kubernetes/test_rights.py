"""The Role that is printed."""

from __future__ import annotations

import pytest

from tradewind.ports import errors
from tradewind.runtime.kubernetes import rights
from tradewind.wiring import cluster_view


def test_the_usual_role_reads_no_secret_and_nothing_of_the_whole_cluster() -> None:
    documents = cluster_view.role(["a", "b"], [], account="us", home="control")
    assert [(one["kind"], one["metadata"]["namespace"]) for one in documents] == [
        ("ServiceAccount", "control"),
        ("Role", "a"),
        ("RoleBinding", "a"),
        ("Role", "b"),
        ("RoleBinding", "b"),
    ]
    rules = [rule for one in documents for rule in one.get("rules", [])]
    assert {resource for rule in rules for resource in rule["resources"]} == {"pods", "pods/log", "events"}
    assert "*" not in str(rules)


def test_no_feature_lets_secrets_be_read() -> None:
    every = rights.chosen(feature.name for feature in rights.FEATURES)
    assert not [right for right in every if right.resource in ("secrets", "*")]


def test_a_feature_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(errors.Rejected) as raised:
        cluster_view.role(["a"], ["everything"], account="us", home="a")
    assert "pods, events" in raised.value.hint
