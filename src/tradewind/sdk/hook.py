"""`BaseHook`: what hooks of providers and of users are built on."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import Any

from tradewind.sdk.connection import Connection


class LoggingMixin:
    """A logger named after the class."""

    @cached_property
    def log(self) -> logging.Logger:
        """The logger."""
        return logging.getLogger(f"{type(self).__module__}.{type(self).__qualname__}")

    @property
    def logger(self) -> logging.Logger:
        """The same."""
        return self.log


class BaseHook(LoggingMixin):
    """Asks for connections by id."""

    def __init__(self, logger_name: str | None = None) -> None:
        super().__init__()
        self._logger_name = logger_name

    @classmethod
    def get_connection(cls, conn_id: str) -> Connection:
        """The connection of this id. Raises AirflowNotFoundException."""
        return Connection.get(conn_id)

    @classmethod
    async def aget_connection(cls, conn_id: str) -> Connection:
        """As `get_connection`."""
        return Connection.get(conn_id)

    @classmethod
    def get_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> Any:
        """The hook of the connection's type, made for it. Raises AirflowException where no package has one."""
        return cls.get_connection(conn_id).get_hook(hook_params=hook_params)

    @classmethod
    async def aget_hook(cls, conn_id: str, hook_params: dict[str, Any] | None = None) -> Any:
        """As `get_hook`."""
        return cls.get_hook(conn_id, hook_params)

    def get_conn(self) -> Any:
        """The client of the outside system."""
        raise NotImplementedError

    @classmethod
    def get_connection_form_widgets(cls) -> dict[str, Any]:
        """Nothing to show."""
        return {}

    @classmethod
    def get_ui_field_behaviour(cls) -> dict[str, Any]:
        """Nothing to show."""
        return {}
