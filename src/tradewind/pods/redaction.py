"""What people may see of a manifest: everything but literal secrets.

References to Secrets are names and stay. Hidden are values of environment variables and of command line options whose
name looks sensitive, and passwords inside addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MASK = "***"
_SENSITIVE = re.compile(
    r"(access[_-]?key|api[_-]?key|authorization|credential|passphrase|passwd|password|private[_-]?key|secret|token)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"(?P<head>\b[a-zA-Z][a-zA-Z0-9+.-]*://[^/\s:@]*:)[^/\s@]+(?=@)")
_OPTION = re.compile(r"^--?(?P<name>[\w.-]+)(?P<value>=.*)?$", re.DOTALL)


def is_sensitive(name: str) -> bool:
    """Whether a name says that its value is a secret."""
    return _SENSITIVE.search(name) is not None


def redact(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A copy for people."""
    return {key: _redacted(key, value) for key, value in manifest.items()}


def _redacted(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _redacted(name, item) for name, item in value.items()}
    if isinstance(value, list):
        if key == "env":
            return [_variable(item) for item in value]
        if key in ("command", "args"):
            return _words(value)
        return [_redacted("", item) for item in value]
    return _ADDRESS.sub(rf"\g<head>{MASK}", value) if isinstance(value, str) else value


def _variable(variable: Any) -> Any:
    if not isinstance(variable, Mapping):
        return variable
    shown = {name: _redacted(name, item) for name, item in variable.items()}
    if variable.get("value") and is_sensitive(str(variable.get("name", ""))):
        shown["value"] = MASK
    return shown


def _words(words: list[Any]) -> list[Any]:
    shown: list[Any] = []
    hide = False
    for word in words:
        option = _OPTION.match(word) if isinstance(word, str) else None
        if hide and option is None:
            shown.append(MASK)
            hide = False
            continue
        hide = False
        if option is not None and is_sensitive(option["name"]):
            hide = option["value"] is None
            shown.append(word if hide else f"{word[: option.start('value')]}={MASK}")
        else:
            shown.append(_redacted("", word))
    return shown
