"""Names of pods: a stem that people recognise, and a hash of the attempt, so that no two launches share one."""

from __future__ import annotations

import base64
import hashlib
import re
import unicodedata

LONGEST = 63
_HASH_LENGTH = 8
_UNFIT = re.compile(r"[^a-z0-9]+")


def pod_name(stem: str, attempt_id: str, *, longest: int = LONGEST) -> str:
    """`stem` as a DNS label, "-", eight characters made from `attempt_id`; at most `longest` characters in all."""
    digest = hashlib.sha256(attempt_id.encode()).digest()
    suffix = base64.b32encode(digest).decode().lower()[:_HASH_LENGTH]
    return f"{slug(stem)[: longest - _HASH_LENGTH - 1].rstrip('-')}-{suffix}"


def exact_name(name: str) -> str:
    """The user's own name, without a suffix: lower case, and "-" for each run of what no name may hold."""
    return re.sub(r"[^a-z0-9.-]+", "-", name.lower())


def slug(text: str) -> str:
    """`text` as a DNS label: lower case letters, digits and single "-"; "pod" where nothing is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _UNFIT.sub("-", plain).strip("-") or "pod"
