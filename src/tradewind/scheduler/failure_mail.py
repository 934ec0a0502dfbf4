"""How a failure reads as a mail: subject, text and HTML, of a notice and the end of the log. Pure."""

from __future__ import annotations

import html
import shlex
from collections.abc import Sequence
from datetime import datetime

from tradewind.model.notice import FailureNotice
from tradewind.ports import mail as mail_port


def compose(key: str, notice: FailureNotice, tail: Sequence[str]) -> mail_port.Mail:
    """The mail; `tail` are the log's last lines."""
    facts = _facts(notice)
    width = max(len(name) for name, _ in facts)
    lines = [notice.verdict, "", *(f"{name + ':':<{width + 1}} {value}" for name, value in facts)]
    if tail:
        lines += ["", "The log ends:", "", *(f"  {line}" for line in tail)]
    lines += ["", f"The whole log: {_command(notice)}", ""]
    return mail_port.Mail(
        key=key, to=notice.to, subject=_subject(notice), text="\n".join(lines), html=_html(notice, tail), at=notice.at
    )


def _subject(notice: FailureNotice) -> str:
    if notice.is_late:
        return f"{notice.dag_id}.{_task(notice)} missed its SLA ({notice.run_id})"
    what = "failed" if notice.next_try_at is None else f"failed in try {notice.try_number}, will be tried again"
    return f"{notice.dag_id}.{_task(notice)} {what} ({notice.run_id})"


def _task(notice: FailureNotice) -> str:
    return notice.task_id if notice.map_index < 0 else f"{notice.task_id}[{notice.map_index}]"


def _facts(notice: FailureNotice) -> list[tuple[str, str]]:
    facts = [
        ("DAG", notice.dag_id),
        ("Run", notice.run_id),
        *([("Logical date", _moment(notice.logical_date))] if notice.logical_date else []),
        ("Task", f"{_task(notice)} ({notice.operator})" if notice.operator else _task(notice)),
        ("Try", f"{notice.try_number} of {max(notice.max_tries + 1, notice.try_number)}"),
        ("Told at" if notice.is_late else "Failed at", _moment(notice.at)),
    ]
    if notice.next_try_at is not None:
        facts.append(("Next try at", _moment(notice.next_try_at)))
    return facts


def _moment(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="seconds")


def _command(notice: FailureNotice) -> str:
    words = ("tradewind", "tasks", "logs", notice.dag_id, notice.run_id, _task(notice), "--try", str(notice.try_number))
    return shlex.join(words)


def _html(notice: FailureNotice, tail: Sequence[str]) -> str:
    rows = "".join(
        f'<tr><th align="left" style="padding-right:1em">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>'
        for name, value in _facts(notice)
    )
    log = f"<p>The log ends:</p><pre>{html.escape(chr(10).join(tail))}</pre>" if tail else ""
    return (
        f"<html><body><p><strong>{html.escape(notice.verdict)}</strong></p><table>{rows}</table>{log}"
        f"<p>The whole log: <code>{html.escape(_command(notice))}</code></p></body></html>"
    )
