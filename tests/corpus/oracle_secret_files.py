"""Run in Airflow's environment: what it reads from files of secrets, and what it writes to them. JSON in, JSON out.

Input: {"variables": path, "connections": path, "write": {id: fields}}. Output: what its loaders read from the two
files (null where no path), and `write` in each of its export's forms.
"""

import json
import logging
import sys
from typing import Any

logging.disable(logging.CRITICAL)

NAMES = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")


def main() -> None:
    """Answer everything."""
    asked = json.load(sys.stdin)
    from airflow.cli.commands.connection_command import _format_connections
    from airflow.models.connection import Connection
    from airflow.secrets.local_filesystem import load_connections_dict, load_variables

    told: dict[str, Any] = {"variables": None, "connections": None}
    if asked.get("variables"):
        told["variables"] = load_variables(asked["variables"])
    if asked.get("connections"):
        found = load_connections_dict(asked["connections"])
        told["connections"] = {
            conn_id: {name: getattr(one, name, None) for name in NAMES} for conn_id, one in found.items()
        }
    made = [Connection(conn_id, **fields) for conn_id, fields in asked.get("write", {}).items()]
    told["written"] = {
        f"{form}-{serialization}": _format_connections(made, f".{form}", serialization)
        for form, serialization in (("json", "json"), ("yaml", "json"), ("env", "uri"))
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
