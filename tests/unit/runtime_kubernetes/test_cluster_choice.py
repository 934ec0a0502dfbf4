"""Which cluster a task means, by its parameters and its connection."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tradewind.ports import errors
from tradewind.ports.vault import Connection
from tradewind.runtime.kubernetes.cluster_choice import HOME, Choice, Chooser, is_templated, names_one

OWN = Choice(config_file="/etc/kube", context="here")


def chosen(own: Choice = OWN, extra: dict[str, Any] | None = None, *, is_pod: bool = False, **arguments: Any) -> Choice:
    """`extra` is of the task's connection."""

    async def find(conn_id: str) -> Connection | None:
        if conn_id == "nobody":
            return None
        return None if extra is None else Connection(conn_id=conn_id, extra=json.dumps(extra))

    return asyncio.run(Chooser(own, find, is_pod=is_pod).choose(arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, HOME),
        ({"kubernetes_conn_id": "kubernetes_default", "in_cluster": None}, HOME),
        ({"cluster_context": "here"}, HOME),
        ({"config_file": "/etc/kube", "cluster_context": "here"}, HOME),
        ({"in_cluster": False}, HOME),
        ({"in_cluster": True}, HOME),
        ({"cluster_context": "there"}, Choice(config_file="/etc/kube", context="there")),
        ({"config_file": "/other"}, Choice(config_file="/other")),
        ({"config_file": "/other", "cluster_context": "there"}, Choice(config_file="/other", context="there")),
    ],
)
def test_parameters_name_a_cluster_or_that_of_the_settings(arguments: dict[str, Any], expected: Choice) -> None:
    assert chosen(**arguments) == expected


@pytest.mark.parametrize(
    ("extra", "arguments", "expected"),
    [
        ({"kube_config_path": "/of/it"}, {}, Choice(config_file="/of/it")),
        ({"extra__kubernetes__kube_config_path": "/of/it"}, {}, Choice(config_file="/of/it")),
        ({"kube_config_path": "/of/it"}, {"config_file": "/other"}, Choice(config_file="/other")),
        ({"kube_config": "{}"}, {}, Choice(connection="prod")),
        ({"kube_config": "{}"}, {"cluster_context": "b"}, Choice(connection="prod", context="b")),
        ({"namespace": "batch"}, {}, Choice(connection="prod")),
        ({"kube_config_path": "/x", "disable_verify_ssl": True}, {}, Choice(connection="prod", config_file="/x")),
        ({"cluster_context": "there"}, {}, Choice(config_file="/etc/kube", context="there")),
        ({"xcom_sidecar_container_image": "alpine"}, {}, HOME),
        ({"in_cluster": "False"}, {}, HOME),
    ],
)
def test_a_connection_says_what_the_task_does_not(
    extra: dict[str, Any], arguments: dict[str, Any], expected: Choice
) -> None:
    assert chosen(extra=extra, kubernetes_conn_id="prod", **arguments) == expected


def test_the_default_connection_speaks_for_tasks_that_name_none() -> None:
    assert chosen(extra={"kube_config_path": "/of/it"}) == Choice(config_file="/of/it")


def test_a_service_account_is_meant_where_we_have_one() -> None:
    assert chosen(is_pod=True, in_cluster=True) == Choice(in_cluster=True)
    assert chosen(Choice(in_cluster=True), is_pod=True, in_cluster=True) == HOME


def test_what_excludes_one_another_is_refused() -> None:
    with pytest.raises(errors.Rejected, match="exclude one another"):
        chosen(config_file="/other", in_cluster=True)
    with pytest.raises(errors.Rejected, match="exclude one another"):
        chosen(extra={"kube_config": "{}", "kube_config_path": "/x"}, kubernetes_conn_id="prod")


def test_a_connection_that_is_not_there_is_said() -> None:
    with pytest.raises(errors.NotFound, match="not defined"):
        chosen(kubernetes_conn_id="nobody")


def test_it_is_for_people_what_it_is() -> None:
    assert str(HOME) == ""
    assert str(Choice(config_file="/x", context="b")) == "context b of /x"
    assert str(Choice(connection="prod")) == "by connection prod"


def test_templates_are_seen_where_they_matter() -> None:
    assert not names_one({"kubernetes_conn_id": "kubernetes_default", "name": "{{ x }}"})
    assert names_one({"cluster_context": "{{ var.value.where }}"})
    assert is_templated({"cluster_context": "{{ var.value.where }}"})
    assert not is_templated({"cluster_context": "b", "name": "{{ x }}"})
