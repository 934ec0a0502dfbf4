"""The processes of a test cluster: how each is called, and how one sees that it works.

A part is named by what it is and, where each node has one, by the node's number: `apiserver`, `kubelet-0`. All run in
their node's network namespace.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import pathlib
import ssl
import subprocess
from collections.abc import Callable, Sequence

from tests.support import cluster_cache
from tests.support.cluster_files import API_PORT, KWOK_STAGES, REGISTRY_PORT, SERVICES, ClusterFiles

CONTROL_PLANE = ("etcd", "apiserver", "controller-manager", "scheduler", "coredns")
OF_A_NODE = ("containerd", "kubelet", "proxy")
ON_DEMAND = ("registry", "kwok")
_BURST = ("--kube-api-qps=2000", "--kube-api-burst=4000")
_TRY_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Part:
    """One process. `works` looks once and is quick."""

    name: str
    node: int
    command: Sequence[str]
    works: Callable[[], bool]


def part(files: ClusterFiles, name: str) -> Part:
    """The part of this name. Raises KeyError when there is none such."""
    kind, _, number = name.rpartition("-")
    if kind in OF_A_NODE and number.isdigit():
        node = int(number)
        command, works = _NODE_PARTS[kind](files, node)
        return Part(name=name, node=node, command=command, works=works)
    command, works = _CONTROL_PARTS[name](files)
    return Part(name=name, node=0, command=command, works=works)


def node_is_ready(files: ClusterFiles, node: int) -> bool:
    """Whether the API server says that a node is Ready, and the controllers have let pods onto it."""
    answer = _ask_api(files, f"/api/v1/nodes/node-{node}")
    if answer is None:
        return False
    told = json.loads(answer)
    conditions = told.get("status", {}).get("conditions", [])
    ready = any(row["type"] == "Ready" and row["status"] == "True" for row in conditions)
    return ready and not told["spec"].get("taints")


_Called = tuple[list[str], Callable[[], bool]]


def _etcd(files: ClusterFiles) -> _Called:
    return [
        _binary("etcd"),
        f"--data-dir={files.state / 'etcd'}",
        "--listen-client-urls=http://127.0.0.1:2379",
        "--advertise-client-urls=http://127.0.0.1:2379",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--initial-advertise-peer-urls=http://127.0.0.1:2380",
        "--initial-cluster=default=http://127.0.0.1:2380",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ], lambda: _get_inside(files, 0, 2379, "/health")


def _apiserver(files: ClusterFiles) -> _Called:
    return [
        _binary("kube-apiserver"),
        "--etcd-servers=http://127.0.0.1:2379",
        f"--secure-port={API_PORT}",
        f"--advertise-address={files.network(0).address}",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        f"--token-auth-file={files.pki('tokens.csv')}",
        f"--client-ca-file={files.pki('ca.crt')}",
        f"--tls-cert-file={files.pki('server.crt')}",
        f"--tls-private-key-file={files.pki('server.key')}",
        f"--kubelet-client-certificate={files.pki('kubelet-client.crt')}",
        f"--kubelet-client-key={files.pki('kubelet-client.key')}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-key-file={files.pki('accounts.pub')}",
        f"--service-account-signing-key-file={files.pki('accounts.key')}",
        "--kubelet-preferred-address-types=InternalIP",
        "--shutdown-delay-duration=0s",
    ], lambda: _ask_api(files, "/readyz") == b"ok"


def _controller_manager(files: ClusterFiles) -> _Called:
    return [
        _binary("kube-controller-manager"),
        f"--kubeconfig={files.kubeconfig_of('controller-manager')}",
        f"--root-ca-file={files.pki('ca.crt')}",
        f"--service-account-private-key-file={files.pki('accounts.key')}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--controllers=*",
        "--bind-address=127.0.0.1",
        *_BURST,
    ], lambda: _is_open(files, 0, 10257)


def _scheduler(files: ClusterFiles) -> _Called:
    return [
        _binary("kube-scheduler"),
        f"--kubeconfig={files.kubeconfig_of('scheduler')}",
        "--leader-elect=false",
        "--bind-address=127.0.0.1",
        *_BURST,
    ], lambda: _is_open(files, 0, 10259)


def _coredns(files: ClusterFiles) -> _Called:
    # Without its own `health` plugin, an open port is what can be seen; the plugin answers only once it knows names.
    address = files.network(0).address
    return [_binary("coredns"), "-conf", str(files.state / "Corefile")], lambda: _is_open(files, 0, 53, address)


def _registry(files: ClusterFiles) -> _Called:
    configuration = files.state / "registry" / "config.yml"
    return [_binary("registry"), "serve", str(configuration)], lambda: _is_open(files, 0, REGISTRY_PORT)


def _kwok(files: ClusterFiles) -> _Called:
    return [
        _binary("kwok"),
        f"--kubeconfig={files.kubeconfig}",
        f"--config={KWOK_STAGES}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        "--node-lease-duration-seconds=40",
        "--server-address=127.0.0.1:10247",
        "--cidr=10.224.0.0/16",
    ], lambda: _get_inside(files, 0, 10247, "/healthz")


def _containerd(files: ClusterFiles, node: int) -> _Called:
    socket = files.socket(node)
    look = ["ctr", f"--address={socket}", "--connect-timeout=1s", "version"]
    return ["containerd", f"--config={files.node(node) / 'containerd.toml'}"], lambda: _succeeds(look)


def _kubelet(files: ClusterFiles, node: int) -> _Called:
    home = files.node(node)
    return [
        _binary("kubelet"),
        f"--config={home / 'kubelet.yaml'}",
        f"--kubeconfig={files.kubeconfig_of(f'kubelet-{node}')}",
        f"--root-dir={home / 'kubelet'}",
        f"--cert-dir={home / 'kubelet' / 'pki'}",
        f"--hostname-override=node-{node}",
        f"--node-ip={files.network(node).address}",
    ], lambda: _get_inside(files, node, 10248, "/healthz")


def _proxy(files: ClusterFiles, node: int) -> _Called:
    configuration = files.node(node) / "proxy.yaml"
    command = [_binary("kube-proxy"), f"--config={configuration}"]
    return command, lambda: _get_inside(files, node, 10256, "/livez")


_CONTROL_PARTS: dict[str, Callable[[ClusterFiles], _Called]] = {
    "etcd": _etcd,
    "apiserver": _apiserver,
    "controller-manager": _controller_manager,
    "scheduler": _scheduler,
    "coredns": _coredns,
    "registry": _registry,
    "kwok": _kwok,
}
_NODE_PARTS: dict[str, Callable[[ClusterFiles, int], _Called]] = {
    "containerd": _containerd,
    "kubelet": _kubelet,
    "proxy": _proxy,
}


def _binary(name: str) -> str:
    return str(cluster_cache.binary(name))


def _ask_api(files: ClusterFiles, path: str) -> bytes | None:
    """The answer's body, or None for anything but 200."""
    configuration = json.loads(pathlib.Path(files.kubeconfig).read_text())
    token = configuration["users"][0]["user"]["token"]
    context = ssl.create_default_context(cafile=str(files.pki("ca.crt")))
    address = files.network(0).address
    connection = http.client.HTTPSConnection(address, API_PORT, context=context, timeout=_TRY_SECONDS)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
    except OSError:
        return None
    finally:
        connection.close()
    return body if answer.status == 200 else None


def _get_inside(files: ClusterFiles, node: int, port: int, path: str) -> bool:
    """Whether a loopback address inside a node's namespace answers 200."""
    try:
        with files.network(node).connect("127.0.0.1", port, seconds=_TRY_SECONDS) as connected:
            connected.sendall(f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
            with connected.makefile("rb") as answer:
                return b" 200 " in answer.readline()
    except OSError:
        return False


def _is_open(files: ClusterFiles, node: int, port: int, address: str = "127.0.0.1") -> bool:
    try:
        files.network(node).connect(address, port, seconds=_TRY_SECONDS).close()
    except OSError:
        return False
    return True


def _succeeds(command: Sequence[str]) -> bool:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=10 * _TRY_SECONDS, check=False
    )
    return done.returncode == 0


__all__ = ["CONTROL_PLANE", "OF_A_NODE", "ON_DEMAND", "Part", "node_is_ready", "part"]
