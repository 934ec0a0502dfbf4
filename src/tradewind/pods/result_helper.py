"""The helper container that hands over a pod's value in a cluster, and what it hands over.

It is a native sidecar (an init container that restarts always) beside the main container, with the folder of the result
in common. A kubelet stops it when the main container has ended; then it writes the value into its log and, where it is
short, into its termination message too, each time behind a line with length and hash. So whoever reads knows
whether what arrived is whole. The helper decides nothing: the main container's exit code stays that of the pod.

Needed of its image are a POSIX `sh` with `cat`, `ls` and `sleep`; where it has no `sha256sum`, the length alone tells
whether a value is whole.
"""

from __future__ import annotations

import copy
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from tradewind.pods import manifest, result

NAME = "airflow-xcom-sidecar"
IMAGE = "alpine:3.24.2"
Json = dict[str, Any]

_LONGEST_IN_MESSAGE = 4000
"""Bytes of a value that the termination message has room for, beside its first line."""
_MARK = "tradewind-result/1"
# Checks go by what the kernel says (`cd`, reading), not by `test -r`, which for root tells what root could once do.
# The log comes first: a helper that is killed in between has handed over all the same.
_SCRIPT = f"""\
hand_over() {{
  trap '' TERM INT
  what=value size=0 hash=-
  if ! cd {manifest.RESULT_FOLDER} 2>/dev/null; then what=unreadable
  elif [ -L return.json ]; then what=irregular
  elif [ ! -e return.json ]; then what=none
  elif [ ! -f return.json ]; then what=irregular
  elif [ ! -s return.json ]; then what=none
  else
    set -- $(ls -ln return.json)
    size=$5
    if [ "$size" -gt {result.LIMIT} ]; then what=large
    elif ! (: <return.json) 2>/dev/null; then what=unreadable
    else
      if command -v sha256sum >/dev/null; then set -- $(sha256sum <return.json); hash=$1; fi
      echo "{_MARK} value $size $hash"
      cat return.json
      echo
    fi
  fi
  echo "{_MARK} $what $size $hash" >/dev/termination-log
  if [ $what = value ] && [ "$size" -le {_LONGEST_IN_MESSAGE} ]; then cat return.json >>/dev/termination-log; fi
  kill -9 $! 2>/dev/null
  exit 0
}}
trap hand_over TERM INT
while :; do
  sleep 3600 &
  wait $!
done
"""
_REQUESTS = {"cpu": "1m", "memory": "10Mi"}
_LIMITS = {"cpu": "100m", "memory": "32Mi"}
_NOBODY = 65534
# What the main container is kept to by its user, and what it is without which there is no need for here.
_TAKEN = (
    "allowPrivilegeEscalation", "appArmorProfile", "readOnlyRootFilesystem", "runAsGroup", "runAsNonRoot", "runAsUser",
    "seLinuxOptions", "seccompProfile",
)  # fmt: skip
_FIRST_LINE = re.compile(rf"{_MARK} (value|none|large|unreadable|irregular) (\d+) (-|[0-9a-f]{{64}})".encode())


class Helper(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the site wants it. None: made after the main container (`add`)."""

    image: str = IMAGE
    resources: Json | None = None
    security_context: Json | None = None


def add(pod: Json, helper: Helper) -> None:
    """Put it into a pod whose main container has the result's volume: last of the init containers.

    Without words of the site it has Airflow's requests, limits where the main container has them (a quota may ask for
    them of every container; a Guaranteed pod stays one), and the main container's security context but for privileges
    and added capabilities.
    """
    main = manifest.base_container(pod)
    spec = pod["spec"]
    resources = helper.resources if helper.resources is not None else _resources(spec, main)
    context = helper.security_context if helper.security_context is not None else _security_context(spec, main)
    container = {
        "name": NAME,
        "image": helper.image,
        "command": ["sh", "-c", _SCRIPT],
        "restartPolicy": "Always",
        "resources": copy.deepcopy(resources),
        "securityContext": copy.deepcopy(context),
        "volumeMounts": [{"name": manifest.RESULT_VOLUME, "mountPath": manifest.RESULT_FOLDER}],
    }
    inits = spec.setdefault("initContainers", [])
    inits.append({name: value for name, value in container.items() if value != {}})


def _resources(spec: Mapping[str, Any], main: Mapping[str, Any]) -> Json:
    own = main.get("resources") or {}
    limits = {name: value for name, value in _LIMITS.items() if (own.get("limits") or {}).get(name)}
    others = [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]
    if all(_is_guaranteed(one.get("resources") or {}) for one in others):
        return {"requests": dict(_LIMITS), "limits": dict(_LIMITS)}
    return {"requests": dict(_REQUESTS), "limits": limits} if limits else {"requests": dict(_REQUESTS)}


def _is_guaranteed(resources: Mapping[str, Any]) -> bool:
    """Whether a container's requests are its limits; what has limits only has requests like them."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    return all(limits.get(name) and requests.get(name, limits[name]) == limits[name] for name in ("cpu", "memory"))


def _security_context(spec: Mapping[str, Any], main: Mapping[str, Any]) -> Json:
    own, of_pod = main.get("securityContext") or {}, spec.get("securityContext") or {}
    found = {name: own[name] for name in _TAKEN if own.get(name) is not None}
    if dropped := (own.get("capabilities") or {}).get("drop"):
        found["capabilities"] = {"drop": dropped}
    whole = {**of_pod, **found}
    if whole.get("runAsNonRoot") and whole.get("runAsUser") is None:
        # The main image has a user of its own; that of the helper need not.
        found["runAsUser"] = _NOBODY
    return found


# -- what it hands over --------------------------------------------------------------------------------------------


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """The first line: what there is, of which length, with which SHA-256 ("-": nobody could tell)."""

    what: str
    size: int
    hash: str

    def find_whole(self, rest: bytes) -> bytes | None:
        """The value at the beginning of what came behind the line, or None where it is not there whole."""
        value = rest[: self.size]
        return value if len(value) == self.size and self.hash in ("-", hashlib.sha256(value).hexdigest()) else None


def find(data: bytes) -> tuple[Told, bytes] | None:
    """The first line of a message or log of the helper and what is behind it; None where it is another's."""
    line, _, rest = data.partition(b"\n")
    found = _FIRST_LINE.fullmatch(line)
    if found is None:
        return None
    return Told(what=found[1].decode(), size=int(found[2]), hash=found[3].decode()), rest


def refusal(told: Told) -> result.BadResult | None:
    """Why the helper could not hand it over; None where it could."""
    where = manifest.RESULT_FILE
    match told.what:
        case "large":
            return result.too_large(told.size, where)
        case "unreadable":
            hint = (
                "let the file be readable for others (umask 022), or run both as one user: "
                "xcom_sidecar_container_security_context"
            )
            return result.BadResult(f"{where} cannot be read by container {NAME!r}", hint)
        case "irregular":
            return result.BadResult(f"{where} is no regular file")
        case _:
            return None
