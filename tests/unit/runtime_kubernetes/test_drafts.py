"""What is shown of a pod is what is sent; the site's template and policy have their say in it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.unit.runtime import launches
from tests.unit.runtime_kubernetes.small_cluster import SmallCluster
from tests.unit.runtime_kubernetes.test_runtime import ONE, scene
from tradewind.model.outcome import Failed
from tradewind.pods.policy import Policy
from tradewind.ports import errors

_SITE: dict[str, Any] = {"metadata": {"labels": {"site": "1"}}, "spec": {"imagePullSecrets": [{"name": "pull"}]}}


@pytest.mark.parametrize(("templated", "returns"), [(False, False), (True, False), (False, True)])
def test_the_pod_that_is_shown_is_the_one_that_is_sent(tmp_path: Path, templated: bool, returns: bool) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path, template=_SITE) as here:
            body = launches.body(namespace="a", cmds=["run"], secrets=[_SECRET])
            body = msgspec.structs.replace(body, do_xcom_push=returns)
            launch = launches.launch(body, ONE, templated=templated)
            draft = await here.runtime.draft(launch)
            assert cluster.created == []
            await here.runtime.launch([launch])
            await here.until(lambda: bool(cluster.created))
            assert cluster.sent[0] == json.loads(json.dumps(draft.manifest))
            assert ("initContainers" in draft.manifest["spec"]) is returns
            assert draft.manifest["metadata"]["labels"]["site"] == "1"
            assert draft.masked == (("hunter22",) if templated else ())

    asyncio.run(play())


_SECRET = {"deploy_type": "env", "deploy_target": "PW", "secret": "db", "key": "pw"}


def test_a_pod_against_the_policy_is_neither_shown_nor_sent(tmp_path: Path) -> None:
    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path, policy=Policy(host_access=False)) as here:
            launch = launches.launch(launches.body(namespace="a", hostnetwork=True), ONE)
            with pytest.raises(errors.Rejected, match="reaches into the node"):
                await here.runtime.draft(launch)
            await here.runtime.launch([launch])
            outcome = (await here.end()).result.outcome
            assert isinstance(outcome, Failed)
            assert "spec.hostNetwork" in outcome.message
            assert cluster.created == []

    asyncio.run(play())


def test_the_sites_hook_has_its_say_and_cannot_hide_a_pod(tmp_path: Path) -> None:
    def hook(pod: dict[str, Any]) -> None:
        assert pod["metadata"]["labels"]["dag_id"] == "etl"
        pod["metadata"] = {"name": "hidden", "namespace": "a", "labels": {"cost": "1"}}
        pod["spec"]["restartPolicy"] = "Always"
        pod["spec"]["containers"].insert(0, {"name": "side", "image": "side:1"})
        pod["spec"]["tolerations"] = [{"key": "spot", "operator": "Exists"}]

    async def play() -> None:
        cluster = SmallCluster()
        async with scene(cluster, tmp_path, hook=hook, local_settings="/site/local.py") as here:
            name = await here.launch(image="own:1")
            sent = cluster.sent[0]
            assert name.startswith("load-")
            assert (sent["metadata"]["labels"]["cost"], sent["metadata"]["labels"]["dag_id"]) == ("1", "etl")
            assert sent["metadata"]["annotations"]["tradewind/attempt-id"] == ONE
            assert (sent["spec"]["restartPolicy"], sent["spec"]["tolerations"][0]["key"]) == ("Never", "spot")
            assert [one["name"] for one in sent["spec"]["containers"]] == ["base", "side"]

    asyncio.run(play())


def test_what_a_hook_adds_is_held_to_the_policy(tmp_path: Path) -> None:
    def hook(pod: dict[str, Any]) -> None:
        pod["spec"]["hostNetwork"] = True

    async def play() -> None:
        closed = Policy(host_access=False)
        async with scene(SmallCluster(), tmp_path, hook=hook, local_settings="/l.py", policy=closed) as here:
            with pytest.raises(errors.Rejected, match="reaches into the node"):
                await here.runtime.draft(launches.launch(launches.body(namespace="a"), ONE))

    asyncio.run(play())
