"""What this machine can do for tests. Each function returns why it cannot, in one sentence, or None when it can."""

from __future__ import annotations

import functools
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable

from tests.support import cluster, cluster_cache, postgres

_ROOT = pathlib.Path(__file__).resolve().parents[2]


def why_no_postgresql() -> str | None:
    """A PostgreSQL server that we may run ourselves."""
    return postgres.why_not()


@functools.cache
def why_no_namespaces() -> str | None:
    """The right to make mount namespaces, which pods as processes need for their volumes."""
    if sys.platform != "linux":
        return "mount namespaces exist on Linux only"
    unshare = shutil.which("unshare")
    if unshare is None:
        return "unshare (util-linux) is not installed"
    options = ["--mount"] if os.getuid() == 0 else ["--user", "--map-root-user", "--mount"]
    tried = subprocess.run([unshare, *options, "true"], capture_output=True, text=True, timeout=10, check=False)
    return None if tried.returncode == 0 else f"this user may not make mount namespaces ({tried.stderr.strip()})"


@functools.cache
def why_no_airflow() -> str | None:
    """Real Apache Airflow in the user's cache, to compare with."""
    script = _ROOT / "scripts" / "airflow-env"
    tried = subprocess.run([str(script), "--check"], capture_output=True, text=True, timeout=30, check=False)
    return None if tried.returncode == 0 else "Apache Airflow's environment is not made (scripts/airflow-env makes it)"


@functools.cache
def why_no_providers() -> str | None:
    """Real provider packages in an environment of their own, in the user's cache."""
    script = _ROOT / "scripts" / "providers-env"
    tried = subprocess.run([str(script), "--check"], capture_output=True, text=True, timeout=30, check=False)
    return None if tried.returncode == 0 else "provider packages are not installed (scripts/providers-env does it)"


def named_kubeconfig() -> str | None:
    """The cluster that the tests were told to use; plain KUBECONFIG is not meant, it may be anybody's cluster."""
    return os.environ.get("TRADEWIND_TEST_KUBECONFIG") or None


def why_no_cluster() -> str | None:
    """A Kubernetes: one that the environment names, or one of our own."""
    return None if named_kubeconfig() else cluster_cache.why_not()


def why_no_own_cluster() -> str | None:
    """A Kubernetes whose parts we may stop."""
    kept = cluster.find_kept()
    if named_kubeconfig() in (None, str(kept.kubeconfig) if kept else None):
        return cluster_cache.why_not()
    return "the cluster that was named is not ours to stop parts of"


#: What a mark of pyproject.toml needs of the machine.
NEEDS: dict[str, Callable[[], str | None]] = {
    "postgresql": why_no_postgresql,
    "namespaces": why_no_namespaces,
    "airflow": why_no_airflow,
    "providers": why_no_providers,
    "cluster": why_no_cluster,
    "own_cluster": why_no_own_cluster,
}
