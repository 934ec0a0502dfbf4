"""A mail server as a Connection of type `smtp` names it, and addresses as DAG files write them.

The fields are those of Airflow's SMTP provider: `disable_ssl`, `disable_tls`, `from_email`, `timeout`, `ssl_context` in
the extra. Ours are `ca_file`, and that ports 25 and 587 are spoken to in plain with STARTTLS unless `disable_ssl` says
otherwise: nobody listens for TLS there, and the provider's default would fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

_PLAIN_PORTS = (25, 587)
_SEPARATORS = re.compile(r"\s*[,;]\s*")


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    """Where mail is handed in, and how."""

    host: str
    port: int
    ssl: bool
    """TLS from the first byte."""
    starttls: bool
    """Not both."""
    user: str = ""
    password: str = ""
    from_email: str = ""
    timeout_seconds: float = 30
    verify: bool = True
    """The server's certificate is checked."""
    ca_file: str = ""

    def __repr__(self) -> str:
        """Without the password: values come into tracebacks."""
        return f"MailServer({self.where})"

    @property
    def where(self) -> str:
        """For people."""
        how = "TLS" if self.ssl else "STARTTLS" if self.starttls else "in plain"
        return f"{self.host}:{self.port} ({how}{f', as {self.user}' if self.user else ''})"


def of_connection(
    *, host: str | None, port: int | None, login: str | None, password: str | None, extra: Mapping[str, Any]
) -> MailServer:
    """As the Connection's fields say. Raises ValueError with what is wrong."""
    if not host:
        raise ValueError("has no host")
    if extra.get("auth_type", "basic") != "basic":
        raise ValueError(f"asks for auth_type {extra['auth_type']!r}; only `basic`, user and password, is spoken here")
    if extra.get("ssl_context", "default") not in ("default", "none"):
        raise ValueError(f"has the ssl_context {extra['ssl_context']!r}; it is `default` or `none`")
    plain = _is_true(extra["disable_ssl"]) if "disable_ssl" in extra else port in _PLAIN_PORTS
    try:
        timeout = float(extra.get("timeout", 30))
    except (TypeError, ValueError):
        raise ValueError(f"has the timeout {extra['timeout']!r}, which is no number of seconds") from None
    return MailServer(
        host=host,
        port=port or (25 if plain else 465),
        ssl=not plain,
        starttls=plain and not _is_true(extra.get("disable_tls", False)),
        user=login or "",
        password=password or "",
        from_email=str(extra.get("from_email") or ""),
        timeout_seconds=timeout,
        verify=extra.get("ssl_context", "default") != "none",
        ca_file=str(extra.get("ca_file") or ""),
    )


def sender(server: MailServer, host: str) -> str:
    """Who mail is from, sent by the host of that name."""
    return server.from_email or (server.user if "@" in server.user else f"tradewind@{host}")


def addresses(told: str | Iterable[str] | None) -> list[str]:
    """Each address of a text (`,` or `;` between) or of several, once and in order."""
    if told is None:
        return []
    texts = [told] if isinstance(told, str) else list(told)
    found = [one for text in texts for one in _SEPARATORS.split(text.strip()) if one]
    return list(dict.fromkeys(found))


def _is_true(value: Any) -> bool:
    return value.strip().lower() in ("true", "1", "t", "yes") if isinstance(value, str) else bool(value)
