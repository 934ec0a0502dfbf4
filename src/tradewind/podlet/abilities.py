"""What a podlet could have on this machine, as JSON on stdout: `python -m tradewind.podlet.abilities`.

A process of its own, because finding out changes the process that tries.
"""

from __future__ import annotations

import json
import os
import sys

from tradewind.podlet import limits, mounts

_TRIED_BYTES = 64 << 20


def main() -> None:
    """`mounts`: why pods can have no mounts of their own, or empty; `memory`: the cgroup version of limits, or 0."""
    group = limits.find_group(f"tradewind-abilities-{os.getpid()}", _TRIED_BYTES)
    if group is not None:
        group.remove()
    told = {"memory": 0 if group is None else group.version, "mounts": mounts.enter() or ""}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
