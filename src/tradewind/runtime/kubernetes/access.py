"""Where a cluster is, and who we are there: read from a kubeconfig or from the pod we run in.

An `Access` is one reading; it is read anew when the server refuses it or it is about to end, so a rotated token, a
rotated certificate or a plugin's next answer is taken up without a restart. Private keys that a kubeconfig holds
inline are on the disk only while they are read, in a directory of our own.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import tempfile
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Protocol

from tradewind.ports import errors

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
_OF_A_WRONG_SHAPE = (ValueError, KeyError, TypeError, AttributeError)
"""What the official loader raises for a file that is YAML but no kubeconfig."""
_PLUGIN_SECONDS = 60.0
"""A plugin that waits for a person's login in a browser gets this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One reading. `token_file`, where set, is the credential instead of `authorization` and may change any time."""

    server: str
    """URL without a slash at its end."""
    authorization: str | None = field(default=None, repr=False)
    """The value of the header."""
    token_file: Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    tls_server_name: str | None = None
    proxy: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None
    namespace: str = "default"
    """What the kubeconfig's context or the pod says; the namespace of pods that name none."""
    told: str = ""
    """Where this was read, for people: "context kind-a of /home/ann/.kube/config"."""


class AccessSource(Protocol):
    """Reads an Access as often as it is asked."""

    async def read(self) -> Access:
        """Raises `errors.Unauthorized` or `errors.Rejected` with what is wrong in the configuration."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """An `AccessSource` whose Access is known, e.g. of a proxy on loopback (`kubectl proxy`)."""

    access: Access

    async def read(self) -> Access:
        return self.access


@dataclass(frozen=True, slots=True, kw_only=True)
class InCluster:
    """The service account of the pod we run in."""

    environ: Mapping[str, str]
    directory: Path = SERVICE_ACCOUNT

    async def read(self) -> Access:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Access:
        from kubernetes.aio.client import Configuration
        from kubernetes.aio.config.config_exception import ConfigException
        from kubernetes.aio.config.incluster_config import InClusterConfigLoader

        token, authority = self.directory / "token", self.directory / "ca.crt"
        configuration = Configuration()
        try:
            InClusterConfigLoader(
                token_filename=str(token), cert_filename=str(authority), try_refresh_token=False, environ=self.environ
            ).load_and_set(configuration)
        except ConfigException as error:
            raise errors.Rejected(
                str(error), object=str(self.directory), code="no-service-account",
                hint="is automountServiceAccountToken off for this pod?",
            ) from error  # fmt: skip
        namespace = self.directory / "namespace"
        return Access(
            server=configuration.host,
            token_file=token,
            tls=_tls(authority=authority),
            proxy=proxy_for(configuration.host, self.environ),
            namespace=namespace.read_text().strip() if namespace.is_file() else "default",
            told="the service account of this pod",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubeconfig:
    """A context of a kubeconfig. `paths` is one path or several with `:` between, as in KUBECONFIG."""

    paths: str
    context: str | None = None
    environ: Mapping[str, str]

    async def read(self) -> Access:
        import yaml
        from kubernetes.aio.config.config_exception import ConfigException

        with tempfile.TemporaryDirectory(prefix="tradewind-") as folder:
            try:
                return await self._read(Path(folder))
            except (ConfigException, yaml.YAMLError, OSError, *_OF_A_WRONG_SHAPE) as error:
                raise errors.Rejected(
                    f"cannot be used: {' '.join(str(error).split())}",
                    object=self._named,
                    code="bad-kubeconfig",
                    hint="kubectl config view",
                ) from error

    @property
    def _named(self) -> str:
        return f"kubeconfig {self.paths}" + (f", context {self.context}" if self.context else "")

    async def _read(self, folder: Path) -> Access:
        from tradewind.runtime.kubernetes import kubeconfig

        loaded = await kubeconfig.load(self.paths, self.context, folder, plugin_seconds=_PLUGIN_SECONDS)
        configuration = loaded.configuration
        tls = None
        if configuration.host.startswith("https"):
            tls = await asyncio.to_thread(
                _tls,
                authority=configuration.ssl_ca_cert,
                certificate=configuration.cert_file,
                key=configuration.key_file,
                verify=configuration.verify_ssl,
            )
        return Access(
            server=configuration.host,
            authorization=configuration.api_key.get("BearerToken"),
            token_file=loaded.token_file,
            headers=loaded.impersonation,
            tls=tls,
            tls_server_name=configuration.tls_server_name,
            proxy=_usable(configuration.proxy) or proxy_for(configuration.host, self.environ),
            expires_at=loaded.expires_at,
            namespace=loaded.namespace,
            told=f"context {loaded.context} of {self.paths}",
        )


def discover(paths: str, context: str | None, environ: Mapping[str, str]) -> AccessSource:
    """The source that the settings and the environment mean.

    In order: `paths`; `KUBECONFIG`; `~/.kube/config` where a context is asked for or the file is there; the pod we run
    in. Raises `errors.Rejected` when there is none.
    """
    home = Path(environ.get("HOME", "~")).expanduser() / ".kube" / "config"
    if (named := paths or environ.get("KUBECONFIG", "")) or context:
        return Kubeconfig(paths=named or str(home), context=context, environ=environ)
    if is_pod(environ):
        return InCluster(environ=environ)
    if home.is_file():
        return Kubeconfig(paths=str(home), environ=environ)
    raise errors.Rejected(
        f"no cluster is known: KUBECONFIG is not set, {home} is not there, and this is no pod with a service account",
        code="no-cluster",
        hint="name a kubeconfig in the environment variable KUBECONFIG",
    )


def is_pod(environ: Mapping[str, str]) -> bool:
    """Whether we run in a pod that has a service account."""
    return bool(environ.get("KUBERNETES_SERVICE_HOST")) and (SERVICE_ACCOUNT / "token").is_file()


def proxy_for(server: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that HTTPS_PROXY and NO_PROXY mean for a server; NO_PROXY may name networks, as Go reads it."""
    url = urllib.parse.urlsplit(server)
    host = url.hostname or ""
    proxies = {
        name[: -len("_proxy")].lower(): value
        for name, value in sorted(environ.items())  # lower case names come last and win, as in curl and Go
        if name.lower().endswith("_proxy") and value
    }
    proxy = proxies.get(url.scheme)
    if proxy is None or host == "localhost" or _bypasses("127.0.0.0/8", host, 0) or host == "::1":
        return None
    if any(_bypasses(part.strip(), host, url.port or 443) for part in proxies.get("no", "").split(",")):
        return None
    return _usable(proxy)


def _bypasses(part: str, host: str, port: int) -> bool:
    """Whether one part of NO_PROXY means the host: `*`, a name and all below it, an address, a network, with a port."""
    with contextlib.suppress(ValueError):
        return ip_address(host) in ip_network(part, strict=False)
    name, colon, its_port = part.rpartition(":")
    if colon and its_port.isdigit():
        return int(its_port) == port and _bypasses(name.strip("[]"), host, port)
    bare = part.lower().lstrip("*").lstrip(".")
    return part == "*" or (bool(bare) and (host == bare or host.endswith(f".{bare}")))


def _usable(proxy: str | None) -> str | None:
    if not proxy:
        return None
    url = proxy if "://" in proxy else f"http://{proxy}"
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise errors.Rejected(
            f"a proxy of kind {urllib.parse.urlsplit(url).scheme} is not supported",
            code="bad-proxy", hint="use an HTTP proxy (CONNECT), or a tunnel that listens on loopback",
        )  # fmt: skip
    return url


def trust_anybody(context: ssl.SSLContext) -> None:
    """Look at no certificate of the server's."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE


def _tls(
    *, authority: str | Path | None, certificate: str | None = None, key: str | None = None, verify: bool = True
) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority)
    # Python 3.13 asks certificates for extensions that the CAs of many clusters leave out; Go, and so kubectl, doesn't.
    context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
    if certificate:
        context.load_cert_chain(certificate, keyfile=key)
    if not verify:
        trust_anybody(context)
    return context


__all__ = [
    "Access",
    "AccessSource",
    "Fixed",
    "InCluster",
    "Kubeconfig",
    "discover",
    "is_pod",
    "proxy_for",
    "trust_anybody",
]
