"""Ten minutes of failing parts, and what is left of the promises afterwards."""

from __future__ import annotations

import datetime
import os
import pathlib
import shutil

import pytest

from tests.support import chaos, cluster_api, cluster_images, reports
from tests.support import cluster as clusters

pytestmark = [pytest.mark.cluster, pytest.mark.own_cluster, pytest.mark.long]

_SEED = int(os.environ.get("TRADEWIND_TEST_CHAOS_SEED", "20260131"))
_SECONDS = float(os.environ.get("TRADEWIND_TEST_CHAOS_SECONDS", "600"))


@pytest.mark.timeout(3 * _SECONDS + 1200)
def test_whatever_fails_every_run_ends_right_and_nothing_runs_twice(tmp_path: pathlib.Path) -> None:
    with clusters.started() as cluster, cluster_api.Api.read(cluster.kubeconfig).namespace() as space:
        image = cluster_images.reference("busybox")
        made = chaos.Chaos(tmp_path, cluster, space, image, seed=_SEED)
        try:
            report = made.run(_SECONDS)
        finally:
            made.server.stop()
    reports.keep("chaos.md", report.page(datetime.datetime.now(datetime.UTC).date().isoformat()))
    if report.wrong:  # its home tells why
        shutil.copytree(tmp_path, reports.FOLDER / "chaos", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.sock"))
    print(report)
    assert report.wrong == []
