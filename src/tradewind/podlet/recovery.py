"""What a podlet finds of one that died: each attempt's directory says that it runs, how it ended, or that it never ran.

Invariant: one that began is known again from the start, and never begun here. One that never began (it has no fence) is
left to the control plane, which asks for it again; what of it may still be on its way from a zygote of the podlet that
died meets the same fence, and only the first enters.
"""

from __future__ import annotations

import os
import time

from tradewind.podlet import fence, own_log
from tradewind.podlet.attempt import Attempt
from tradewind.podlet.attempts import Attempts
from tradewind.worker import secrets

_FORGOTTEN_SECONDS = 3600.0
"""After this time nobody will ask again for an attempt that never began."""
_OF_A_CLUSTER = "cluster-pod.json"
"""In the directory of an attempt that is a pod of a cluster: it is none of a podlet's."""


def adopt_all(attempts: Attempts, folder: str) -> None:
    """Know every attempt again that has begun."""
    secrets.sweep(folder)
    for attempt_id in sorted(os.listdir(folder)):
        if not os.path.exists(f"{folder}/{attempt_id}/{_OF_A_CLUSTER}"):
            _adopt(attempts, folder, attempt_id)


def _adopt(attempts: Attempts, folder: str, attempt_id: str) -> None:
    try:
        if not attempts.adopt(attempt_id):
            _tidy(Attempt(attempt_id, f"{folder}/{attempt_id}", 0))
    except (OSError, ValueError) as error:  # one directory that nobody understands must not keep the others waiting
        own_log.write(f"attempt {attempt_id} is left alone: {error}\n")


def _tidy(attempt: Attempt) -> None:
    if time.time() - os.stat(attempt.folder).st_mtime > _FORGOTTEN_SECONDS and fence.bar(attempt.folder):
        attempt.remove_folder()
