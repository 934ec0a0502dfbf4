"""Kubeconfigs, plugins, service accounts and proxies."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.unit.runtime_kubernetes import api_server
from tradewind.ports import errors
from tradewind.runtime.kubernetes.access import Access, InCluster, Kubeconfig, discover, proxy_for
from tradewind.runtime.kubernetes.client import ClusterClient

Write = Callable[..., Path]


def certificate(host: str = "test") -> tuple[bytes, bytes]:
    """A self-signed one and its key, PEM, for a server of this name and for a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return built.public_bytes(pem), private


def encoded(data: bytes) -> str:
    return base64.standard_b64encode(data).decode()


def kubeconfig(
    folder: Path, user: dict[str, Any], cluster: dict[str, Any] | None = None, context: dict[str, Any] | None = None
) -> Path:
    """A file with the contexts `here` (current) and `there`."""
    file = folder / "config"
    clusters = [
        {"name": "one", "cluster": {"server": "http://127.0.0.1:1/", **(cluster or {})}},
        {"name": "two", "cluster": {"server": "http://127.0.0.1:2"}},
    ]
    told = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "clusters": clusters,
        "contexts": [
            {"name": "here", "context": {"cluster": "one", "user": "me", **(context or {})}},
            {"name": "there", "context": {"cluster": "two", "user": "me", "namespace": "b"}},
        ],
        "users": [{"name": "me", "user": user}],
    }
    file.write_text(yaml.safe_dump(told))
    return file


def read(file: Path, context: str | None = None, **environ: str) -> Access:
    return asyncio.run(Kubeconfig(paths=str(file), context=context, environ=environ).read())


def plugin(folder: Path, script: str, **more: Any) -> dict[str, Any]:
    """A user whose credential comes from this shell script, beside the kubeconfig."""
    file = folder / "plugin.sh"
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "./plugin.sh", **more}}


ANSWER = '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":%s}'


def test_a_context_tells_server_token_and_namespace(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, {"token": "secret"})
    here, there = read(file), read(file, "there")
    assert (here.server, here.authorization, here.namespace) == ("http://127.0.0.1:1", "Bearer secret", "default")
    assert (there.server, there.namespace) == ("http://127.0.0.1:2", "b")
    assert "context there" in there.told
    assert "secret" not in repr(here)


def test_an_unknown_context_or_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(errors.Rejected, match="nowhere"):
        read(kubeconfig(tmp_path, {}), "nowhere")
    with pytest.raises(errors.Rejected, match="no such file"):
        read(tmp_path / "missing")


def test_a_file_that_is_no_kubeconfig_is_an_error_of_ours(tmp_path: Path) -> None:
    for text in ("[1", "just text", "[]", "clusters: 5"):
        (tmp_path / "bad").write_text(text)
        with pytest.raises(errors.Rejected) as caught:
            read(tmp_path / "bad")
        assert caught.value.code == "bad-kubeconfig"


def test_a_token_file_is_told_not_read_once(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    access = read(kubeconfig(tmp_path, {"tokenFile": "token"}))
    assert access.token_file == tmp_path / "token"


def test_inline_certificates_are_used_and_not_left_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    cert, key = certificate()
    user = {"client-certificate-data": encoded(cert), "client-key-data": encoded(key)}
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": encoded(cert), "tls-server-name": "test"}
    file = kubeconfig(tmp_path, user, cluster)
    for _ in range(2):
        access = read(file)
        assert access.tls is not None
        assert len(access.tls.get_ca_certs()) == 1
        assert access.tls_server_name == "test"
        assert list(scratch.iterdir()) == []


def tls_server(folder: Path, cert: bytes, key: bytes) -> ssl.SSLContext:
    """Of a server that lets in who has this same certificate."""
    (folder / "server.crt").write_bytes(cert)
    (folder / "server.key").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "server.crt"))
    context.load_cert_chain(folder / "server.crt", folder / "server.key")
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def ask_over_tls(folder: Path, **cluster: Any) -> str:
    """Ask a server called "cluster" at an address, with client certificate; the code of what came of it."""
    cert, key = certificate("cluster")
    server = api_server.ApiServer(lambda request: api_server.Answer(body=b"ok"), tls_server(folder, cert, key))
    async with server.serving():
        user = {"client-certificate-data": encoded(cert), "client-key-data": encoded(key)}
        told = {"server": f"https://127.0.0.1:{server.port}", "certificate-authority-data": encoded(cert), **cluster}
        source = Kubeconfig(paths=str(kubeconfig(folder, user, told)), environ={})
        async with ClusterClient(source, clock=api_server.LeapingClock()) as client:
            try:
                return (await client.request("GET", "/version")).decode()
            except errors.TradewindError as error:
                return error.code


def test_a_cluster_is_asked_over_tls_with_our_certificate_and_its_name(tmp_path: Path) -> None:
    assert asyncio.run(ask_over_tls(tmp_path, **{"tls-server-name": "cluster"})) == "ok"


def test_a_stream_that_is_left_over_tls_is_closed_before_the_client_is(tmp_path: Path) -> None:
    """A server that hangs never answers TLS's farewell."""
    cert, key = certificate("127.0.0.1")
    listening, hangs = threading.Event(), threading.Event()
    ports: list[int] = []

    async def serve() -> None:
        server = api_server.ApiServer(lambda request: api_server.watched(b"{}"), tls_server(tmp_path, cert, key))
        async with server.serving():
            ports.append(server.port)
            listening.set()
            while not server.requests:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.05)  # the first chunk goes out
            hangs.wait()  # nothing of this loop goes on

    async def leave() -> None:
        user = {"client-certificate-data": encoded(cert), "client-key-data": encoded(key)}
        cluster = {"server": f"https://127.0.0.1:{ports[0]}", "insecure-skip-tls-verify": True}
        source = Kubeconfig(paths=str(kubeconfig(tmp_path, user, cluster)), environ={})
        async with (
            ClusterClient(source, clock=api_server.LeapingClock()) as client,
            client.stream("/api/v1/pods", idle_seconds=30) as chunks,
        ):
            assert await anext(chunks) == b"{}"
        left = [one for one in psutil.Process().net_connections("tcp") if one.raddr[1:] == (ports[0],)]
        assert left == []

    serving = threading.Thread(target=asyncio.run, args=(serve(),))
    serving.start()
    try:
        listening.wait()
        asyncio.run(leave())
    finally:
        hangs.set()
        serving.join()


def test_a_server_of_another_name_or_authority_is_not_spoken_to(tmp_path: Path) -> None:
    other = encoded(certificate("cluster")[0])
    assert asyncio.run(ask_over_tls(tmp_path)) == "untrusted-certificate"
    named = {"tls-server-name": "cluster", "certificate-authority-data": other}
    assert asyncio.run(ask_over_tls(tmp_path, **named)) == "untrusted-certificate"


def test_a_kubeconfig_may_ask_not_to_look_at_the_servers_certificate(tmp_path: Path) -> None:
    cluster = {"certificate-authority-data": "", "insecure-skip-tls-verify": True}
    assert asyncio.run(ask_over_tls(tmp_path, **cluster)) == "ok"


def test_a_broken_certificate_is_an_error_of_ours(tmp_path: Path) -> None:
    cluster = {"server": "https://127.0.0.1:1", "certificate-authority-data": encoded(b"nonsense")}
    with pytest.raises(errors.Rejected, match="cannot be used"):
        read(kubeconfig(tmp_path, {}, cluster))


def test_a_plugin_gives_a_token_and_its_end(tmp_path: Path) -> None:
    answer = ANSWER % '{"token":"given","expirationTimestamp":"2026-01-01T00:00:00Z"}'
    access = read(kubeconfig(tmp_path, plugin(tmp_path, f"echo '{answer}'")))
    assert access.authorization == "Bearer given"
    assert access.expires_at == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_plugin_gives_a_certificate(tmp_path: Path) -> None:
    cert, key = (part.decode().replace("\n", "\\n") for part in certificate())
    (tmp_path / "answer").write_text(ANSWER % f'{{"clientCertificateData":"{cert}","clientKeyData":"{key}"}}')
    user = plugin(tmp_path, f"cat {tmp_path}/answer")
    access = read(kubeconfig(tmp_path, user, {"server": "https://127.0.0.1:1"}))
    assert access.tls is not None
    assert access.authorization is None


def test_a_plugin_is_told_of_the_cluster_when_it_asks(tmp_path: Path) -> None:
    answer = ANSWER % '{"token":"given"}'
    script = f"echo \"$KUBERNETES_EXEC_INFO $EXTRA\" > {tmp_path}/told\necho '{answer}'"
    user = plugin(tmp_path, script, provideClusterInfo=True, env=[{"name": "EXTRA", "value": "more"}])
    read(kubeconfig(tmp_path, user))
    told = (tmp_path / "told").read_text()
    assert '"server": "http://127.0.0.1:1/"' in told
    assert told.endswith("more\n")


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'log in first' >&2; exit 3", "exit code 3: log in first"),
        ("echo nonsense", "no ExecCredential"),
        (f"echo '{ANSWER % '{}'}'", "neither a token nor a certificate"),
        ('echo \'{"kind":"ExecCredential","apiVersion":"v0","status":{}}\'', "of v0"),
    ],
)
def test_a_plugin_that_fails_is_an_error_with_its_words(tmp_path: Path, script: str, why: str) -> None:
    with pytest.raises(errors.Unauthorized, match=why) as caught:
        read(kubeconfig(tmp_path, plugin(tmp_path, script, installHint="install it")))
    assert (caught.value.code, caught.value.hint) == ("plugin-failed", "install it")


def test_a_plugin_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plugin", "args": ["login"]}}
    with pytest.raises(errors.Unauthorized, match="no-such-plugin") as caught:
        read(kubeconfig(tmp_path, user))
    assert caught.value.hint == "run it by hand: no-such-plugin login"


def test_a_plugin_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tradewind.runtime.kubernetes.access._PLUGIN_SECONDS", 0.2)
    user = plugin(tmp_path, f"echo $$ > {tmp_path}/pid\nexec sleep 600")
    with pytest.raises(errors.Unauthorized, match=r"no answer in 0\.2 s"):
        read(kubeconfig(tmp_path, user))
    if (tmp_path / "pid").exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)


def test_impersonation_becomes_headers(tmp_path: Path) -> None:
    access = read(kubeconfig(tmp_path, {"token": "t", "as": "ann", "as-groups": ["team"]}))
    assert access.headers == {"Impersonate-User": "ann", "Impersonate-Group": "team"}
    with pytest.raises(errors.Rejected, match="as-groups"):
        read(kubeconfig(tmp_path, {"as": "ann", "as-groups": ["a", "b"]}))


def test_several_files_are_one_kubeconfig(tmp_path: Path) -> None:
    first = kubeconfig(tmp_path, {"token": "t"})
    second = tmp_path / "second"
    second.write_text(yaml.safe_dump({"contexts": [{"name": "third", "context": {"cluster": "two", "user": "me"}}]}))
    access = asyncio.run(Kubeconfig(paths=f"{first}:{second}", context="third", environ={}).read())
    assert access.server == "http://127.0.0.1:2"


def test_the_service_account_of_a_pod_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    (tmp_path / "ca.crt").write_bytes(certificate()[0])
    (tmp_path / "namespace").write_text("team-a\n")
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    access = asyncio.run(InCluster(environ=environ, directory=tmp_path).read())
    assert (access.server, access.namespace) == ("https://10.0.0.1:443", "team-a")
    assert access.token_file == tmp_path / "token"
    assert access.authorization is None


def test_a_pod_without_a_service_account_is_an_error_with_a_hint(tmp_path: Path) -> None:
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(errors.Rejected) as caught:
        asyncio.run(InCluster(environ=environ, directory=tmp_path).read())
    assert caught.value.code == "no-service-account"


def test_where_a_cluster_is_found(tmp_path: Path) -> None:
    file = tmp_path / ".kube" / "config"
    home = {"HOME": str(tmp_path)}
    with pytest.raises(errors.Rejected) as caught:
        discover("", None, home)
    assert caught.value.code == "no-cluster"
    file.parent.mkdir()
    file.touch()
    assert discover("", None, home) == Kubeconfig(paths=str(file), environ=home)
    assert discover("", "here", home) == Kubeconfig(paths=str(file), context="here", environ=home)
    named = {**home, "KUBECONFIG": "/x:/y"}
    assert discover("", None, named) == Kubeconfig(paths="/x:/y", environ=named)
    assert discover("/z", None, named) == Kubeconfig(paths="/z", environ=named)


@pytest.mark.parametrize(
    ("server", "no_proxy", "proxied"),
    [
        ("https://cluster.example:6443", "", True),
        ("https://cluster.example:6443", "cluster.example", False),
        ("https://cluster.example:6443", ".example", False),
        ("https://cluster.example:6443", "example", False),
        ("https://cluster.example:6443", "ample", True),
        ("https://cluster.example:6443", "cluster.example:443", True),
        ("https://cluster.example:6443", "cluster.example:6443", False),
        ("https://cluster.example:6443", "other, *", False),
        ("https://10.96.0.1", "10.0.0.0/8", False),
        ("https://10.96.0.1", "10.96.0.1", False),
        ("https://10.96.0.1", "192.168.0.0/16", True),
        ("https://127.0.0.1:6443", "", False),
        ("https://localhost:6443", "", False),
        ("https://[::1]:6443", "", False),
        ("https://[fd00::1]:6443", "fd00::/8", False),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(server: str, no_proxy: str, proxied: bool) -> None:
    environ = {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": no_proxy}
    assert proxy_for(server, environ) == ("http://proxy:3128" if proxied else None)


def test_the_proxy_of_a_kubeconfig_wins_and_a_socks_one_is_refused(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, {}, {"server": "https://cluster.example", "proxy-url": "http://ours:1"})
    assert read(file, HTTPS_PROXY="http://theirs:2").proxy == "http://ours:1"
    file = kubeconfig(tmp_path, {}, {"server": "https://cluster.example", "proxy-url": "socks5://ours:1"})
    with pytest.raises(errors.Rejected, match="socks5"):
        read(file)
