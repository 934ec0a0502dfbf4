"""`tradewind pods` on a real cluster: what is there, why it waits, and taking away what nobody wants."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import server as servers
from tests.support.cluster_api import wait_until
from tests.support.cluster_runs import Place

pytestmark = pytest.mark.cluster


def rows(place: Place, *arguments: str) -> list[dict[str, Any]]:
    place.home.mkdir(exist_ok=True)
    file = place.home.parent / "tradewind.toml"
    file.write_text(f'[runtime.kubernetes]\nconfig_file = "{place.kubeconfig}"\nnamespace = "{place.namespace.name}"\n')
    words = ["pods", *arguments, "--home", str(place.home), "--settings", str(file), "-o", "json"]
    told = json.loads(servers.tradewind(*words).stdout)
    return list(told) if isinstance(told, list) else [told]


def _orphans(place: Place) -> list[tuple[str, str, str]]:
    return [(row["task"], row["attempt"], row["phase"]) for row in rows(place, "list", "--orphans")]


def test_waiting_and_running_pods_are_listed_with_their_reasons(place: Place, server: servers.Server) -> None:
    place.write("""
        pod("runs", "sleep 600", env_vars={"PASSWORD": "canary"})
        pod("big", "true", container_resources={"requests": {"memory": "900Ti"}})
        pod("gone", "true", image="nobody.invalid/nothing:1")
    """)
    server.start()
    server.trigger("pods", "r")

    def told() -> dict[str, str]:
        return {row["task"]: f"{row['attempt']} {row['phase']} {row['reason']}" for row in rows(place, "list")}

    wait_until(lambda: "Running" in told().get("runs", ""), "the pod runs")
    wait_until(lambda: "Insufficient memory" in told().get("big", ""), "it is said what the large one waits for")
    wait_until(lambda: "nobody.invalid" in told().get("gone", ""), "it is said which image cannot be pulled")
    assert {text.split()[0] for text in told().values()} == {"live"}
    assert rows(place, "cleanup", "--yes") == []
    name = next(row["pod"] for row in rows(place, "list") if row["task"] == "runs")
    (shown,) = rows(place, "show", name)
    assert {"Scheduled", "Started"} <= {event["event"] for event in shown["events"]}
    assert "canary" not in json.dumps(shown)
    assert [(one["container"], one["state"]) for one in shown["containers"]] == [("base", "running")]
    assert shown["node"]


def test_kept_pods_are_cleaned_up_only_with_yes(place: Place) -> None:
    place.run('pod("kept", "true", on_finish_action="keep_pod")')
    # The kubelet tells the phase after its containers' ends, which ended the attempt.
    wait_until(lambda: _orphans(place) == [("kept", "ended", "Succeeded")], "the kept pod is listed as it ended")
    assert rows(place, "cleanup") == []  # it is too young
    (row,) = rows(place, "cleanup", "--older-than", "0h")
    assert row["result"] == "would be deleted"
    assert len(place.namespace.pods()) == 1
    (row,) = rows(place, "cleanup", "--older-than", "0h", "--yes")
    assert row["result"] == "deleted"
    wait_until(lambda: not place.namespace.pods(), "the pod is deleted")
