"""Which Airflow a file is told that it runs on: `airflow.__version__`, and what `importlib.metadata` says.

Both follow the meaning of the file that is being loaded, so that a file which asks takes the branch it was written for.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
from collections.abc import Iterator
from typing import Any

from tradewind.sdk import registry

AIRFLOW = {"2": "2.11.2", "3": "3.3.2"}
"""The version of Airflow that a file of each meaning is told, which is the one that it is compared with."""
_PACKAGES: dict[str, dict[str, str]] = {
    "apache-airflow": AIRFLOW,
    "apache-airflow-core": {"3": "3.3.2"},
    "apache-airflow-task-sdk": {"3": "1.3.2"},
    "apache-airflow-providers-standard": {"2": "1.21.0", "3": "1.21.0"},
    "apache-airflow-providers-common-compat": {"2": "1.23.0", "3": "1.23.0"},
    "apache-airflow-providers-cncf-kubernetes": {"2": "10.25.0", "3": "10.25.0"},
}


def version() -> str:
    """The version of Airflow that the file which is being loaded means."""
    return AIRFLOW[registry.meaning()]


class AirflowDistribution(importlib.metadata.Distribution):
    """A package of Airflow's, of which nothing but name and version is known."""

    def __init__(self, name: str, version: str) -> None:
        self._text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"

    def read_text(self, filename: str) -> str | None:
        """The metadata; there is no other file."""
        return self._text if filename in ("METADATA", "PKG-INFO") else None

    def locate_file(self, path: Any) -> Any:
        """Where a file would lie if there were any."""
        return os.path.join(os.sep, "nowhere", str(path))


def find(context: Any = None) -> Iterator[AirflowDistribution]:
    """The packages that `importlib.metadata` looks for; all where it names none."""
    wanted = getattr(context, "name", None)
    major = registry.meaning()
    for name, versions in _PACKAGES.items():
        if major in versions and (wanted is None or re.sub(r"[-_.]+", "-", wanted).lower() == name):
            yield AirflowDistribution(name, versions[major])
