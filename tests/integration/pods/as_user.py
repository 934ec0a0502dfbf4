"""A program for tests: one pod as a user who is not root, with or without the right to make namespaces.

usage: python as_user.py FOLDER same|yes|no < START; prints outcome, values and output as JSON.
`same`: as whoever calls; otherwise as nobody, who may make user namespaces or not.
"""

from __future__ import annotations

import ctypes
import json
import os
import pathlib
import sys

import msgspec

from tradewind.model.outcome import Result
from tradewind.podlet import pod, system
from tradewind.protocol.podlet import StartPod

_SET_DUMPABLE = 4
NOBODY = 65534


def main() -> None:
    """Run it."""
    folder, mode = pathlib.Path(sys.argv[1]), sys.argv[2]
    start = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=StartPod)
    if os.geteuid() == 0 and mode != "same":
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        # Who gives up rights may not look into itself until it says so; who never had them may.
        ctypes.CDLL(None).prctl(_SET_DUMPABLE, 1, 0, 0, 0)
    if mode == "no":
        user, group = os.geteuid(), os.getegid()
        system.unshare(system.NEW_USERS)
        pathlib.Path("/proc/self/setgroups").write_text("deny")
        pathlib.Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
        pathlib.Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        pathlib.Path("/proc/sys/user/max_user_namespaces").write_text("0")
    read, write = os.pipe()
    status = os.waitpid(pod.launch(start, folder, write), 0)[1]
    os.close(read)
    result = msgspec.msgpack.decode((folder / "result").read_bytes(), type=Result)
    told = {
        "status": status,
        "outcome": msgspec.to_builtins(result.outcome),
        "values": {push.key: json.loads(push.value) for push in result.xcoms},
        "lines": (folder / "out").read_text().splitlines(),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
