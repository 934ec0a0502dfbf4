"""Runs a credential plugin of a kubeconfig (`exec`: aws, gke-gcloud-auth-plugin, kubelogin) and reads what it gives.

The protocol is client.authentication.k8s.io, v1 and v1beta1. A plugin that fails or hangs is ended and its words are
the error; it never has our standard input, because a server has nobody to type a password.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from tradewind.ports import errors

_LONGEST_WORDS = 1_000


class Credential(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The `status` of an ExecCredential: a token, or a certificate with its key, or both."""

    token: str | None = None
    client_certificate_data: str | None = None
    client_key_data: str | None = None
    expiration_timestamp: datetime | None = None

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"Credential(expiration_timestamp={self.expiration_timestamp})"


class _Answer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    kind: str
    api_version: str
    status: Credential


async def ask(plugin: Mapping[str, Any], *, folder: str, cluster: Mapping[str, Any], seconds: float) -> Credential:
    """Run `plugin` (the `exec` of a user). `folder` is the kubeconfig's, `cluster` what a plugin may be told of it.

    Raises `errors.Unauthorized` with the plugin's words and its `installHint`.
    """
    command, arguments = _command(plugin, folder), [str(one) for one in plugin.get("args") or []]
    if plugin.get("interactiveMode") == "Always":
        _fail(plugin, "it asks for a person at a terminal (interactiveMode: Always)")
    try:
        process = await asyncio.create_subprocess_exec(
            command,
            *arguments,
            env=_environment(plugin, cluster),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError as error:
        _fail(plugin, str(error))
    try:
        async with asyncio.timeout(seconds):
            out, words = await process.communicate()
    except TimeoutError:
        _fail(plugin, f"no answer in {seconds:g} s")
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    if process.returncode != 0:
        _fail(plugin, f"exit code {process.returncode}: {' '.join(words.decode(errors='replace').split())}")
    return _read(plugin, out)


def _read(plugin: Mapping[str, Any], out: bytes) -> Credential:
    try:
        answer = msgspec.json.decode(out, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        _fail(plugin, f"its answer is no ExecCredential: {error}")
    if answer.kind != "ExecCredential" or answer.api_version != plugin.get("apiVersion"):
        _fail(plugin, f"it answered with {answer.kind} of {answer.api_version}, not of {plugin.get('apiVersion')}")
    found = answer.status
    if not found.token and not (found.client_certificate_data and found.client_key_data):
        _fail(plugin, "it gave neither a token nor a certificate with its key")
    return found


def _command(plugin: Mapping[str, Any], folder: str) -> str:
    """A name is looked up in PATH; a path is relative to the kubeconfig."""
    command = str(plugin.get("command") or "")
    return str(Path(folder) / command) if "/" in command else command


def _environment(plugin: Mapping[str, Any], cluster: Mapping[str, Any]) -> dict[str, str]:
    spec: dict[str, Any] = {"interactive": False}
    if plugin.get("provideClusterInfo"):
        spec["cluster"] = dict(cluster)
    told = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": spec}
    more = {str(one["name"]): str(one["value"]) for one in plugin.get("env") or []}
    return {**os.environ, **more, "KUBERNETES_EXEC_INFO": json.dumps(told)}


def _fail(plugin: Mapping[str, Any], why: str) -> NoReturn:
    line = " ".join([str(plugin.get("command")), *[str(one) for one in plugin.get("args") or []]])
    raise errors.Unauthorized(
        f"the credential plugin {plugin.get('command')!r} failed: {why[:_LONGEST_WORDS]}",
        code="plugin-failed",
        hint=plugin.get("installHint") or f"run it by hand: {line}",
    )
