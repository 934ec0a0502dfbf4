"""What DAG files send: `send_email`, the hook, the operator and the notifier, to a real server."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import mail_server
from tests.unit.sdk.asked import Asked
from tradewind.model.mail_server import addresses, of_connection
from tradewind.sdk import errors, supervision
from tradewind.sdk.definition import DAG
from tradewind.sdk.hooks.smtp import SmtpHook
from tradewind.sdk.mail import send_email
from tradewind.sdk.mail_notifier import SmtpNotifier
from tradewind.sdk.operators.email import EmailOperator


@pytest.fixture
def asked() -> Iterator[Asked]:
    one: Any = Asked()
    with supervision.installed(one):
        yield one


@pytest.fixture
def server(asked: Asked) -> Iterator[mail_server.MailServer]:
    with mail_server.serving() as one:
        asked.connections["smtp_default"] = connection(one)
        yield one


def connection(server: mail_server.MailServer, **fields: Any) -> dict[str, Any]:
    extra = {
        "disable_ssl": server.tls != "ssl",
        "disable_tls": server.tls != "starttls",
        "from_email": "dags@example.com",
    }
    extra |= fields.pop("extra", {})
    found = {"conn_type": "smtp", "host": mail_server.HOST, "port": server.port, "extra": json.dumps(extra)}
    return found | fields


def test_a_mail_goes_to_all_and_shows_all_but_blind_copies(
    server: mail_server.MailServer, tmp_path: pathlib.Path
) -> None:
    report = tmp_path / "report.csv"
    report.write_bytes(b"a,b\n1,2\n")
    send_email(
        to="a@example.com; b@example.com",
        subject="Rows of\ntoday",
        html_content="<b>té</b>",
        files=[str(report)],
        cc=["c@example.com"],
        bcc="d@example.com",
        custom_headers={"X-Team": "data", "Reply-To": "r@example.com"},
    )
    (mail,) = server.taken
    assert server.envelopes == [("dags@example.com", tuple(f"{one}@example.com" for one in "abcd"))]
    assert (mail["To"], mail["CC"], mail["BCC"]) == ("a@example.com, b@example.com", "c@example.com", None)
    assert (mail["Subject"], mail["X-Team"], mail["Reply-To"]) == ("Rows of today", "data", "r@example.com")
    assert mail.get_content_type() == "multipart/mixed"
    assert mail_server.part(mail, "text/html") == "<b>té</b>"
    (attached,) = [part for part in mail.walk() if part.get_filename()]
    assert (attached.get_filename(), attached.get_payload(decode=True)) == ("report.csv", b"a,b\n1,2\n")


def test_a_dry_run_sends_nothing(server: mail_server.MailServer) -> None:
    send_email("a@example.com", "s", "h", dryrun=True)
    assert server.taken == []


def test_another_connection_may_be_named_and_speak_tls(asked: Asked, tmp_path: pathlib.Path) -> None:
    certificate = mail_server.certificate(tmp_path)
    for tls in ("ssl", "starttls"):
        with mail_server.serving(tls=tls, certificate=certificate, login=("me", "pw")) as server:
            known = {"login": "me", "password": "pw", "extra": {"ca_file": str(certificate)}}
            asked.connections["other"] = connection(server, **known)
            send_email("a@example.com", "s", "h", conn_id="other")
            assert len(server.taken) == 1
            asked.connections["other"] = connection(server, **(known | {"password": "guess"}))
            with pytest.raises(errors.AirflowException, match="535") as raised:
                send_email("a@example.com", "s", "h", conn_id="other")
            assert "guess" not in str(raised.value)
            asked.connections["other"] = connection(server, login="me", password="pw")
            with pytest.raises(errors.AirflowException, match="certificate"):
                send_email("a@example.com", "s", "h", conn_id="other")
            assert len(server.taken) == 1


def test_without_a_connection_the_error_names_it(asked: Asked) -> None:
    with pytest.raises(errors.AirflowNotFoundException, match="smtp_default"):
        send_email("a@example.com", "s", "h")


def test_a_server_that_is_away_is_an_error_with_its_place(asked: Asked) -> None:
    with mail_server.serving() as server:
        asked.connections["smtp_default"] = connection(server, extra={"retry_limit": 1})
    with pytest.raises(errors.AirflowException, match=f"127.0.0.1:{server.port}.*refused"):
        send_email("a@example.com", "s", "h")


def test_a_mail_to_nobody_is_an_error(server: mail_server.MailServer) -> None:
    with pytest.raises(errors.AirflowException, match="no address"):
        send_email("", "s", "h")


def test_the_hook_says_what_its_connection_says(asked: Asked) -> None:
    asked.connections["smtp_default"] = {"conn_type": "smtp", "host": "h", "login": "me@example.com", "password": "pw"}
    hook = SmtpHook()
    assert (hook.host, hook.port, hook.use_ssl, hook.smtp_starttls) == ("h", 465, True, False)
    assert (hook.smtp_user, hook.smtp_password, hook.from_email) == ("me@example.com", "pw", None)
    assert hook.sender == "me@example.com"
    assert "pw" not in repr(hook.server)


@pytest.mark.parametrize(
    ("port", "extra", "ssl", "starttls", "where"),
    [
        (None, {}, True, False, 465),
        (2525, {}, True, False, 2525),
        (587, {}, False, True, 587),
        (25, {"disable_tls": True}, False, False, 25),
        (587, {"disable_ssl": False}, True, False, 587),
        (None, {"disable_ssl": "true"}, False, True, 25),
    ],
)
def test_a_port_tells_how_tls_begins_where_the_extra_does_not(
    port: int | None, extra: dict[str, Any], ssl: bool, starttls: bool, where: int
) -> None:
    found = of_connection(host="h", port=port, login=None, password=None, extra=extra)
    assert (found.ssl, found.starttls, found.port) == (ssl, starttls, where)


def test_addresses_are_told_apart_and_told_once() -> None:
    assert addresses("a@x, b@x;c@x ,") == ["a@x", "b@x", "c@x"]
    assert addresses(["a@x", "b@x, a@x"]) == ["a@x", "b@x"]
    assert addresses(None) == []


def test_the_operator_sends_what_its_fields_say(server: mail_server.MailServer) -> None:
    with DAG("d", schedule=None):
        task = EmailOperator(
            task_id="t", to=["a@example.com"], subject="s", html_content="<p>h</p>", cc="c@example.com"
        )
    task.execute({})
    (mail,) = server.taken
    assert (mail["Subject"], mail["To"], mail["CC"]) == ("s", "a@example.com", "c@example.com")


def test_the_operator_takes_missing_texts_from_the_files_that_the_connection_names(
    asked: Asked, server: mail_server.MailServer, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "subject").write_text("of {{ ds }}\n")
    (tmp_path / "content").write_text("<p>\n{{ ds }}</p>\n")
    extra = {"subject_template": str(tmp_path / "subject"), "html_content_template": str(tmp_path / "content")}
    asked.connections["smtp_default"] = connection(server, extra=extra)
    with DAG("d", schedule=None):
        task = EmailOperator(task_id="t", to="a@example.com")
    task.execute({"ds": "2026-01-31"})
    (mail,) = server.taken
    assert mail["Subject"] == "of 2026-01-31"
    assert mail_server.part(mail, "text/html") == "<p>2026-01-31</p>"


def test_an_operator_without_a_subject_anywhere_fails(server: mail_server.MailServer) -> None:
    with DAG("d", schedule=None):
        task = EmailOperator(task_id="t", to="a@example.com", html_content="h")
    with pytest.raises(errors.AirflowException, match="subject_template"):
        task.execute({})
    assert server.taken == []


def test_the_notifier_renders_what_it_says(server: mail_server.MailServer) -> None:
    with DAG("d", schedule=None) as dag:
        pass
    context = {"dag": dag, "run_id": "r1", "ti": None}
    SmtpNotifier(to="a@example.com")(context)
    SmtpNotifier(to="{{ run_id }}@example.com", subject="of {{ run_id }}", html_content="h")(context)
    first, second = server.taken
    assert first["Subject"] == "d (r1)"
    assert (second["To"], second["Subject"]) == ("r1@example.com", "of r1")
