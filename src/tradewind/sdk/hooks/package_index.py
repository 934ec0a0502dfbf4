"""`PackageIndexHook`: an index of Python packages as a connection of type `package_index`."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from tradewind.sdk import errors
from tradewind.sdk.hook import BaseHook


class PackageIndexHook(BaseHook):
    """The connection's host is the index's whole address; user and password are put into it."""

    conn_name_attr = "pi_conn_id"
    default_conn_name = "package_index_default"
    conn_type = "package_index"
    hook_name = "Package Index (Python)"

    def __init__(self, pi_conn_id: str = default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pi_conn_id = pi_conn_id
        self.conn = None

    def get_conn(self) -> str:
        """As `get_connection_url`."""
        return self.get_connection_url()

    def get_connection_url(self) -> str:
        """The index's address with user and password. Raises AirflowException where the host is none."""
        found = self.get_connection(self.pi_conn_id)
        parts = urlsplit(found.host or "")
        if not parts.scheme or not parts.netloc:
            said = f"connection {self.pi_conn_id!r} holds no address of a package index: its host is {found.host!r}"
            raise errors.AirflowException(said)
        if found.login:
            user = quote(found.login, safe="") + (f":{quote(found.password, safe='')}" if found.password else "")
            parts = parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}")
        return urlunsplit(parts)
