"""The demo on a real Kubernetes: the test cluster is started, gets the two images and the secret, and ends afterwards.

Each image is the tests' Python image with what its constraints name installed into it, as its Dockerfile would do; no
container engine and no registry is needed. What `kubectl get pods -w` says meanwhile is shown at the end.

usage: python -m scripts.demo_cluster [--months 1,2,3]
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support import cluster, cluster_api, cluster_cache, cluster_images

ROOT = Path(__file__).resolve().parents[1]
DEMO, STATE = ROOT / "demo", ROOT / ".demo"
WATCHED = STATE / "kubectl-get-pods.txt"
TAGS = {"classic": "2.3", "modern": "3.1"}
SECRET = STATE / "secrets" / "flights-signing" / "key"
_CONFIGURATION = cluster_images.Configuration(
    command=("python3",), environment=("PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8")
)


def main() -> int:
    """Prepare, run, show; the exit code is the demo's."""
    parser = argparse.ArgumentParser(description="Run the demo on a real Kubernetes.")
    parser.add_argument("--months", help="only these months of the data set, for example 1,2,3")
    options = parser.parse_args()
    if (why := cluster_cache.why_never()) is not None:
        print(f"no demo on Kubernetes here: {why}\nhint: `make demo` runs the same without a cluster", file=sys.stderr)
        return 1
    if subprocess.run([ROOT / "scripts" / "prepare-cluster"], stdout=subprocess.DEVNULL, check=False).returncode != 0:
        return 1
    images = {name: make_image(name) for name in TAGS}
    began = time.monotonic()
    with cluster.started() as started:
        say(f"a Kubernetes of its own is up after {time.monotonic() - began:.1f} s")
        for name, archive in images.items():
            began = time.monotonic()
            started.load_archive(archive)
            say(f"image {image_name(name)} is on its node ({time.monotonic() - began:.1f} s)")
        keep_secret(cluster_api.Api.read(started.kubeconfig))
        with watched(started.kubeconfig):
            months = ["--months", options.months] if options.months else []
            words = [str(ROOT / "scripts" / "demo"), "--kubeconfig", str(started.kubeconfig), *months]
            words += ["--helper-image", cluster_images.reference("busybox")]
            done = subprocess.run(words, check=False)
        show_pods()
    say("the cluster is gone")
    return done.returncode


def say(text: str) -> None:
    """A line for people."""
    print(f"  {text}", flush=True)


def image_name(name: str) -> str:
    """As the DAG file has it."""
    return f"registry.example.com/demo/etl-{name}:{TAGS[name]}"


def make_image(name: str) -> Path:
    """The archive of one image, unless the one that is there was made of the same files."""
    base, constraints = cluster_cache.image("python"), DEMO / f"constraints-{name}.txt"
    programs = DEMO / "images" / name / "bin"
    digest = hashlib.sha256(f"{base}".encode() + constraints.read_bytes())
    for program in sorted(programs.iterdir()):
        digest.update(program.read_bytes())
    target = STATE / "images" / f"{name}-{digest.hexdigest()[:12]}.tar"
    if target.exists():
        say(f"image {image_name(name)}: there already")
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tradewind-demo-", dir=target.parent) as folder:
        tree = Path(folder) / "root"
        unpack(base, tree)
        install(constraints, tree)
        for program in programs.iterdir():
            shutil.copy(program, tree / "usr" / "local" / "bin" / program.name)
        beside = Path(folder) / "image.tar"
        cluster_images.write_archive(tree, beside, image_name(name), _CONFIGURATION)
        beside.rename(target)
    say(f"image {image_name(name)}: made ({time.monotonic() - began:.1f} s)")
    return target


def unpack(archive: Path, tree: Path) -> None:
    """The root directory of an image with one layer."""
    with tarfile.open(archive) as outer:
        layer = next(member for member in outer if member.name.endswith("layer.tar"))
        content = outer.extractfile(layer)
        with tarfile.open(fileobj=content) as inner:
            inner.extractall(tree, filter="fully_trusted")


def install(constraints: Path, tree: Path) -> None:
    """What the constraints name, for the image's own Python."""
    python = next(path.name for path in (tree / "usr" / "bin").iterdir() if re.fullmatch(r"python3\.\d+", path.name))
    folder = tree / "usr" / "local" / "lib" / python / "dist-packages"
    programs = ROOT / ".venv" / "bin"
    words: list[str | Path] = [programs / "uv", "pip", "install", "-q", "--python", programs / "python"]
    words += ["--python-version", python.removeprefix("python"), "--target", folder, "--require-hashes"]
    words += ["--build-constraints", DEMO / "constraints-build.txt", "-r", constraints]
    subprocess.run(words, check=True)


def keep_secret(api: cluster_api.Api) -> None:
    """The Secret that the pods refer to; its value is made here and known to nobody else but the cluster."""
    if not SECRET.exists():
        SECRET.parent.mkdir(parents=True, exist_ok=True)
        SECRET.touch(mode=0o600)
        SECRET.write_text(os.urandom(24).hex())
    data = {"key": base64.b64encode(SECRET.read_bytes()).decode()}
    api.post("/api/v1/namespaces/default/secrets", {"metadata": {"name": "flights-signing"}, "data": data})


@contextlib.contextmanager
def watched(kubeconfig: Path) -> Iterator[None]:
    """What kubectl says of pods meanwhile, in a file."""
    WATCHED.parent.mkdir(parents=True, exist_ok=True)
    command = [str(cluster_cache.binary("kubectl")), "get", "pods", "-w"]
    with (
        WATCHED.open("w") as file,
        subprocess.Popen(command, env={**os.environ, "KUBECONFIG": str(kubeconfig)}, stdout=file) as watching,
    ):
        try:
            yield
        finally:
            watching.terminate()


def show_pods() -> None:
    """What was seen."""
    print(f"\nkubectl get pods -w, meanwhile (in {WATCHED.relative_to(ROOT)}):\n{WATCHED.read_text()}", flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
