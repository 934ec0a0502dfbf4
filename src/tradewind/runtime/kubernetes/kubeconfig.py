"""Reads a kubeconfig's context through the official loader, and says what that one keeps to itself.

The official loader logs a failing plugin and goes on without a credential, leaves private keys in the temporary
directory, reads a `tokenFile` once and ignores impersonation; here a plugin's failure is an error with its words, keys
lie in the caller's directory, the token's file is told, and impersonation becomes headers.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import kube_config
from kubernetes.aio.config.config_exception import ConfigException

from tradewind.ports import errors
from tradewind.runtime.kubernetes import plugin

_TOLD_TO_PLUGINS = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A context with its credentials. Files that `configuration` names may lie in the caller's directory."""

    configuration: Configuration
    context: str
    namespace: str
    token_file: Path | None
    impersonation: dict[str, str]
    expires_at: datetime | None


async def load(paths: str, context: str | None, folder: Path, *, plugin_seconds: float) -> Loaded:
    """Read it.

    Raises `errors.Unauthorized` (the plugin failed), `errors.Rejected` (no such context), `ConfigException`, `OSError`,
    `ValueError`.
    """
    merger = await asyncio.to_thread(kube_config.KubeConfigMerger, paths)
    if merger.config is None:
        raise ConfigException("there is no such file")
    _check_context(merger, paths, context)
    loader = _Loader(merger, context, folder, plugin_seconds)
    configuration = Configuration()
    await loader.load_and_set(configuration)
    return Loaded(
        configuration=configuration,
        context=loader.current_context["name"],
        namespace=loader.current_context["context"].get("namespace") or "default",
        token_file=loader.token_path,
        impersonation=loader.impersonation,
        expires_at=loader.expires_at,
    )


def _check_context(merger: kube_config.KubeConfigMerger, paths: str, context: str | None) -> None:
    """The official loader says that a name is not there, not which are."""
    contexts = merger.config.value.get("contexts") or []
    names = [str(one["name"]) for one in contexts if isinstance(one, kube_config.ConfigNode)]
    if context is not None and context not in names:
        raise errors.Rejected(
            f"has no context {context!r}",
            object=f"kubeconfig {paths}",
            code="no-such-context",
            hint=f"there are: {', '.join(names) or 'none'}",
        )


class _Loader(kube_config.KubeConfigLoader):
    """The official one, with the seams named above closed."""

    _user: Any
    _cluster: Any

    def __init__(
        self, merger: kube_config.KubeConfigMerger, context: str | None, folder: Path, plugin_seconds: float
    ) -> None:
        # An OIDC provider may give a refresh token only once: the new one is written back, as kubectl does.
        super().__init__(
            merger.config, active_context=context, config_base_path=None,
            config_persister=lambda _config: merger.save_changes(),
        )  # fmt: skip
        self._folder = folder
        self._plugin_seconds = plugin_seconds
        self.expires_at: datetime | None = None
        self._cluster = self._with_files(self._cluster, "certificate-authority")
        if self._user is not None:
            self._user = self._with_files(self._user, "client-certificate", "client-key")

    @property
    def token_path(self) -> Path | None:
        """The file of a token that may be rotated; `token` beside it wins, as in the official loader."""
        if self._user is None or "token" in self._user or "tokenFile" not in self._user or self._has_provider:
            return None
        return Path(str(self._get_base_path(self._user.path))) / str(self._user["tokenFile"])

    @property
    def impersonation(self) -> dict[str, str]:
        """The headers of `as`, `as-uid` and `as-groups`."""
        user = self._user.value if self._user is not None else {}
        headers = {"Impersonate-User": user.get("as"), "Impersonate-Uid": user.get("as-uid")}
        found = {name: str(value) for name, value in headers.items() if value}
        groups = user.get("as-groups") or []
        if len(groups) > 1 or user.get("as-user-extra"):
            raise ConfigException("as-groups with several groups and as-user-extra are not supported")
        return {**found, **({"Impersonate-Group": str(groups[0])} if groups else {})}

    @property
    def _has_provider(self) -> bool:
        return "exec" in self._user or "auth-provider" in self._user

    async def load_from_exec_plugin(self) -> bool:
        """Run the plugin. The official method would log what went wrong and go on without a credential."""
        user, cluster = self._user, self._cluster
        told = {key: cluster.safe_get(key) for key in _TOLD_TO_PLUGINS if cluster.safe_get(key) is not None}
        given = await plugin.ask(
            user["exec"].value, folder=self._get_base_path(user.path), cluster=told, seconds=self._plugin_seconds
        )
        if given.token:
            self.token = f"Bearer {given.token}"
        if given.client_certificate_data and given.client_key_data:
            self.cert_file = self._written("plugin.crt", given.client_certificate_data.encode())
            self.key_file = self._written("plugin.key", given.client_key_data.encode())
        self.expires_at = given.expiration_timestamp
        return True

    def _with_files(self, node: kube_config.ConfigNode, *keys: str) -> kube_config.ConfigNode:
        """A copy whose inline data lies in files of our directory: the official loader would leave them behind."""
        inline = [key for key in keys if node.safe_get(f"{key}-data")]
        if not inline:
            return node
        value = dict(node.value)
        for key in inline:
            try:
                data = base64.standard_b64decode(value.pop(f"{key}-data"))
            except binascii.Error as error:
                raise ConfigException(f"{key}-data of {node.name} is no base64") from error
            value[key] = self._written(key, data)
        return kube_config.ConfigNode(node.name, value, node.path)

    def _written(self, name: str, data: bytes) -> str:
        file = self._folder / name
        file.touch(mode=0o600)
        file.write_bytes(data)
        return str(file)
