"""Objects of the API with the names that the official client's models have: `start_time` for `startTime`.

Airflow's operators hand such dicts on, and DAG files read `job["status"]["start_time"]`. Keys that users chose (labels,
annotations, selectors, quantities, data) stay as they are. Fields that are not set are left out, where the client has
None.
"""

from __future__ import annotations

import keyword
import re
from typing import Any

_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])")
_CHOSEN = frozenset(
    {
        "annotations", "binaryData", "data", "labels", "limits", "matchLabels", "nodeSelector", "options", "overhead",
        "parameters", "requests", "stringData", "fieldsV1", "volumeAttributes",
    }
)  # fmt: skip


def spelled(value: Any) -> Any:
    """The value with its fields' names so."""
    if isinstance(value, dict):
        return {_snake(key): item if key in _CHOSEN else spelled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [spelled(item) for item in value]
    return value


def _snake(name: str) -> str:
    if keyword.iskeyword(name) or name == "exec":
        return f"_{name}"
    return _HUMP.sub(lambda found: f"_{found[1] or found[2]}", name).lower()
