"""Secrets in text become `***`: as they are, escaped, quoted, encoded in base64, or broken over several lines.

Invariant: after `Mask.hide` no form of a secret is found in the text, not even when all white space is taken out of
it. What a mask covers never changes how many lines there are. Worker side: it runs where a task runs.

Texts are compared without their white space, so that a value which a program wrapped, indented or printed in two
calls is found as well. A secret shorter than `SHORTEST` is not hidden: nearly every line would hold it by chance
(Airflow's `logging.min_length_masked_secret` has the same default).
"""

from __future__ import annotations

import base64
import bisect
import html
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any
from urllib.parse import quote, quote_plus

MASK = b"***"
SHORTEST = 5
"""Characters, without white space."""
_SHORTEST_LINE = 12
"""Of a secret with several lines (a private key), lines of this length are hidden alone too."""
_SPACE = b" \t\r\n\v\f"
_NAMES = (
    "access_key",
    "access_token",
    "api_key",
    "api-key",
    "apikey",
    "auth_header",
    "authorization",
    "bearer",
    "connection_string",
    "credential",
    "dsn",
    "passphrase",
    "passwd",
    "password",
    "private_key",
    "private-key",
    "access-key",
    "proxy",
    "proxies",
    "secret",
    "service_account",
    "service_key",
    "token",
    "keyfile_dict",
    "webhook_url",
)
"""Airflow's list (`DEFAULT_SENSITIVE_FIELDS`), and the same with dashes."""


def is_sensitive(name: str) -> bool:
    """Whether a Variable, or a key of an extra, has a name that says that its value is a secret."""
    lowered = name.strip().lower()
    return any(part in lowered for part in _NAMES)


def secrets_in(value: object, name: str = "") -> Iterator[str]:
    """Texts below names that are sensitive, in lists and dicts too; what is below such a name is secret as a whole."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from secrets_in(item, name if is_sensitive(name) else str(key))
    elif isinstance(value, (list, tuple, set)):
        for item in value:
            yield from secrets_in(item, name)
    elif is_sensitive(name) and value is not None and not isinstance(value, bool):
        yield str(value)


def secrets_of_json(text: str | None, name: str = "") -> Iterator[str]:
    """The same in a text that may be JSON; a text below a sensitive name is secret itself too."""
    if not text:
        return
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, (dict, list)):
        yield from secrets_in(found, name)
    if is_sensitive(name):
        yield text


def secrets_of_connection(fields: Mapping[str, Any]) -> Iterator[str]:
    """Its password, and what its extra holds below sensitive names."""
    if fields.get("password"):
        yield str(fields["password"])
    yield from secrets_of_json(fields.get("extra"))


class Mask:
    """Hides a set of secrets that can grow."""

    __slots__ = ("_forms", "_longest", "_secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._forms: tuple[bytes, ...] = ()
        self._longest = 0
        self.add(secrets)

    def __bool__(self) -> bool:
        """Whether there is anything to hide."""
        return bool(self._forms)

    def add(self, secrets: Iterable[str]) -> None:
        """Hide these too."""
        fresh = {secret for secret in secrets if secret not in self._secrets}
        if not fresh:
            return
        self._secrets |= fresh
        forms = {form for secret in fresh for form in _forms(secret)}
        # The longest first, so that where one holds another the whole of it is found before a part hides.
        self._forms = tuple(sorted({*self._forms, *forms}, key=lambda form: (-len(form), form)))
        self._longest = len(self._forms[0]) if self._forms else 0

    def hide(self, text: bytes) -> bytes:
        """The text with every secret as `***`; as many lines as before."""
        return b"\n".join(self.hide_lines(text.split(b"\n")))

    def hide_text(self, text: str) -> str:
        """As `hide`, for text."""
        return self.hide(_bytes(text)).decode("utf-8", "surrogateescape") if self else text

    def hide_lines(self, lines: Sequence[bytes]) -> list[bytes]:
        """The lines of one text, each without what of a secret it holds."""
        solid = b"".join(lines).translate(None, _SPACE)
        spans = self._spans(solid)
        if not spans:
            return list(lines)
        hidden: list[bytes] = []
        ends = list(accumulate(len(line.translate(None, _SPACE)) for line in lines))
        first = 0
        for line, start, end in zip(lines, [0, *ends], ends, strict=False):
            while first < len(spans) and spans[first][1] <= start:
                first += 1
            own: list[tuple[int, int]] = []
            for at, upto in spans[first:]:
                if at >= end or start == end:
                    break
                if upto > start:
                    own.append((max(at, start) - start, min(upto, end) - start))
            hidden.append(_cover(line, own) if own else line)
        return hidden

    def settled(self, lines: Sequence[bytes]) -> int:
        """How many of the first lines can be told now: no secret in them goes on in a later line.

        The last line is the one that is still being written; what ends like the beginning of a secret waits for it.
        """
        solid = b"".join(lines).translate(None, _SPACE)
        spans = self._spans(solid)
        if reach := max((_overlap(solid[-self._longest :], form) for form in self._forms), default=0):
            spans.append((len(solid) - reach, len(solid) + 1))
        ends = list(accumulate(len(line.translate(None, _SPACE)) for line in lines))
        count = len(lines) - 1
        for at, upto in reversed(spans):
            if count and at < ends[count - 1] < upto:
                count = bisect.bisect_right(ends, at, 0, count)
        return count

    def _spans(self, solid: bytes) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for form in self._forms:
            at = solid.find(form)
            while at >= 0:
                found.append((at, at + len(form)))
                at = solid.find(form, at + 1)
        found.sort()
        merged: list[tuple[int, int]] = []
        for at, upto in found:
            if merged and at < merged[-1][1]:
                merged[-1] = (merged[-1][0], max(upto, merged[-1][1]))
            else:
                merged.append((at, upto))
        return merged


def _cover(line: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    """A line with `***` where the spans are, which count what is not white space."""
    places = [place for place, byte in enumerate(line) if byte not in _SPACE]
    pieces: list[bytes] = []
    done = 0
    for at, upto in spans:
        pieces += [line[done : places[at]], MASK]
        done = places[upto - 1] + 1
    return b"".join([*pieces, line[done:]])


def _overlap(solid: bytes, form: bytes) -> int:
    """The length of the longest end of `solid` that is a beginning of `form`, but not all of it."""
    longest = min(len(solid), len(form) - 1)
    last = solid[-4:]
    if longest >= len(last) and last not in form:
        longest = len(last) - 1
    return next((size for size in range(longest, 0, -1) if solid.endswith(form[:size])), 0)


def _forms(secret: str) -> Iterator[bytes]:
    texts = [secret]
    if "\n" in secret:
        texts += [line.strip() for line in secret.splitlines() if len(line.strip()) >= _SHORTEST_LINE]
    for text in texts:
        raw = _bytes(text)
        for form in (raw, raw.strip()):
            yield from _solid(form)
            yield from _encoded(form)
        for form in (*_escaped(text), *_escaped(text.strip())):
            yield from _solid(form)


def _bytes(text: str) -> bytes:
    """Bytes that are no UTF-8 come as lone surrogates, as Python reads them."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _solid(form: bytes) -> Iterator[bytes]:
    found = form.translate(None, _SPACE)
    if len(found) >= SHORTEST:
        yield found


def _escaped(text: str) -> Iterator[bytes]:
    plain = _bytes(text).decode("utf-8", "replace")
    once = [json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1]]
    twice = [json.dumps(form)[1:-1] for form in once]
    quoted = [quote(plain, safe=""), quote(plain), quote_plus(plain), quote(plain, safe="!$&'()*+,;=:@")]
    escaped = [repr(plain)[1:-1], ascii(plain)[1:-1], repr(plain.encode())[2:-1], html.escape(plain)]
    escaped += [plain.replace("'", "\\'"), plain.replace("'", "'\"'\"'"), plain.replace("\\", "\\\\")]
    escaped += [html.escape(plain, quote=False), *(_lower_hex(one) for one in quoted)]
    for form in (*once, *twice, *quoted, *escaped):
        yield form.encode()


def _lower_hex(quoted: str) -> str:
    head, *rest = quoted.split("%")
    return head + "".join(f"%{part[:2].lower()}{part[2:]}" for part in rest)


def _encoded(raw: bytes) -> Iterator[bytes]:
    """In base64 and hex; also inside of something longer (`user:password`), where three bytes share four characters."""
    for before in range(3):
        text = base64.b64encode(b"\0" * before + raw)
        # Characters that hold a bit of a neighbour differ from text to text; what is between them does not.
        first = (0, 2, 3)[before]
        last = len(text) - (0, 3, 2)[(before + len(raw)) % 3]
        inner = text[first:last]
        whole = [text, text.rstrip(b"=")] if before == 0 else []
        for form in (*whole, inner):
            if len(form) >= SHORTEST:
                yield form
                yield form.translate(bytes.maketrans(b"+/", b"-_"))
    if len(raw) >= SHORTEST:
        yield raw.hex().encode()
        yield raw.hex().upper().encode()
