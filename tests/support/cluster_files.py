"""What the parts of a test cluster read: certificates, tokens, kubeconfigs and their configurations.

Everything lies below the cluster's own state directory, so nothing of the machine's is read or written by chance.
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import json
import pathlib
import secrets
import subprocess
from collections.abc import Mapping

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tests.support import cluster_images
from tests.support.cluster_network import NodeNetwork

API_PORT = 6443
REGISTRY_PORT = 5000
SERVICES = "10.96.0.0/16"
_API_SERVICE = "10.96.0.1"
REGISTRY_USER = "puller"
KWOK_STAGES = pathlib.Path(__file__).resolve().parents[1] / "cluster" / "kwok.yaml"
_DAYS = datetime.timedelta(days=365)
_USERS = {
    "admin": ("admin", "system:masters"),
    "controller-manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    **{f"kubelet-{node}": (f"system:node:node-{node}", "system:nodes") for node in range(7)},
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ClusterFiles:
    """The state directory of cluster number `number`."""

    state: pathlib.Path
    number: int

    @property
    def server(self) -> str:
        """Where the API server is, from this machine and from every node."""
        return f"https://{self.network(0).address}:{API_PORT}"

    @property
    def kubeconfig(self) -> pathlib.Path:
        """The administrator's."""
        return self.kubeconfig_of("admin")

    def network(self, node: int) -> NodeNetwork:
        return NodeNetwork(cluster=self.number, node=node)

    def kubeconfig_of(self, user: str) -> pathlib.Path:
        return self.state / "kubeconfigs" / f"{user}.json"

    def pki(self, name: str) -> pathlib.Path:
        return self.state / "pki" / name

    def node(self, node: int) -> pathlib.Path:
        """The directory of a node."""
        return self.state / f"node-{node}"

    def socket(self, node: int) -> pathlib.Path:
        """Of containerd."""
        return self.node(node) / "containerd.sock"

    def cgroup(self, node: int) -> str:
        """The name of the cgroup that holds a node's pods, in each hierarchy."""
        return f"tradewind-{self.number}-{node}"

    def write_control_plane(self) -> None:
        """Write what is one for the whole cluster."""
        for name in ("pki", "kubeconfigs", "logs", "etcd", "registry"):
            (self.state / name).mkdir(mode=0o700, exist_ok=True)
        self._write_certificates()
        tokens = {user: secrets.token_hex(16) for user in _USERS}
        rows = [f'{tokens[user]},{name},{name},"{group}"' for user, (name, group) in _USERS.items()]
        self.pki("tokens.csv").write_text("\n".join(rows) + "\n")
        for user, token in tokens.items():
            self._write_kubeconfig(user, token)
        (self.state / "Corefile").write_text(
            f".:53 {{\n bind {self.network(0).address}\n errors\n"
            f" kubernetes cluster.local in-addr.arpa {{\n  kubeconfig {self.kubeconfig}\n  pods insecure\n }}\n}}\n"
        )
        self._write_registry()

    def write_node(self, node: int) -> None:
        """Write what belongs to one node."""
        home, network = self.node(node), self.network(node)
        for name in ("cni", "kubelet", "containerd", "run", "pod-logs", "volume-plugins"):
            (home / name).mkdir(parents=True, exist_ok=True)
        (home / "stores" / "_default").mkdir(parents=True, exist_ok=True)
        # Every image comes from our store: a pull of one that is not there fails at once, and asks nobody outside.
        address = f"http://127.0.0.1:{REGISTRY_PORT}"
        store = f'server = "{address}"\n[host."{address}"]\n  capabilities = ["pull", "resolve"]\n'
        (home / "stores" / "_default" / "hosts.toml").write_text(store)
        (home / "containerd.toml").write_text(self._containerd(node))
        self._write_json(home / "cni" / "10-bridge.conflist", self._cni(node))
        self._write_json(home / "kubelet.yaml", self._kubelet(node))
        self._write_json(
            home / "proxy.yaml",
            {
                "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
                "kind": "KubeProxyConfiguration",
                "clientConnection": {"kubeconfig": str(self.kubeconfig_of("proxy"))},
                "hostnameOverride": f"node-{node}",
                "bindAddress": network.address,
                "mode": "iptables",
                "detectLocalMode": "BridgeInterface",
                "detectLocal": {"bridgeInterface": "pods0"},
                "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
                # A lower one needs CAP_SYS_RESOURCE, which not every root has.
                "oomScoreAdj": 0,
                "healthzBindAddress": "127.0.0.1:10256",
                "metricsBindAddress": "127.0.0.1:10249",
            },
        )

    def _kubelet(self, node: int) -> dict[str, object]:
        home = self.node(node)
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "containerRuntimeEndpoint": f"unix://{self.socket(node)}",
            "address": self.network(node).address,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self.pki("ca.crt"))},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.cgroup(node)}",
            "clusterDNS": [self.network(0).address],
            "clusterDomain": "cluster.local",
            "enforceNodeAllocatable": [],
            "eventRecordQPS": 0,
            "evictionHard": {},
            "failCgroupV1": False,
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,
            "kubeAPIQPS": 500,
            "kubeAPIBurst": 1000,
            "maxPods": 250,
            "oomScoreAdj": 0,
            "podLogsDir": str(home / "pod-logs"),
            "registryPullQPS": 0,
            "serializeImagePulls": False,
            "volumePluginDir": str(home / "volume-plugins"),
        }

    def _containerd(self, node: int) -> str:
        home = self.node(node)
        return f"""version = 2
root = "{home}/containerd"
state = "{home}/run"
disabled_plugins = ["io.containerd.internal.v1.restart", "io.containerd.snapshotter.v1.devmapper"]
[debug]
  level = "warn"
[grpc]
  address = "{self.socket(node)}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{home}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{cluster_images.reference("pause")}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{home}/stores"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{home}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "{home}/run/runc"
"""

    def _cni(self, node: int) -> dict[str, object]:
        bridge = {
            "type": "bridge",
            "bridge": "pods0",
            "isDefaultGateway": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": self.network(node).pods}]],
                "dataDir": str(self.node(node) / "addresses"),
            },
        }
        return {"cniVersion": "1.0.0", "name": f"pods-{self.number}", "plugins": [bridge]}

    def _write_registry(self) -> None:
        home = self.state / "registry"
        password = secrets.token_hex(8)
        (home / "password").write_text(password)
        command = ["htpasswd", "-Bbn", REGISTRY_USER, password]
        (home / "htpasswd").write_text(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        configuration = {
            "version": 0.1,
            "log": {"level": "warn", "accesslog": {"disabled": True}},
            "storage": {"filesystem": {"rootdirectory": str(home / "data")}, "delete": {"enabled": True}},
            "http": {"addr": f"127.0.0.1:{REGISTRY_PORT}", "secret": secrets.token_hex(8)},
            "auth": {"htpasswd": {"realm": "tests", "path": str(home / "htpasswd")}},
        }
        self._write_json(home / "config.yml", configuration)

    def _write_kubeconfig(self, user: str, token: str) -> None:
        configuration = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "tradewind-tests",
            "contexts": [{"name": "tradewind-tests", "context": {"cluster": "tests", "user": user}}],
            "clusters": [
                {
                    "name": "tests",
                    "cluster": {"server": self.server, "certificate-authority": str(self.pki("ca.crt"))},
                }
            ],
            "users": [{"name": user, "user": {"token": token}}],
        }
        self._write_json(self.kubeconfig_of(user), configuration)

    def _write_certificates(self) -> None:
        authority = _Authority.make()
        self.pki("ca.crt").write_bytes(_certificate_pem(authority.certificate))
        names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
        names.append("kubernetes.default.svc.cluster.local")
        addresses = ["127.0.0.1", _API_SERVICE, self.network(0).address]
        authority.issue(self.pki("server"), "kube-apiserver", names=names, addresses=addresses)
        authority.issue(self.pki("kubelet-client"), "kube-apiserver-kubelet-client", group="system:masters")
        accounts = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.pki("accounts.key").write_bytes(_key_pem(accounts))
        self.pki("accounts.pub").write_bytes(
            accounts.public_key().public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            )
        )

    @staticmethod
    def _write_json(target: pathlib.Path, content: Mapping[str, object]) -> None:
        target.write_text(json.dumps(content, indent=1))


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Authority:
    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls) -> _Authority:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tradewind tests")])
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        certificate = (
            _builder(name, key)
            .issuer_name(name)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(identifier, critical=False)
            .add_extension(_USAGE_OF_AN_AUTHORITY, critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(key=key, certificate=certificate)

    def issue(
        self,
        stem: pathlib.Path,
        common_name: str,
        *,
        group: str = "",
        names: list[str] | None = None,
        addresses: list[str] | None = None,
    ) -> None:
        """Write `stem`.crt and `stem`.key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if group:
            subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
        builder = (
            _builder(x509.Name(subject), key)
            .issuer_name(self.certificate.subject)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
                critical=False,
            )
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names or []]
        alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses or []]
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        stem.with_suffix(".crt").write_bytes(_certificate_pem(builder.sign(self.key, hashes.SHA256())))
        stem.with_suffix(".key").write_bytes(_key_pem(key))


_USAGE_OF_AN_AUTHORITY = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def _builder(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + _DAYS)
    )


def _certificate_pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


__all__ = ["API_PORT", "KWOK_STAGES", "REGISTRY_PORT", "REGISTRY_USER", "SERVICES", "ClusterFiles"]
