"""`SmtpNotifier`: a callback that sends a mail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tradewind.sdk import mail
from tradewind.sdk.hooks.smtp import SmtpHook
from tradewind.sdk.notifier import BaseNotifier

_SUBJECT = "{{ dag.dag_id }}{% if ti %}.{{ ti.task_id }} {{ ti.state or '' }}{% endif %} ({{ run_id }})"
_TASK = "{% if ti %}, task {{ ti.task_id }}, try {{ ti.try_number }}{% endif %}"
_CONTENT = f"<p>DAG {{{{ dag.dag_id }}}}, run {{{{ run_id }}}}{_TASK}</p>"


class SmtpNotifier(BaseNotifier):
    """Sends `html_content` to `to`; both texts are templates, and have a short form where nobody says them."""

    template_fields: ClassVar[Sequence[str]] = (
        "from_email", "to", "subject", "html_content", "files", "cc", "bcc", "mime_subtype", "mime_charset",
        "custom_headers", "smtp_conn_id",
    )  # fmt: skip

    def __init__(
        self,
        to: str | Iterable[str],
        from_email: str | None = None,
        subject: str | None = None,
        html_content: str | None = None,
        files: list[str] | None = None,
        cc: str | Iterable[str] | None = None,
        bcc: str | Iterable[str] | None = None,
        mime_subtype: str = "mixed",
        mime_charset: str = "utf-8",
        custom_headers: dict[str, Any] | None = None,
        smtp_conn_id: str | None = None,
        auth_type: str = "basic",
        *,
        template: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if html_content is None and template is not None:
            html_content = Path(template).read_text(encoding="utf-8").replace("\n", "").strip()
        self.to = to
        self.from_email = from_email
        self.subject = subject
        self.html_content = html_content
        self.files = files
        self.cc = cc
        self.bcc = bcc
        self.mime_subtype = mime_subtype
        self.mime_charset = mime_charset
        self.custom_headers = custom_headers
        self.smtp_conn_id = smtp_conn_id or mail.default_conn_id()
        self.auth_type = auth_type

    def notify(self, context: Any) -> None:
        """Send it."""
        with SmtpHook(smtp_conn_id=self.smtp_conn_id, auth_type=self.auth_type) as hook:
            self._complete(hook, context)
            hook.send_email_smtp(
                **{name: getattr(self, name) for name in self.template_fields if name != "smtp_conn_id"}
            )

    def _complete(self, hook: SmtpHook, context: Any) -> None:
        """What nobody said comes from the files that the Connection names, else from here, and is rendered."""
        missing = [name for name in ("subject", "html_content") if getattr(self, name) is None]
        for name in missing:
            told = hook.connection.extra_dejson.get(f"{name}_template")
            setattr(self, name, hook.text_of(name, None) if told else {"subject": _SUBJECT}.get(name, _CONTENT))
        if missing:
            self.render_template_fields(context)
