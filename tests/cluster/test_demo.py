"""`make demo RUNTIME=kubernetes`: the demo's DAG file on a cluster of its own, and a word where there can be none."""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

import pytest

from tests.support import server as servers

pytestmark = pytest.mark.cluster

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "scripts.demo_cluster", "--months", "1,2"]


@pytest.mark.long
@pytest.mark.own_cluster
@pytest.mark.timeout(600)
def test_the_demo_runs_each_task_in_its_own_image_on_a_real_cluster() -> None:
    environment = servers.environment()
    ran = subprocess.run(COMMAND, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False, env=environment)
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
    # 27,004 departures in January and 24,951 in February: the data set's own numbers.
    assert "51,955 departures" in ran.stdout
    assert re.search(r"pandas 2\.[\d.]+ in etl-classic and pandas 3\.[\d.]+ in etl-modern, in one run", ran.stdout)
    watched = ran.stdout.partition("kubectl get pods -w")[2]
    assert set(re.findall(r"^(flights-\w+)-\w+ .* Completed ", watched, re.MULTILINE)) == {
        "flights-split",
        "flights-summarise",
        "flights-sign",
        "flights-verify",
    }


def test_where_there_can_be_no_cluster_the_demo_says_why_and_what_else_there_is() -> None:
    ran = subprocess.run(["unshare", "--user", *COMMAND], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert "needs Linux and root" in ran.stderr
    assert "hint: `make demo` runs the same without a cluster" in ran.stderr
