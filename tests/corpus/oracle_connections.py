"""Run in Airflow's environment: what its Connection classes make of texts and fields. JSON in, JSON out.

Input: {"uris": [...], "jsons": [...], "fields": [...]}. Output: for each, in the same order, what the class that tasks
see ("sdk") and the class of its command line ("core") say: fields, or the name of what was raised.
"""

import json
import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

logging.disable(logging.CRITICAL)

NAMES = ("conn_type", "description", "host", "login", "password", "schema", "port", "extra")


def answer(make: Callable[[], Any]) -> dict[str, Any]:
    """Fields and both written forms."""
    try:
        made = make()
        found = {name: getattr(made, name, None) for name in NAMES}
    except Exception as error:  # noqa: BLE001 - whatever Airflow raises is its answer
        return {"raised": type(error).__name__}
    for form in ("get_uri", "as_json"):
        try:
            found[form] = getattr(made, form)()
        except Exception as error:  # noqa: BLE001
            found[form] = f"raised {type(error).__name__}"
    return found


def main() -> None:
    """Answer everything."""
    asked = json.load(sys.stdin)
    from airflow.models.connection import Connection as Core
    from airflow.sdk.definitions.connection import Connection as Task

    ask = {
        "uris": (lambda uri: Task.from_uri(uri, conn_id="c"), lambda uri: Core("c", uri=uri)),
        "jsons": (lambda text: Task.from_json(text, conn_id="c"), lambda text: Core.from_json(text, conn_id="c")),
        "fields": (lambda fields: Task(conn_id="c", **fields), lambda fields: Core("c", **fields)),
    }
    told = {
        form: [{"sdk": answer(partial(sdk, given)), "core": answer(partial(core, given))} for given in asked[form]]
        for form, (sdk, core) in ask.items()
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
