"""EmailOperator: a task that sends a mail. It is taken as sent when the server has taken it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from tradewind.sdk import mail
from tradewind.sdk.hooks.smtp import SmtpHook
from tradewind.sdk.operator import BaseOperator


class EmailOperator(BaseOperator):
    """Sends `html_content` to `to`; a text that ends in .html is a file's name, whose content is rendered."""

    template_fields: ClassVar[Sequence[str]] = (
        "to", "subject", "html_content", "from_email", "files", "cc", "bcc", "mime_subtype", "mime_charset", "conn_id",
        "custom_headers",
    )  # fmt: skip
    template_fields_renderers: ClassVar[Mapping[str, str]] = {"html_content": "html"}
    template_ext: ClassVar[Sequence[str]] = (".html",)
    ui_color = "#e6faf9"

    def __init__(
        self,
        *,
        to: list[str] | str,
        subject: str | None = None,
        html_content: str | None = None,
        from_email: str | None = None,
        files: list[str] | None = None,
        cc: list[str] | str | None = None,
        bcc: list[str] | str | None = None,
        mime_subtype: str = "mixed",
        mime_charset: str = "utf-8",
        conn_id: str | None = None,
        custom_headers: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.to = to
        self.subject = subject
        self.html_content = html_content
        self.from_email = from_email
        self.files = files or []
        self.cc = cc
        self.bcc = bcc
        self.mime_subtype = mime_subtype
        self.mime_charset = mime_charset
        self.conn_id = conn_id
        self.custom_headers = custom_headers

    def execute(self, context: Any) -> None:
        """Send it."""
        with SmtpHook(smtp_conn_id=self.conn_id or mail.default_conn_id()) as hook:
            self._complete(hook, context)
            hook.send_email_smtp(
                to=self.to,
                subject=self.subject,
                html_content=self.html_content,
                from_email=self.from_email,
                files=self.files,
                cc=self.cc,
                bcc=self.bcc,
                mime_subtype=self.mime_subtype,
                mime_charset=self.mime_charset,
                custom_headers=self.custom_headers,
            )

    def _complete(self, hook: SmtpHook, context: Any) -> None:
        """What the Connection's files say instead is a template too."""
        missing = [name for name in ("subject", "html_content") if getattr(self, name) is None]
        for name in missing:
            setattr(self, name, self.render_template(hook.text_of(name, None), context))
