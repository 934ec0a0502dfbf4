"""Small names of the standard provider and of the SDK that are more than names."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

import pytest

from tests.unit.sdk import dags
from tradewind.sdk import errors, standard_errors
from tradewind.sdk.definition import DAG
from tradewind.sdk.hooks.package_index import PackageIndexHook
from tradewind.sdk.operator_link import BaseOperatorLink
from tradewind.sdk.operators.smooth import SmoothOperator


class Dashboard(BaseOperatorLink):
    operators: ClassVar[list[type[Any]]] = [SmoothOperator]
    name = "Dashboard"

    def get_link(self, operator: object, *, ti_key: object) -> str:
        return f"https://there/{ti_key}"


def test_a_link_says_its_key_and_where_it_leads() -> None:
    link = Dashboard()
    assert (link.xcom_key, link.get_link(None, ti_key="x")) == ("_link_Dashboard", "https://there/x")


def test_a_link_without_an_address_is_none() -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (BaseOperatorLink,), {"name": "Half"})()


def test_links_stay_with_their_operator() -> None:
    class Linked(SmoothOperator):
        operator_extra_links = (Dashboard(),)

    with DAG("linked", schedule=None) as dag:
        task = Linked(task_id="one")
    assert [link.name for link in task.operator_extra_links] == ["Dashboard"]
    assert [one.task_id for one in dags.spec_of(dag).tasks] == ["one"]


def test_the_smooth_operator_logs_where_the_song_is(caplog: pytest.LogCaptureFixture) -> None:
    with DAG("smooth", schedule=None), caplog.at_level(logging.INFO):
        SmoothOperator(task_id="one").execute({})
    assert SmoothOperator.yt_link in caplog.text


def test_a_package_index_has_its_user_and_password_in_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    known = '{"conn_type": "package_index", "host": "https://mirror/simple", "login": "me", "password": "a/b"}'
    monkeypatch.setenv("AIRFLOW_CONN_MIRROR", known)
    assert PackageIndexHook("mirror").get_conn() == "https://me:a%2Fb@mirror/simple"
    monkeypatch.setenv("AIRFLOW_CONN_MIRROR", '{"conn_type": "package_index"}')
    with pytest.raises(errors.AirflowException, match="holds no address"):
        PackageIndexHook("mirror").get_conn()


def test_a_paused_dag_is_an_error_that_names_it() -> None:
    assert str(standard_errors.DagIsPaused("etl")) == "Dag etl is paused"
