"""Run in Airflow's environment: what its serialisation makes of the values of `serde_cases`, and what comes back.

prints: {NAME: {"raised": CLASS} or {"plain": JSON, "back": [CLASS, REPR] or {"raised": CLASS}}}
"""

import json
import logging
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES_REGEXP"] = ".*"
logging.disable(logging.CRITICAL)


def main() -> None:
    """Answer everything."""
    import serde_cases  # type: ignore[import-not-found]
    from airflow.sdk.serde import deserialize, serialize

    told: dict[str, dict[str, object]] = {}
    for name, make in serde_cases.CASES.items():
        try:
            plain = json.loads(json.dumps(serialize(make())))
        except Exception as error:  # noqa: BLE001 - whatever Airflow raises is its answer
            told[name] = {"raised": type(error).__name__}
            continue
        try:
            back = deserialize(plain)
            told[name] = {"plain": plain, "back": [f"{type(back).__module__}.{type(back).__qualname__}", repr(back)]}
        except Exception as error:  # noqa: BLE001
            told[name] = {"plain": plain, "back": {"raised": type(error).__name__}}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
