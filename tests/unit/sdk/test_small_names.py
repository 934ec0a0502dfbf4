"""Small names of the standard provider and of the SDK that are more than names."""

from __future__ import annotations

import logging
import socket
import types
from typing import Any, ClassVar

import pytest

from tests.unit.sdk import dags
from tradewind.sdk import errors, standard_errors
from tradewind.sdk.definition import DAG
from tradewind.sdk.hooks.package_index import PackageIndexHook
from tradewind.sdk.kubernetes_names import configure_tcp_keepalive
from tradewind.sdk.operator import BaseOperator
from tradewind.sdk.operator_link import BaseOperatorLink
from tradewind.sdk.operators.smooth import SmoothOperator
from tradewind.sdk.resumable import ResumableJobMixin


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


@pytest.mark.parametrize(
    ("before", "kept"),
    [
        (None, [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]),
        ([(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0), (9, 9, 9)], [(9, 9, 9)]),
    ],
)
def test_a_client_that_is_to_keep_connections_alive_probes_them_as_airflow_does(before: Any, kept: Any) -> None:
    configuration = types.SimpleNamespace(socket_options=before)
    configure_tcp_keepalive(configuration)
    assert configuration.socket_options == [
        *kept,
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 120),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 30),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 6),
    ]


class Job(ResumableJobMixin, BaseOperator):
    """Asks a system that is a list."""

    def __init__(self, said: list[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.said = said

    def execute(self, context: Any) -> Any:
        return self.execute_resumable(context)

    def submit_job(self, context: Any) -> str:
        self.said.append("submitted")
        return "job-1"

    def get_job_status(self, external_id: Any, context: Any) -> str:
        return "DONE"

    def is_job_active(self, status: str) -> bool:
        return status == "RUNNING"

    def is_job_succeeded(self, status: str) -> bool:
        return status == "DONE"

    def poll_until_complete(self, external_id: Any, context: Any) -> None:
        self.said.append(f"waited for {external_id}")

    def get_job_result(self, external_id: Any, context: Any) -> str:
        return f"result of {external_id}"


def test_an_operator_of_one_job_submits_waits_and_gives_the_result() -> None:
    job = Job(said=[], task_id="job", durable=False)
    assert job.execute({}) == "result of job-1"
    assert job.said == ["submitted", "waited for job-1"]
    assert (job.durable, Job(said=[], task_id="other").durable) == (False, True)


def test_an_operator_of_one_job_that_says_nothing_of_it_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="abstract"):
        type("Half", (ResumableJobMixin, BaseOperator), {})(task_id="half")
