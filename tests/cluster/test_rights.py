"""The Role that is printed is enough for everything, and for nothing more; what lacks is named."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Sequence

import pytest
import yaml

from tests.support import cluster_cache
from tests.support import server as servers
from tests.support.cluster_api import Json, wait_until
from tests.support.cluster_runs import Place, kubeconfig_of

pytestmark = pytest.mark.cluster
_PATHS = {
    "ServiceAccount": ("serviceaccounts", "api/v1"),
    "Role": ("roles", "apis/rbac.authorization.k8s.io/v1"),
    "RoleBinding": ("rolebindings", "apis/rbac.authorization.k8s.io/v1"),
}


@pytest.fixture
def printed(place: Place, kubeconfig: pathlib.Path, tmp_path: pathlib.Path) -> Place:
    """Who we are: the account that `tradewind kubernetes role` prints, by a token in a kubeconfig."""
    become(place, kubeconfig, tmp_path)
    return place


def become(place: Place, administrators: pathlib.Path, folder: pathlib.Path, lacks: Sequence[str] = ()) -> None:
    """Make what is printed, but for some resources."""
    told = servers.tradewind(
        "kubernetes", "role", "--namespace", place.namespace.name, "--home", str(place.home)
    ).stdout
    for one in yaml.safe_load_all(told):
        kind, group = _PATHS[one["kind"]]
        if kind == "roles":
            one["rules"] = [rule for rule in one["rules"] if rule["resources"][0] not in lacks]
        place.namespace.create(kind, one, group)
    asked: Json = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    path = place.namespace.path("serviceaccounts", "tradewind") + "/token"
    token = place.namespace.api.post(path, asked)["status"]["token"]
    place.use(kubeconfig_of(token, administrators, folder / "printed.yaml"))


def can_i(place: Place, *words: str) -> str:
    """What kubectl says."""
    program = cluster_cache.binary("kubectl")
    command = [str(program) if program.exists() else str(shutil.which("kubectl")), "auth", "can-i", *words]
    environ = {**os.environ, "KUBECONFIG": str(place.kubeconfig)}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip()


def test_a_whole_run_needs_no_more_than_the_role_that_is_printed(printed: Place) -> None:
    run = printed.run("""
        pod("first", "echo one") >> pod("second", "echo two; exit 3", retries=1, retry_delay=0)
    """)
    assert (run["state"], run["second"]["try_number"], printed.log("first")) == ("failed", 2, ["one"])
    assert "exit code 3" in run["second"]["verdict"]
    wait_until(lambda: not printed.namespace.pods(), "the pods are deleted")


def test_the_control_plane_cannot_read_secrets(printed: Place) -> None:
    here = ["-n", printed.namespace.name]
    assert {can_i(printed, verb, "secrets", *here) for verb in ("get", "list", "watch", "create")} == {"no"}
    assert {can_i(printed, verb, "pods", *here) for verb in ("create", "get", "list", "watch", "delete")} == {"yes"}
    assert can_i(printed, "create", "pods", "--subresource=exec", *here) == "no"
    assert can_i(printed, "create", "pods", "-n", "kube-system") == "no"
    assert can_i(printed, "list", "nodes") == "no"


def test_doctor_finds_the_role_that_is_printed_in_order(printed: Place) -> None:
    done = servers.tradewind("doctor", *_settings(printed), "-n", printed.namespace.name, "-o", "json", check=False)
    found = {row["check"]: row for row in json.loads(done.stdout)}
    here = printed.namespace.name
    assert found["account"]["message"] == f"we are system:serviceaccount:{here}:tradewind"
    for check in ("cluster", "version", "clock skew", f"rights in {here}", f"a pod in {here}", f"secrets in {here}"):
        assert found[check]["state"] == "ok", found[check]
    assert found[f"secrets in {here}"]["message"] == "cannot be read by this account"


@pytest.mark.parametrize("lacks", ["pods", "pods/log"])
def test_doctor_names_the_right_that_is_missing(
    place: Place, kubeconfig: pathlib.Path, tmp_path: pathlib.Path, lacks: str
) -> None:
    become(place, kubeconfig, tmp_path, [lacks])
    done = servers.tradewind("doctor", *_settings(place), "-n", place.namespace.name, "-o", "json", check=False)
    (found,) = [row for row in json.loads(done.stdout) if row["state"] == "fail"]
    assert done.returncode == 1
    assert f"get {lacks}" in found["message"]
    assert f"tradewind kubernetes role --namespace {place.namespace.name}" in found["hint"]


def test_a_run_without_the_right_to_create_pods_says_so(
    place: Place, kubeconfig: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    become(place, kubeconfig, tmp_path, ["pods"])
    run = place.run('pod("t", "true")')
    assert run["state"] == "failed"
    assert f"may not create pods in namespace {place.namespace.name}" in run["t"]["verdict"]
    assert "tradewind kubernetes role" in run["t"]["verdict"]


@pytest.mark.long  # it is tried for a minute
def test_a_log_that_may_not_be_read_is_told_in_the_log(
    place: Place, kubeconfig: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    become(place, kubeconfig, tmp_path, ["pods/log"])
    run = place.run('pod("t", "echo hello")')
    assert run["state"] == "success"
    (log,) = (place.home / "logs").glob("run=*/t/*.log")
    assert "may not get pods/log" in log.read_text()


def _settings(place: Place) -> list[str]:
    """A settings file of the place, for commands without --set."""
    place.home.mkdir(exist_ok=True)
    file = place.home.parent / "tradewind.toml"
    file.write_text(f'[runtime.kubernetes]\nconfig_file = "{place.kubeconfig}"\nnamespace = "{place.namespace.name}"\n')
    return ["--home", str(place.home), "--settings", str(file)]
