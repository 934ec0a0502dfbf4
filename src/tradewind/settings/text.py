"""Values as people and programs see them: plain data with what is secret masked, and one line of text of each."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import msgspec

from tradewind.settings import field as fields
from tradewind.settings.field import Field
from tradewind.settings.value import element

MASK = "***"
_PASSWORD = re.compile(r"(?i)([?&;](?:password|sslpassword|passwd|secret|token)=)[^&;]*")


def plain(field: Field, value: Any, *, reveal: bool = False) -> Any:
    """A value as JSON has it; of a secret only what is none, unless it is to be revealed."""
    if field.secret and value and not reveal:
        return masked(str(value))
    return msgspec.to_builtins(value)


def masked(text: str) -> str:
    """A URL without its passwords; of anything else nothing."""
    try:
        parts = urlsplit(text)
        # A password with an unescaped `/`, `?` or `#` in it leaves an `@` behind the host: then no part can be told.
        unsure = "@" in parts.path + parts.fragment or (parts.password is None and "@" in parts.query)
    except ValueError:
        return MASK
    if not parts.scheme or "://" not in text or unsure:
        return MASK
    user, at, _ = parts.netloc.rpartition("@")
    if ":" in user:
        text = text.replace(f"//{user}{at}", f"//{user.partition(':')[0]}:{MASK}{at}", 1)
    return _PASSWORD.sub(rf"\g<1>{MASK}", text)


def line(value: Any) -> str:
    """Plain data as one line: text as it is, nothing for what is not set, all else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def held(field: Field) -> list[Field]:
    """What each table of a list of tables holds; nothing of other settings."""
    kind = element(field.type)
    return list(fields.fields(kind)) if kind else []
