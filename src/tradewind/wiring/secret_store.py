"""Where Variables and Connections of a home are kept and looked for, and the keys that seal them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tradewind import settings as settings_tree
from tradewind.ports import store as store_port
from tradewind.ports import vault as vault_port
from tradewind.vault import backends, keys
from tradewind.vault import connections as vault_connections
from tradewind.vault import files as vault_files
from tradewind.vault import vault as vaults
from tradewind.wiring import homes, post


def open_vault(
    home: homes.Home, store: store_port.Store, settings: settings_tree.Settings, environment: Mapping[str, str]
) -> vaults.StoreVault:
    """The back ends of the settings, in their order, then the encrypted rows."""
    secrets = settings.secrets
    known: dict[str, vault_port.SecretBackend] = {
        "environment": backends.EnvironmentBackend(environment),
        "files": backends.FileBackend(Path(secrets.files) if secrets.files else home.path),
    }
    if secrets.directory:
        known["directory"] = backends.DirectoryBackend(Path(secrets.directory))
    return vaults.StoreVault(
        backends=[known[name] for name in secrets.backends if name in known],
        rows=store.vault,
        key=keys.KeyFile(home.key),
        of_settings=lambda conn_id: post.find_connection(settings.mail, conn_id),
    )


def find_key(home: homes.Home) -> keys.KeyFile:
    """The files of the home's encryption keys."""
    return keys.KeyFile(home.key)


Vault = vaults.StoreVault


secret_connections = vault_connections


secret_files = vault_files
