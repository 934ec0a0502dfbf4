"""Where the test cluster's binaries and images lie in the user's cache, and how each of them is made.

A directory's name has a hash of everything that its content is made from, so a change of a version makes a new one
beside the old, and two checkouts of the same state share one. What is in its place there is whole: files are written
beside and renamed. `scripts/prepare-cluster` fills them.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Iterable

MODULES = pathlib.Path(__file__).resolve().parents[1] / "cluster" / "modules"
GO_AT_LEAST = (1, 24)
KUBERNETES_VERSION = "v1.34.4"
_VERSION_PACKAGE = "k8s.io/component-base/version"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Binary:
    """One `go build`, in a folder of `tests/cluster/modules`."""

    name: str
    package: str = "."
    flags: str = "-s -w"
    called: tuple[str, ...] = ()
    """Further names, as links: the program does what it is called."""


BINARIES = (
    Binary(
        name="kubernetes",
        # Without a version of its own the API server refuses to start.
        flags=f"-s -w -X {_VERSION_PACKAGE}.gitVersion={KUBERNETES_VERSION} "
        f"-X {_VERSION_PACKAGE}.gitMajor=1 -X {_VERSION_PACKAGE}.gitMinor=34",
        called=(
            "etcd",
            "kube-apiserver",
            "kube-controller-manager",
            "kube-scheduler",
            "kube-proxy",
            "kubelet",
            "kubectl",
        ),
    ),
    Binary(name="coredns", package="github.com/coredns/coredns"),
    Binary(name="registry", package="github.com/distribution/distribution/v3/cmd/registry"),
    Binary(name="kwok", package="sigs.k8s.io/kwok/cmd/kwok"),
    Binary(name="pause"),
)

IMAGES = ("pause", "busybox", "python")

#: A program that each Debian package brings; where it is there, the package is not asked for.
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "busybox": "busybox-static",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "socat": "socat",
    "debootstrap": "debootstrap",
    "skopeo": "skopeo",
    "htpasswd": "apache2-utils",
    "ip": "iproute2",
    "nsenter": "util-linux",
}


def root() -> pathlib.Path:
    """The user's cache of this project."""
    return pathlib.Path(os.environ.get("TRADEWIND_CACHE") or pathlib.Path.home() / ".cache" / "tradewind")


@functools.cache
def directory() -> pathlib.Path:
    """The directory for the binaries of the sources as they are."""
    return root() / f"cluster-{_digest(repr(BINARIES), MODULES.rglob('*'))}"


@functools.cache
def images_directory() -> pathlib.Path:
    """The directory for the images, which last longer: they are made of other sources."""
    recipes = pathlib.Path(__file__).with_name("cluster_images.py")
    return root() / f"cluster-images-{_digest(repr(IMAGES), [recipes, *(MODULES / 'pause').iterdir()])}"


def _digest(told: str, files: Iterable[pathlib.Path]) -> str:
    digest = hashlib.sha256(told.encode())
    for file in sorted(files):
        if file.is_file():
            digest.update(f"{file.name}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def binary(name: str) -> pathlib.Path:
    """Where a binary, or a link to one, lies once it is built."""
    return directory() / "bin" / name


def image(name: str) -> pathlib.Path:
    """Where an image's archive lies once it is made."""
    return images_directory() / f"{name}.tar"


def missing_packages() -> list[str]:
    """The Debian packages whose programs this machine lacks."""
    return [package for program, package in PACKAGES.items() if shutil.which(program) is None]


@functools.cache
def why_never() -> str | None:
    """Why this machine can run no cluster, whatever is built and installed."""
    if sys.platform != "linux" or os.getuid() != 0:
        return "a cluster of our own needs Linux and root (make test-cluster takes another one from KUBECONFIG)"
    tried = subprocess.run(["unshare", "--net", "--mount", "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"this root may not make network and mount namespaces ({tried.stderr.strip()})"
    groups = pathlib.Path("/sys/fs/cgroup")
    places = [groups] if (groups / "cgroup.controllers").exists() else list(groups.glob("memory"))
    if not places or not os.access(places[0], os.W_OK):
        return "this root may not make cgroups"
    return None


def why_not() -> str | None:
    """Why no cluster can be started here, in one sentence, or None when one can."""
    never = why_never()
    if never:
        return never
    missing = missing_packages()
    if missing:
        return f"not installed: {', '.join(missing)} (scripts/prepare-cluster does it)"
    files = [binary(one.name) for one in BINARIES] + [image(name) for name in IMAGES]
    lacking = [file.stem for file in files if not file.exists()]
    return f"not built yet: {', '.join(lacking)} (scripts/prepare-cluster does it)" if lacking else None


__all__ = [
    "BINARIES",
    "IMAGES",
    "MODULES",
    "binary",
    "directory",
    "image",
    "images_directory",
    "missing_packages",
    "why_never",
    "why_not",
]
