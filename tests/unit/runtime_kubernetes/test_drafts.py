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
