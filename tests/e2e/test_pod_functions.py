"""`@task.kubernetes` and `@task.kubernetes_cmd` on one machine, from the DAG file to the end of their run."""

from __future__ import annotations

import pathlib

import pytest

from tests.e2e.test_pods import Place, state
from tests.support import server

pytestmark = pytest.mark.namespaces


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Place:
    return Place(tmp_path)


def test_functions_are_pods_and_hand_values_on(place: Place) -> None:
    place.write("""
        @task
        def numbers():
            return [1, 2]

        @task.kubernetes(image="tools:1", do_xcom_push=True)
        def squares(n):
            print("squaring", n)
            return {"n": n, "square": n * n}

        @task.kubernetes(image="tools:1", do_xcom_push=True)
        def total(found) -> dict:
            import sys
            return {"sum": sum(one["square"] for one in found), "major": sys.version_info[0]}

        @task.kubernetes_cmd(image="tools:1")
        def say(value, run_id=None):
            return ["echo", "total", "{{ ti.xcom_pull('total')['sum'] }}", str(value)]

        @task.kubernetes_cmd(image="tools:1")
        def nothing_to_say():
            from airflow.exceptions import AirflowSkipException
            raise AirflowSkipException("it is said already")

        @task(trigger_rule="none_failed")
        def after(): ...

        done = total(squares.expand(n=numbers()))
        say(done["major"]) >> nothing_to_say() >> after()
    """)
    told = place.run()
    assert [state(told, "squares", index) for index in (0, 1)] == ["success", "success"]
    assert place.log(told, "say")[-1].endswith("total 5 3")
    assert (state(told, "nothing_to_say"), state(told, "after")) == ("skipped", "success")


def test_rendering_shows_the_command_that_a_function_returns(place: Place) -> None:
    place.write("""
        @task.kubernetes_cmd(image="tools:1", name="said")
        def say():
            return ["echo", "{{ ds }}"]

        say()
    """)
    done = server.tradewind("render", str(place.file), "say", "--output", "json", "--logical-date", "2026-02-03")
    assert '"echo"' in done.stdout, done.stderr
    assert '"2026-02-03"' in done.stdout
