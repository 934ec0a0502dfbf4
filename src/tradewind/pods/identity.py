"""Whose pod it is: labels to select by, annotations with the whole truth.

They go on last, over whatever the user or a hook put there, so that no pod can hide from its sweeper.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

ATTEMPT_LABEL = "tradewind/attempt-id"
_LABEL_LENGTH = 63
_UNFIT = re.compile(r"^[^a-zA-Z0-9]*|[^a-zA-Z0-9_.-]|[^a-zA-Z0-9]*$")


class Identity(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One attempt of one try of one task."""

    attempt_id: str
    dag_id: str
    task_id: str
    run_id: str
    try_number: int = 1
    map_index: int = -1

    @classmethod
    def find(cls, annotations: Mapping[str, str]) -> Identity | None:
        """The identity that a pod's annotations tell, or None where they do not tell one of ours, whole."""
        get = annotations.get
        attempt_id = get("tradewind/attempt-id")
        dag_id, task_id, run_id = get("tradewind/dag-id"), get("tradewind/task-id"), get("tradewind/run-id")
        if not attempt_id or dag_id is None or task_id is None or run_id is None:
            return None
        return cls(
            attempt_id=attempt_id,
            dag_id=dag_id,
            task_id=task_id,
            run_id=run_id,
            try_number=number(get("tradewind/try-number"), 1),
            map_index=number(get("tradewind/map-index"), -1),
        )

    def labels(self) -> dict[str, str]:
        """Airflow's labels of a pod operator's pod, and our attempt id; unfit values are cut and hashed."""
        found = {
            "dag_id": safe_label(self.dag_id),
            "task_id": safe_label(self.task_id),
            "run_id": safe_label(self.run_id),
            "try_number": str(self.try_number),
            "kubernetes_pod_operator": "True",
            "app.kubernetes.io/managed-by": "tradewind",
            ATTEMPT_LABEL: self.attempt_id,
        }
        if self.map_index >= 0:
            found["map_index"] = str(self.map_index)
        return found

    def annotations(self) -> dict[str, str]:
        """The same ids, whole."""
        found = {
            "tradewind/attempt-id": self.attempt_id,
            "tradewind/dag-id": self.dag_id,
            "tradewind/run-id": self.run_id,
            "tradewind/task-id": self.task_id,
            "tradewind/try-number": str(self.try_number),
        }
        if self.map_index >= 0:
            found["tradewind/map-index"] = str(self.map_index)
        return found


def number(text: str | None, otherwise: int) -> int:
    """A number that an annotation holds; `otherwise` where there is none."""
    try:
        return otherwise if text is None else int(text)
    except ValueError:
        return otherwise


def safe_label(text: str) -> str:
    """`text` as a label value: unchanged where it fits, else its fitting characters and a hash (Airflow's rule)."""
    fitting = _UNFIT.sub("", text)
    if fitting == text and len(text) <= _LABEL_LENGTH:
        return text
    digest = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:9]
    return f"{fitting[: _LABEL_LENGTH - len(digest) - 1]}-{digest}"
