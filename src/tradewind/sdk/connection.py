"""`Connection`: where an outside system is and how to log in, as user code reads it."""

from __future__ import annotations

import json
from typing import Any

from tradewind.model import connection_text
from tradewind.sdk import errors, provider_packages, supervision


def parse(conn_id: str, text: str) -> dict[str, Any]:
    """Fields of a Connection from a URI or JSON. Raises DagProblem, which never shows the text."""
    try:
        return {"conn_id": conn_id, **connection_text.parse(text)}
    except connection_text.BadConnection as error:
        about = f"connection {conn_id!r}"
        raise errors.ValueProblem.of("bad-connection", about, str(error), connection_text.HINT) from None


class Connection:
    """One connection; `Connection.get(id)` asks for it."""

    def __init__(
        self,
        conn_id: str | None = None,
        conn_type: str | None = None,
        description: str | None = None,
        host: str | None = None,
        login: str | None = None,
        password: str | None = None,
        schema: str | None = None,
        port: int | str | None = None,
        extra: Any = None,
        uri: str | None = None,
        team_name: str | None = None,
        **_: Any,
    ) -> None:
        if uri is not None:
            if conn_type or host or login or password or schema or port:
                raise errors.AirflowException(
                    "a Connection is given as uri= or by its parts (conn_type, host, login, …), not both"
                )
            found = parse(conn_id or "", uri)
            conn_type, host, login = found["conn_type"], found["host"], found["login"]
            password, schema, port = found["password"], found["schema"], found["port"]
            extra = found["extra"] if extra is None else extra
        self.conn_id = conn_id
        self.conn_type = conn_type
        self.description = description
        self.host = host
        self.login = login
        self.password = password
        self.schema = schema
        self.port = int(port) if port not in (None, "") else None
        self.extra: str | None = json.dumps(extra) if isinstance(extra, (dict, list)) else extra
        self.team_name = team_name

    @classmethod
    def get(cls, conn_id: str) -> Connection:
        """The connection of this id. Raises AirflowNotFoundException."""
        found = supervision.current().get_connection(conn_id)
        if found is None:
            raise ConnectionNotFound(conn_id)
        known = {name: value for name, value in found.items() if name != "conn_id"}
        return cls(conn_id=conn_id, **known)

    get_connection_from_secrets = get

    @classmethod
    def from_json(cls, value: str, conn_id: str | None = None) -> Connection:
        """From the JSON form."""
        return cls(**parse(conn_id or "", value))

    @classmethod
    def from_uri(cls, uri: str, conn_id: str | None = None) -> Connection:
        """From the URI form."""
        return cls(conn_id=conn_id, uri=uri)

    @property
    def extra_dejson(self) -> dict[str, Any]:
        """`extra` as a dict; empty where it is none."""
        try:
            found = json.loads(self.extra) if self.extra else {}
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def get_extra_dejson(self, nested: bool = False) -> dict[str, Any]:
        """`extra` as a dict, values that are JSON texts read too with `nested`."""
        found = dict(self.extra_dejson)
        if nested:
            for key, value in found.items():
                if isinstance(value, str):
                    try:
                        found[key] = json.loads(value)
                    except ValueError:
                        continue
        return found

    def get_password(self) -> str | None:
        """The password."""
        return self.password

    def get_extra(self) -> str | None:
        """`extra` as text."""
        return self.extra

    def get_uri(self) -> str:
        """The URI form."""
        return connection_text.uri(vars(self))

    def as_json(self) -> str:
        """The JSON form."""
        return connection_text.as_json(vars(self))

    def get_hook(self, *, hook_params: dict[str, Any] | None = None) -> Any:
        """The hook of this type of connection, made for it. Raises AirflowException where no package has one."""
        kind = provider_packages.hook_class(self.conn_type or "")
        if kind is None:
            raise errors.AirflowException(
                f'Unknown hook type "{self.conn_type}"\n'
                "hint: install the provider package that has this type of connection where the file is loaded"
            )
        return kind(**{kind.conn_name_attr: self.conn_id}, **(hook_params or {}))

    def __repr__(self) -> str:
        return f"Connection(conn_id={self.conn_id!r}, conn_type={self.conn_type!r}, host={self.host!r})"

    def __str__(self) -> str:
        return self.conn_id or ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Connection) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((self.conn_id, self.conn_type, self.host))


class ConnectionNotFound(errors.AirflowNotFoundException):
    """There is no such connection."""

    def __init__(self, conn_id: str) -> None:
        super().__init__(f"The conn_id `{conn_id}` isn't defined")
        self.conn_id = conn_id
        self.hint = f"make it, for example by AIRFLOW_CONN_{conn_id.upper()} in the environment"
