"""The network of one test cluster: namespaces, so bridges, addresses, ports and firewall rules are its own.

The first node's namespace, where the control plane runs too, is joined to the machine by one pair of interfaces with
addresses 10.213.N.1 (the machine) and 10.213.N.2 (the node), further nodes to the first by 10.213.N.(4k+1) and
10.213.N.(4k+2). Pods of node k have the 1,000 addresses from 10.(214+k).(4N).0 on, and the machine reaches them through
the first node. Nothing leaves the machine: there is neither a default route outwards nor address translation. Removing
the namespaces removes everything.
"""

from __future__ import annotations

import concurrent.futures
import ctypes
import dataclasses
import pathlib
import socket
import subprocess
from collections.abc import Sequence

_PREFIX = "tradewind-"
_CLONE_NEWNET = 0x40000000
_NAMED = pathlib.Path("/run/netns")


@dataclasses.dataclass(frozen=True, kw_only=True)
class NodeNetwork:
    """One node's part. `cluster` (0 to 63) numbers the clusters of this machine, `node` (0 to 6) those of a cluster."""

    cluster: int
    node: int

    @property
    def namespace(self) -> str:
        """As `ip netns` calls it."""
        return f"{_PREFIX}{self.cluster}-{self.node}"

    @property
    def path(self) -> pathlib.Path:
        """As `nsenter --net=` takes it."""
        return _NAMED / self.namespace

    @property
    def address(self) -> str:
        """The node's own."""
        return f"10.213.{self.cluster}.{4 * self.node + 2}"

    @property
    def other_end(self) -> str:
        """Of the machine for the first node, of the first node for the others."""
        return f"10.213.{self.cluster}.{4 * self.node + 1}"

    @property
    def pods(self) -> str:
        """The pods' range."""
        return f"10.{214 + self.node}.{4 * self.cluster}.0/22"

    @property
    def _outer(self) -> str:
        return f"tw{self.cluster}-{self.node}"

    def create(self) -> None:
        """Make the namespace and the pair of interfaces. Raises CalledProcessError when there is such a namespace."""
        _ip("netns", "add", self.namespace)
        inside = ("-n", self.namespace)
        around = () if self.node == 0 else ("-n", dataclasses.replace(self, node=0).namespace)
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*around, "link", "add", self._outer, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
        _ip(*around, "address", "add", f"{self.other_end}/30", "dev", self._outer)
        _ip(*around, "link", "set", self._outer, "up")
        _ip(*inside, "address", "add", f"{self.address}/30", "dev", "eth0")
        _ip(*inside, "link", "set", "eth0", "up")
        _ip(*inside, "route", "add", "default", "via", self.other_end)
        _ip(*around, "route", "add", self.pods, "via", self.address)
        if self.node > 0:
            _ip("route", "add", f"10.213.{self.cluster}.{4 * self.node}/30", "via", f"10.213.{self.cluster}.2")
            _ip("route", "add", self.pods, "via", f"10.213.{self.cluster}.2")
        for name in ("net.ipv4.ip_forward", "net.bridge.bridge-nf-call-iptables"):
            command = self.inside(["sysctl", "-q", "-w", f"{name}=1"])
            # Where the kernel has no such switch for bridges, their frames pass iptables anyway or never.
            subprocess.run(command, check=name.endswith("ip_forward"), capture_output=True)

    def cut(self) -> None:
        """Take the node off the network, as a pulled cable does."""
        _ip("-n", self.namespace, "link", "set", "eth0", "down")

    def mend(self) -> None:
        """Undo `cut`."""
        _ip("-n", self.namespace, "link", "set", "eth0", "up")
        _ip("-n", self.namespace, "route", "replace", "default", "via", self.other_end)

    def inside(self, command: Sequence[str]) -> list[str]:
        """The command as it runs in the namespace; mounts stay the machine's, which kubelet and containerd share."""
        return ["nsenter", f"--net={self.path}", "--", *command]

    def connect(self, address: str, port: int, *, seconds: float) -> socket.socket:
        """A TCP connection made inside the namespace. Raises OSError."""
        with concurrent.futures.ThreadPoolExecutor(1) as one_thread:
            return one_thread.submit(self._connect, address, port, seconds).result()

    def _connect(self, address: str, port: int, seconds: float) -> socket.socket:
        # Namespaces are the thread's; a socket stays in the one that it was made in. The thread ends with its call.
        with self.path.open() as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), f"setns {self.path}")
        return socket.create_connection((address, port), seconds)

    def remove(self) -> None:
        """Take everything away; nothing happens where it is gone already."""
        subprocess.run(["ip", "link", "delete", self._outer], check=False, capture_output=True)
        subprocess.run(["ip", "netns", "delete", self.namespace], check=False, capture_output=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


__all__ = ["NodeNetwork"]
