"""`airflow.settings`: the few values that DAG files read from it."""

from __future__ import annotations

import os
from typing import Any

from tradewind.sdk import timezone
from tradewind.sdk.configuration import conf


def dags_folder() -> str:
    """Where DAG files are loaded from: the folder of the version that is being loaded."""
    return str(conf.get("core", "dags_folder", fallback=os.getcwd()))


def plugins_folder() -> str:
    """The plugins folder beside the DAG files."""
    return str(conf.get("core", "plugins_folder", fallback=os.path.join(dags_folder(), "plugins")))


_COMPUTED = {
    "AIRFLOW_HOME": conf.home,
    "DAGS_FOLDER": dags_folder,
    "PLUGINS_FOLDER": plugins_folder,
    "TIMEZONE": timezone.default,
}


def __getattr__(name: str) -> Any:
    if name in _COMPUTED:
        return _COMPUTED[name]()
    raise AttributeError(name)
