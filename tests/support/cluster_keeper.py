"""The process that a test cluster's parts belong to: it starts them, watches over them and ends them.

It is their parent, and of what they leave orphaned too, so ending it leaves nothing. It ends, with all of the cluster,
when it is told to, at SIGTERM, and when the process that it was started for is gone (its standard input closes), if it
was started for one. Asked over a socket: one line of JSON is one order, one line is the answer.

usage: python -m tests.support.cluster_keeper STATE NUMBER
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping

from tests.support import cluster_cache, cluster_parts, leaks
from tests.support.cluster_files import ClusterFiles

START_SECONDS = 90.0
_GRACE_SECONDS = 4.0
_POLL_SECONDS = 0.05
_CGROUPS = pathlib.Path("/sys/fs/cgroup")


class PartFailed(Exception):
    """A part ended or did not work in time; the message has the end of its log."""


@dataclasses.dataclass(kw_only=True)
class Keeper:
    """The running parts of one cluster."""

    files: ClusterFiles
    running: dict[str, subprocess.Popen[bytes]] = dataclasses.field(default_factory=dict)
    nodes: set[int] = dataclasses.field(default_factory=set)

    def start_cluster(self) -> dict[str, float]:
        """Start all but what is on demand, as much at once as can be; return the seconds until each step was done."""
        began = time.monotonic()
        steps: dict[str, float] = {}
        self._make_node(0)
        self.files.write_control_plane()
        self.files.write_node(0)
        steps["files"] = time.monotonic() - began
        self._spawn("etcd")
        self._spawn("containerd-0")
        self._wait(["etcd"])
        self._spawn("apiserver")
        self._wait(["containerd-0"])
        self._import_images(0)
        steps["images"] = time.monotonic() - began
        self._wait(["apiserver"])
        steps["API server"] = time.monotonic() - began
        rest = ["controller-manager", "scheduler", "coredns", "kubelet-0", "proxy-0"]
        for name in rest:
            self._spawn(name)
        self._wait(rest)
        self._wait_ready(0)
        steps["node Ready"] = time.monotonic() - began
        return steps

    def add_node(self) -> str:
        """Start one more node; return its name when it is Ready."""
        node = max(self.nodes) + 1
        self._make_node(node)
        self.files.write_node(node)
        self.start(f"containerd-{node}")
        self._import_images(node)
        for name in (f"kubelet-{node}", f"proxy-{node}"):
            self.start(name)
        self._wait_ready(node)
        return f"node-{node}"

    def start(self, name: str) -> None:
        """Start a part that does not run, and wait until it works."""
        self._spawn(name)
        self._wait([name])

    def stop(self, name: str, sign: signal.Signals = signal.SIGTERM) -> None:
        """End a part, by force after some seconds, and wait until it is gone. Nothing happens when it does not run."""
        process = self.running.pop(name, None)
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(sign)
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def signal(self, name: str, sign: signal.Signals) -> None:
        """Send a part a signal: SIGSTOP and SIGCONT make it hang and go on."""
        self.running[name].send_signal(sign)

    def stop_cluster(self) -> None:
        """End everything and take away its mounts, networks and cgroups. The state directory stays."""
        for name in reversed(list(self.running)):
            self.stop(name)
        clear(self.files, self.nodes)

    def died(self) -> list[str]:
        """The parts that ended by themselves."""
        return [name for name, process in self.running.items() if process.poll() is not None]

    def reap(self) -> None:
        """Wait for orphans that came to us and have ended."""
        ours = {process.pid for process in self.running.values()}
        with contextlib.suppress(OSError):
            for pid in pathlib.Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
                if int(pid) not in ours:
                    os.waitpid(int(pid), os.WNOHANG)

    def _make_node(self, node: int) -> None:
        self.nodes.add(node)
        self.files.network(node).create()
        for place in _cgroup_places(self.files, node):
            place.mkdir(exist_ok=True)

    def _spawn(self, name: str) -> None:
        found = cluster_parts.part(self.files, name)
        if name in self.running:
            raise PartFailed(f"{name} runs already")
        with (self.files.state / "logs" / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.files.network(found.node).inside(found.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.files.state,
                env=_environment(),
            )

    def _wait(self, names: Iterable[str]) -> None:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            for waiting in [pool.submit(self._wait_one, name) for name in names]:
                waiting.result()

    def _wait_one(self, name: str) -> None:
        found = cluster_parts.part(self.files, name)
        deadline = time.monotonic() + START_SECONDS
        while not found.works():
            code = self.running[name].poll()
            if code is not None or time.monotonic() > deadline:
                outcome = f"ended with {code}" if code is not None else f"did not work within {START_SECONDS:.0f} s"
                raise PartFailed(f"{name} {outcome}:\n{self._log_end(name)}")
            time.sleep(_POLL_SECONDS)

    def _wait_ready(self, node: int) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not cluster_parts.node_is_ready(self.files, node):
            if time.monotonic() > deadline:
                raise PartFailed(f"node-{node} is not Ready:\n{self._log_end(f'kubelet-{node}')}")
            time.sleep(_POLL_SECONDS)

    def _import_images(self, node: int) -> None:
        for name in ("pause", "busybox"):
            self.import_image(node, str(cluster_cache.image(name)))

    def import_image(self, node: int, archive: str) -> None:
        """Load an image into a node's containerd."""
        address = f"--address={self.files.socket(node)}"
        command = ["ctr", address, "-n", "k8s.io", "images", "import", archive]
        subprocess.run(command, check=True, capture_output=True, text=True)

    def _log_end(self, name: str) -> str:
        return (self.files.state / "logs" / f"{name}.log").read_text(errors="replace")[-3000:]


def clear(files: ClusterFiles, nodes: Iterable[int]) -> None:
    """Kill what still runs in the nodes' networks and cgroups, unmount what is below the state directory."""
    nodes = sorted(nodes, reverse=True)
    deadline = time.monotonic() + _GRACE_SECONDS
    while time.monotonic() < deadline:
        pids = {pid for node in nodes for pid in _pids(files, node)}
        if not pids:
            break
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_POLL_SECONDS)
    _unmount(files.state)
    for node in nodes:
        files.network(node).remove()
        for place in _cgroup_places(files, node):
            _remove_cgroup(place)


def _pids(files: ClusterFiles, node: int) -> set[int]:
    command = ["ip", "netns", "pids", files.network(node).namespace]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = {int(word) for word in told.split()}
    for place in _cgroup_places(files, node):
        for folder, _, _ in os.walk(place):  # which passes over what is removed meanwhile
            with contextlib.suppress(OSError):
                found.update(int(word) for word in pathlib.Path(folder, "cgroup.procs").read_text().split())
    return found


def _cgroup_places(files: ClusterFiles, node: int) -> list[pathlib.Path]:
    """A node's cgroup, once for each hierarchy; runc uses version 2's beside version 1's where both are there."""
    name = files.cgroup(node)
    if (_CGROUPS / "cgroup.controllers").exists():
        return [_CGROUPS / name]
    with pathlib.Path("/proc/mounts").open() as mounts:
        kinds = [line.split()[1:3] for line in mounts]
    return [pathlib.Path(place) / name for place, kind in kinds if kind in {"cgroup", "cgroup2"}]


def _remove_cgroup(place: pathlib.Path) -> None:
    for folder, _, _ in os.walk(place, topdown=False):
        with contextlib.suppress(OSError):
            os.rmdir(folder)


def _unmount(state: pathlib.Path) -> None:
    for _ in range(3):
        with pathlib.Path("/proc/self/mounts").open() as mounts:
            places = [line.split()[1].encode().decode("unicode_escape") for line in mounts]
        below = [place for place in places if place.startswith(f"{state}/")]
        if not below:
            return
        for place in reversed(below):
            # Lazily: what still holds one open was killed and is about to let go.
            subprocess.run(["umount", "--lazy", place], check=False, capture_output=True)


def _environment() -> Mapping[str, str]:
    """Nothing of ours but the path: no proxy, no kubeconfig, no Go debugging."""
    return {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin") + ":/usr/sbin:/sbin",
        "HOME": "/nonexistent",
    }


def _obey(keeper: Keeper, order: Mapping[str, str]) -> object:
    name = order.get("part", "")
    match order["do"]:
        case "start":
            keeper.start(name)
        case "stop":
            keeper.stop(name)
        case "kill":
            keeper.stop(name, signal.SIGKILL)
        case "signal":
            keeper.signal(name, signal.Signals[order["signal"]])
        case "import":
            keeper.import_image(int(order["node"]), order["archive"])
        case "add-node":
            return keeper.add_node()
        case "pids":
            return {part: process.pid for part, process in keeper.running.items()}
        case "died":
            return keeper.died()
        case unknown:
            raise ValueError(f"no such order: {unknown}")
    return None


def _serve(keeper: Keeper, listener: socket.socket) -> None:
    """Until told to end, or standard input closes."""
    watched: list[socket.socket | int] = [listener]
    if not os.isatty(0) and os.fstat(0).st_rdev != os.stat(os.devnull).st_rdev:
        watched.append(0)
    while True:
        ready, _, _ = select.select(watched, [], [], 1.0)
        keeper.reap()
        if 0 in ready and not os.read(0, 1):
            return
        if listener not in ready:
            continue
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as stream:
            line = stream.readline()
            if not line:
                continue
            order = json.loads(line)
            if order["do"] == "end":
                return
            try:
                answer = {"answer": _obey(keeper, order)}
            except (PartFailed, KeyError, ValueError, OSError, subprocess.SubprocessError) as error:
                told = getattr(error, "stderr", "") or ""
                answer = {"error": f"{type(error).__name__}: {error} {told}"}
            with contextlib.suppress(OSError):
                stream.write(json.dumps(answer) + "\n")
                stream.flush()


def _end(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main() -> int:
    """Run one cluster from its start to its end."""
    state, number = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    leaks.become_subreaper()
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which then tell us
    keeper = Keeper(files=ClusterFiles(state=state, number=number))
    try:
        steps = keeper.start_cluster()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(state / "keeper.sock.new"))
            listener.listen()
            told = {"kubeconfig": str(keeper.files.kubeconfig), "keeper": os.getpid(), "steps": steps}
            (state / "cluster.json").write_text(json.dumps(told))
            (state / "keeper.sock.new").rename(state / "keeper.sock")
            _serve(keeper, listener)
    except (PartFailed, subprocess.CalledProcessError) as error:
        print(f"{error} {getattr(error, 'stderr', '') or ''}", flush=True)
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.stop_cluster()
    shutil.rmtree(state, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
