"""The environment of containers, as Kubernetes resolves it."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import pytest

from tradewind.podlet.environment import Environment, PodFields, expand
from tradewind.podlet.keyed_folder import KeyedFolder
from tradewind.podlet.refusal import PodRefused


# Cases of Kubernetes' own third_party/forked/golang/expansion/expand_test.go.
@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(VAR_A)", "A"),
        ("___$(VAR_B)___", "___B___"),
        ("___$(VAR_C)", "___C"),
        ("$(VAR_A)-$(VAR_A)", "A-A"),
        ("f000-$$VAR_A", "f000-$VAR_A"),
        ("foo\\$(VAR_C)bar", "foo\\Cbar"),
        ("foo$$(VAR_C)", "foo$(VAR_C)"),
        ("$($(VAR_B)", "$($(VAR_B)"),
        ("$(VAR_A", "$(VAR_A"),
        ("$VAR_A))", "$VAR_A))"),
        ("$(VAR_D)", "$(VAR_D)"),
        ("$", "$"),
        ("$$$$$$(BIG_MONEY)", "$$$(BIG_MONEY)"),
        ("$$$$$$$(VAR_A)", "$$$A"),
        ("foo\\\\$(VAR_C)bar", "foo\\\\Cbar"),
        ("--$$(VAR_C)--$(VAR_A)-$", "--$(VAR_C)--A-$"),
        ("a$b", "a$b"),
    ],
)
def test_references_expand_as_in_kubernetes(text: str, expanded: str) -> None:
    assert expand(text, {"VAR_A": "A", "VAR_B": "B", "VAR_C": "C"}) == expanded


@pytest.fixture
def environment(tmp_path: pathlib.Path) -> Environment:
    (tmp_path / "secret" / "db").mkdir(parents=True)
    (tmp_path / "secret" / "db" / "password").write_bytes(b"p\xc3\xa4ss\n")
    (tmp_path / "secret" / "db" / "zero").write_bytes(b"a\0b")
    (tmp_path / "map" / "site").mkdir(parents=True)
    (tmp_path / "map" / "site" / "REGION").write_text("north")
    manifest = {
        "metadata": {"name": "p", "namespace": "n", "labels": {"b": "2", "a": 'say "x"'}, "annotations": {"k/l": "v"}},
        "spec": {
            "serviceAccountName": "robot",
            "containers": [
                {"name": "base", "resources": {"limits": {"memory": "1Gi"}, "requests": {"cpu": "250m"}}},
                {"name": "other", "resources": {"limits": {"cpu": "1500m"}}},
            ],
        },
    }
    return Environment(
        fields=PodFields.of(manifest, "attempt"),
        secrets=KeyedFolder("Secret", str(tmp_path / "secret")),
        configmaps=KeyedFolder("ConfigMap", str(tmp_path / "map")),
    )


def resolve(environment: Environment, *env: dict[str, Any], **container: Any) -> dict[str, str]:
    """The variables of a container."""
    return environment.resolve({"name": "base", "env": list(env), **container}, {"PATH": "/bin"})


def test_later_variables_win_and_see_the_earlier_ones(environment: Environment) -> None:
    found = resolve(
        environment,
        {"name": "REGION", "value": "$(REGION)-east"},
        {"name": "BOTH", "value": "$(REGION) $(PATH) $(LATER)"},
        {"name": "LATER", "value": "x"},
        envFrom=[{"configMapRef": {"name": "site"}}],
    )
    assert found["REGION"] == "north-east"
    assert found["BOTH"] == "north-east /bin $(LATER)"


def test_a_secrets_value_is_taken_as_it_is(environment: Environment) -> None:
    found = resolve(environment, {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}})
    assert found["A"] == "päss\n"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("metadata.name", "p"),
        ("metadata.namespace", "n"),
        ("metadata.labels['b']", "2"),
        ("metadata.labels['absent']", ""),
        ("metadata.annotations['k/l']", "v"),
        ("metadata.labels", 'a="say \\"x\\""\nb="2"'),
        ("spec.serviceAccountName", "robot"),
        ("spec.nodeName", os.uname().nodename),
    ],
)
def test_downward_fields(environment: Environment, path: str, text: str) -> None:
    assert resolve(environment, {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": path}}})["A"] == text


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ({"resource": "limits.memory"}, str(1 << 30)),
        ({"resource": "limits.memory", "divisor": "1Mi"}, "1024"),
        ({"resource": "requests.cpu", "divisor": "1m"}, "250"),
        ({"resource": "requests.cpu"}, "1"),
        ({"resource": "limits.cpu", "containerName": "other"}, "2"),
        ({"resource": "limits.cpu"}, str(os.cpu_count())),
    ],
)
def test_resource_fields_are_rounded_up_to_their_divisor(
    environment: Environment, reference: dict[str, str], text: str
) -> None:
    assert resolve(environment, {"name": "A", "valueFrom": {"resourceFieldRef": reference}})["A"] == text


@pytest.mark.parametrize(
    ("source", "says", "hint"),
    [
        ({"secretKeyRef": {"name": "db", "key": "user"}}, "has no key 'user'", "db/user"),
        ({"secretKeyRef": {"name": "none", "key": "user"}}, "Secret 'none': there is none", "none/KEY"),
        ({"secretKeyRef": {"name": "../map/site", "key": "REGION"}}, "is no name", ""),
        ({"secretKeyRef": {"name": "db", "key": "zero"}}, "zero byte", "mount it as a file"),
        ({"fieldRef": {"fieldPath": "spec.mood"}}, "no such downward field", ""),
        ({"resourceFieldRef": {"resource": "limits.love"}}, "there is no such field", ""),
        ({"fileKeyRef": {"volumeName": "v"}}, "fileKeyRef cannot be had here", "secretKeyRef"),
    ],
)
def test_what_is_not_there_is_refused_and_named(
    environment: Environment, source: dict[str, Any], says: str, hint: str
) -> None:
    with pytest.raises(PodRefused) as refused:
        resolve(environment, {"name": "A", "valueFrom": source})
    assert says in str(refused.value)
    assert hint in refused.value.problem.hint
    assert refused.value.outcome.entered is False


def test_a_folder_that_is_not_set_names_the_setting() -> None:
    with pytest.raises(PodRefused, match=r"runtime\.local\.configmaps"):
        KeyedFolder("ConfigMap", "").get("site")


def test_a_key_cannot_reach_out_of_its_folder(tmp_path: pathlib.Path) -> None:
    (tmp_path / "outside").write_text("x")
    (tmp_path / "in").mkdir()
    with pytest.raises(PodRefused, match="has no key"):
        KeyedFolder("Secret", str(tmp_path)).get_key("in", "../outside")
