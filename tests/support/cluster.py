"""A real single-node Kubernetes for tests, or the one that KUBECONFIG names.

Each cluster of ours has a number, a state directory, networks and cgroups of its own; so several run side by side, and
a test may break the one that it has started for itself. What a killed test run left is taken away by the next start.

usage: python -m tests.support.cluster up|down|show
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping

from tests.support import cluster_cache, cluster_images, cluster_keeper, leaks
from tests.support.cluster_files import REGISTRY_PORT, REGISTRY_USER, ClusterFiles

BASE = pathlib.Path("/var/lib/tradewind-clusters")
_NUMBERS = range(64)
_MOST_NODES = 7
_ROOT = pathlib.Path(__file__).resolve().parents[2]
_END_SECONDS = 60.0


class ClusterError(Exception):
    """The cluster could not be made, started or told to do something."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cluster:
    """A running cluster of ours. Its parts are named in `cluster_parts`."""

    files: ClusterFiles
    steps: Mapping[str, float]
    """Seconds from the start until each step of it was done."""
    keeper: int
    """The process that all parts belong to."""

    def told_steps(self) -> str:
        """`steps` for people."""
        return ", ".join(f"{step} after {seconds:.1f} s" for step, seconds in self.steps.items())

    @property
    def kubeconfig(self) -> pathlib.Path:
        """The administrator's."""
        return self.files.kubeconfig

    def start(self, part: str) -> None:
        """Start a part that does not run, and wait until it works."""
        self._order(do="start", part=part)

    def stop(self, part: str) -> None:
        """End a part in good order."""
        self._order(do="stop", part=part)

    def kill(self, part: str) -> None:
        """End a part as the kernel does when memory is short."""
        self._order(do="kill", part=part)

    def signal(self, part: str, sign: signal.Signals) -> None:
        """Send a part a signal: SIGSTOP and SIGCONT make it hang and go on."""
        self._order(do="signal", part=part, signal=sign.name)

    def add_node(self) -> str:
        """Start one more node with its own kubelet, containerd and network; return its name when it is Ready."""
        return str(self._order(do="add-node"))

    def cut_off(self, node: int) -> None:
        """Pull a node's network cable; `mend` plugs it in again. Cutting node 0 cuts the whole cluster off from us."""
        self.files.network(node).cut()

    def mend(self, node: int) -> None:
        """Undo `cut_off`."""
        self.files.network(node).mend()

    def pids(self) -> dict[str, int]:
        """Of the running parts."""
        told = self._order(do="pids")
        return dict(told) if isinstance(told, dict) else {}

    def died(self) -> list[str]:
        """The parts that ended without anybody asking."""
        told = self._order(do="died")
        return list(told) if isinstance(told, list) else []

    def ensure(self, part: str) -> None:
        """Start a part that runs on demand only: `registry`, `kwok`."""
        if part not in self.pids():
            self.start(part)

    def load(self, image: str, node: int = 0) -> str:
        """Have one of `cluster_cache.IMAGES` on a node; return the name for pods, with `imagePullPolicy: Never`."""
        self._order(do="import", node=str(node), archive=str(cluster_cache.image(image)))
        return cluster_images.reference(image)

    def load_archive(self, archive: pathlib.Path, node: int = 0) -> None:
        """Have the image of a docker-archive on a node, under the name that it has there."""
        self._order(do="import", node=str(node), archive=str(archive))

    def push(self, image: str, name: str) -> str:
        """Put an image into the store that asks for a password, as `name` ("team/x:1"); return the whole name."""
        self.ensure("registry")
        target = f"{self.registry_address}/{name}"
        source = f"docker-archive:{cluster_cache.image(image)}"
        credentials = f"--dest-creds={REGISTRY_USER}:{self.registry_password}"
        with tempfile.TemporaryDirectory(prefix="tradewind-push-") as folder:
            # Debian's skopeo asks for a policy file that its package does not bring.
            policy = pathlib.Path(folder) / "policy.json"
            policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
            command = ["skopeo", f"--policy={policy}", "copy", "-q", "--dest-tls-verify=false", credentials]
            command += [source, f"docker://{target}"]
            inside = self.files.network(0).inside(command)
            done = subprocess.run(inside, capture_output=True, text=True, timeout=120, check=False)
        if done.returncode != 0:
            raise ClusterError(f"pushing {target} failed: {done.stderr}")
        return target

    @property
    def registry_address(self) -> str:
        """As images' names begin."""
        return f"127.0.0.1:{REGISTRY_PORT}"

    @property
    def registry_user(self) -> str:
        return REGISTRY_USER

    @property
    def registry_password(self) -> str:
        return (self.files.state / "registry" / "password").read_text()

    def log(self, part: str) -> str:
        """What a part wrote."""
        return (self.files.state / "logs" / f"{part}.log").read_text(errors="replace")

    def _order(self, **order: str) -> object:
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(2 * cluster_keeper.START_SECONDS)
            asked.connect(str(self.files.state / "keeper.sock"))
            with asked.makefile("rw") as stream:
                stream.write(json.dumps(order) + "\n")
                stream.flush()
                answer = json.loads(stream.readline() or '{"error": "the keeper has ended"}')
        if "error" in answer:
            raise ClusterError(f"{order}: {answer['error']}")
        return answer["answer"]


@contextlib.contextmanager
def started() -> Iterator[Cluster]:
    """A new cluster while the block runs. It ends with this process too, however that ends."""
    files, lock = _claim()
    keeper = _spawn(files, lock, stdin=subprocess.PIPE)
    leaks.own(keeper.pid)
    try:
        yield _wait(files, keeper)
    finally:
        if keeper.stdin is not None:
            keeper.stdin.close()
        try:
            keeper.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait()
        if keeper.returncode != 0:
            cluster_keeper.clear(files, range(_MOST_NODES))
        leaks.disown(keeper.pid)
        os.close(lock)
        shutil.rmtree(files.state, ignore_errors=True)


def up() -> Cluster:
    """The cluster that stays until `down`: found, or started."""
    kept = find_kept()
    if kept is not None:
        return kept
    files, lock = _claim()
    keeper = _spawn(files, lock, stdin=subprocess.DEVNULL)
    os.close(lock)
    cluster = _wait(files, keeper)
    keeper.returncode = 0  # it stays; nobody has to wait for it
    (BASE / "kept").write_text(files.state.name)
    return cluster


def down() -> bool:
    """End the cluster that `up` started; False when there is none."""
    kept = find_kept()
    if kept is None:
        return False
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(str(kept.files.state / "keeper.sock"))
        asked.sendall(b'{"do": "end"}\n')
    deadline = time.monotonic() + _END_SECONDS
    while _is_held(kept.files.state):
        if time.monotonic() > deadline:
            raise ClusterError(f"{kept.files.state} did not end within {_END_SECONDS:.0f} s")
        time.sleep(0.05)
    shutil.rmtree(kept.files.state, ignore_errors=True)
    (BASE / "kept").unlink(missing_ok=True)
    return True


def find_kept() -> Cluster | None:
    """The running cluster that `up` started."""
    with contextlib.suppress(OSError, ValueError):
        state = BASE / (BASE / "kept").read_text()
        if _is_held(state):
            return of_number(int(state.name))
    return None


def of_number(number: int) -> Cluster:
    """A running cluster. Raises OSError when there is none of this number."""
    return _told(ClusterFiles(state=BASE / str(number), number=number))


def _claim() -> tuple[ClusterFiles, int]:
    """A number with its empty directory, and the lock on it, which lasts as long as a process has it open."""
    BASE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with (BASE / "lock").open("w") as claiming:
        fcntl.flock(claiming, fcntl.LOCK_EX)
        for state in BASE.iterdir():
            if state.is_dir() and not _is_held(state):
                # Its keeper was killed.
                cluster_keeper.clear(ClusterFiles(state=state, number=int(state.name)), range(_MOST_NODES))
                shutil.rmtree(state, ignore_errors=True)
        for number in _NUMBERS:
            files = ClusterFiles(state=BASE / str(number), number=number)
            lock = os.open(BASE / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                continue
            files.state.mkdir(mode=0o700)
            return files, lock
    raise ClusterError(f"{len(_NUMBERS)} clusters are running")


def _is_held(state: pathlib.Path) -> bool:
    with (BASE / f"{state.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _spawn(files: ClusterFiles, lock: int, *, stdin: int) -> subprocess.Popen[bytes]:
    with (files.state / "keeper.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.support.cluster_keeper", str(files.state), str(files.number)],
            stdin=stdin,
            stdout=log,
            stderr=log,
            cwd=_ROOT,
            pass_fds=[lock],
            start_new_session=True,
        )


def _wait(files: ClusterFiles, keeper: subprocess.Popen[bytes]) -> Cluster:
    while not (files.state / "keeper.sock").exists():
        if keeper.poll() is not None:
            raise ClusterError(f"the cluster did not start:\n{(files.state / 'keeper.log').read_text()}")
        time.sleep(0.02)
    return _told(files)


def _told(files: ClusterFiles) -> Cluster:
    told = json.loads((files.state / "cluster.json").read_text())
    return Cluster(files=files, steps=told["steps"], keeper=told["keeper"])


def main() -> int:
    """Obey the command line; print what a shell can take over."""
    match sys.argv[1:]:
        case ["up"]:
            why = cluster_cache.why_not()
            if why:
                print(f"no cluster: {why}", file=sys.stderr)
                return 1
            cluster = up()
            print(f"started: {cluster.told_steps()}", file=sys.stderr)
            print(f"kubectl, if there is none: {cluster_cache.binary('kubectl')}", file=sys.stderr)
            print(f"export KUBECONFIG={cluster.kubeconfig}")
        case ["down"]:
            print("ended" if down() else "no cluster is up", file=sys.stderr)
        case ["show"]:
            kept = find_kept()
            print(f"export KUBECONFIG={kept.kubeconfig}" if kept else "no cluster is up")
        case _:
            print((__doc__ or "").rsplit("\n\n", 1)[-1], file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
