"""Pods of a user who is not root: the same by way of a user namespace; without that, what needs no mounts."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from tests.integration.pods.conftest import IMAGE, PLAIN
from tradewind.protocol.podlet import StartPod

pytestmark = pytest.mark.namespaces
PROGRAM = pathlib.Path(__file__).with_name("as_user.py")
XCOM = {"name": "xcom", "mountPath": "/airflow/xcom"}


@pytest.fixture
def open_folder() -> Iterator[pathlib.Path]:
    """A folder that every user may use; pytest's own are closed."""
    with tempfile.TemporaryDirectory() as path:
        os.chmod(path, 0o777)
        yield pathlib.Path(path)


def run(
    folder: pathlib.Path,
    script: str,
    *,
    may: bool,
    mounts: bool = False,
    around: tuple[str, ...] = (),
    **container: Any,
) -> dict[str, Any]:
    """Run a pod as that user, or within a program that cuts the rights of ours."""
    main = {"name": "base", "image": IMAGE, "command": ["sh", "-c", script], **container}
    spec: dict[str, Any] = {"containers": [main]}
    if mounts:
        spec["volumes"] = [{"name": "xcom", "emptyDir": {}}]
        main["volumeMounts"] = [XCOM]
    manifest = {"metadata": {"name": "p", "namespace": "n"}, "spec": spec}
    start = StartPod(
        attempt_id="a",
        manifest=manifest,
        images={IMAGE: PLAIN},
        result="sidecar" if mounts else "",
        base_container="base",
    )
    done = subprocess.run(
        [*around, sys.executable, PROGRAM, folder, "same" if around else "yes" if may else "no"],
        input=msgspec.msgpack.encode(start),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_with_user_namespaces_everything_is_as_for_root(open_folder: pathlib.Path) -> None:
    told = run(
        open_folder, "echo [1] > /airflow/xcom/return.json; ls /proc | grep -c '^[0-9]*$'", may=True, mounts=True
    )
    assert told["outcome"]["type"] == "success", told
    assert told["values"]["return_value"] == [1]
    assert int(told["lines"][0]) < 10
    assert not pathlib.Path("/airflow/xcom").exists()


def test_a_root_whose_rights_were_cut_has_them_too(open_folder: pathlib.Path) -> None:
    cut = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin") if os.geteuid() == 0 else ("env",)
    told = run(open_folder, "echo 1 > /airflow/xcom/return.json; id -u", may=True, mounts=True, around=cut)
    assert told["values"]["return_value"] == 1, told
    assert told["lines"][-1] == str(os.geteuid())


def test_who_cannot_become_others_is_told_so(open_folder: pathlib.Path) -> None:
    told = run(open_folder, "true", may=True, securityContext={"runAsUser": 1234})
    assert "runAsUser is 1234, and only root may start processes as others" in told["outcome"]["message"]


def test_without_them_a_pod_that_needs_no_mounts_runs_and_its_log_says_how(open_folder: pathlib.Path) -> None:
    told = run(open_folder, "setsid sleep 3888 & echo here; pwd", may=False)
    assert told["outcome"]["type"] == "success", told
    assert "processes see this machine's files as they are" in told["lines"][0]
    assert told["lines"][1:] == ["here", str(open_folder / "pod" / "work")]
    left = subprocess.run(["pgrep", "-f", "sleep 3888"], capture_output=True, text=True, check=False)
    assert left.stdout == ""


def test_without_them_a_pod_with_volumes_is_refused(open_folder: pathlib.Path) -> None:
    told = run(open_folder, "echo never", may=False, mounts=True)
    assert told["outcome"]["reason"] == "Rejected"
    assert not told["outcome"].get("entered", True)
    assert "it mounts /airflow/xcom, but this user may make no mount namespaces" in told["outcome"]["message"]
    assert "hint: " in told["outcome"]["message"]
