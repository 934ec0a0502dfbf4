"""The format of a log file, line by line (see ARCHITECTURE, "The log at rest").

`<RFC 3339 time, microseconds, Z> <stream> <F|P> [<container>] <text>`; the format is the container runtime
interface's (CRI), with a container's name where a pod has several: lines of the main one have none. A name after a dash
(`[-sidecar]`) is not shown to people.
"""

from __future__ import annotations

from datetime import datetime

from tradewind.ports import logs as logs_port

_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def parse(raw: str) -> logs_port.LogLine:
    """One line without its newline. A line that is not of the format is kept whole, with the stream "event"."""
    head, _, rest = raw.partition(" ")
    stream, _, rest = rest.partition(" ")
    mark, _, rest = rest.partition(" ")
    try:
        at = datetime.fromisoformat(head)
    except ValueError:
        return logs_port.LogLine(at=_EPOCH, stream="event", text=raw)
    if mark not in ("F", "P"):
        return logs_port.LogLine(at=at, stream="event", text=raw)
    container, named = "", True
    if rest.startswith("["):
        inside, found, after = rest[1:].partition("] ")
        if found:
            container, rest = inside, after
        elif rest.endswith("]"):
            container, rest = rest[1:-1], ""
    if container.startswith("-"):
        container, named = container[1:], False
    return logs_port.LogLine(at=at, stream=stream, text=rest, container=container, named=named, partial=mark == "P")


def format(line: logs_port.LogLine) -> str:  # noqa: A001 - read as `line.format`, beside `line.parse`
    """The line as it stands in a file, without a newline."""
    at = line.at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    container = f"[{'' if line.named else '-'}{line.container}] "
    return f"{at} {line.stream} {'P' if line.partial else 'F'} {container}{line.text}"
