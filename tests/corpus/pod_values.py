"""Arguments of a pod operator as JSON, and back as the objects that a DAG file would pass.

`{"$": "V1EnvVar", "of": {...}}` is an object of `kubernetes.client.models`, `{"$": "Secret", ...}` the provider's
helper, `{"$": "file", "of": {...}}` the path of a YAML file that holds this. Read by our Python and by Airflow's.
"""

import json
import os
from collections.abc import Callable
from typing import Any


def decode(value: Any, classes: Callable[[str], Any], folder: str) -> Any:
    """The value; `classes` gives a class by its name, files are written into `folder`."""
    if isinstance(value, list):
        return [decode(item, classes, folder) for item in value]
    if not isinstance(value, dict):
        return value
    if "$" not in value:
        return {key: decode(item, classes, folder) for key, item in value.items()}
    if value["$"] == "file":
        path = os.path.join(folder, "pod.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value["of"], file)  # any JSON is YAML
        return path
    fields = {key: decode(item, classes, folder) for key, item in value["of"].items()}
    return classes(value["$"])(**fields)
