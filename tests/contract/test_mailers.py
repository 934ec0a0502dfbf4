"""What every `ports.mail.Mailer` holds to, and what SMTP does beside it, against a real server."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support import mail_server, rows
from tradewind.mail import smtp
from tradewind.ports import errors
from tradewind.ports import mail as port
from tradewind.ports import vault as vault_port
from tradewind.testing.memory_mailer import MemoryMailer

pytestmark = pytest.mark.anyio


@dataclasses.dataclass
class Side:
    """One implementation with the world behind it."""

    mailer: port.Mailer
    taken: Callable[[], int]
    refuse: Callable[[str], None]
    defer: Callable[[str], None]
    go_away: Callable[[], Awaitable[None]]
    unset: Callable[[], None]


def mail(*to: str, key: str = "k") -> port.Mail:
    return port.Mail(
        key=key, to=to or ("a@example.com",), subject="s\nt", text="té\n.\n", html="<b>té</b>", at=rows.START
    )


@pytest.fixture(params=["memory", "smtp"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    if request.param == "memory":
        memory = MemoryMailer()

        async def away() -> None:
            memory.fails = errors.Transient("gone")

        yield Side(
            mailer=memory,
            taken=lambda: len(memory.taken),
            refuse=memory.refused.add,
            defer=memory.deferred.add,
            go_away=away,
            unset=lambda: setattr(memory, "where", None),
        )
        return
    with mail_server.serving() as server:
        found: dict[str, Any] = {"smtp_default": of(server)}
        yield Side(
            mailer=mailer(found),
            taken=lambda: len(server.taken),
            refuse=lambda address: server.refused.update({address: "550 no such user"}),
            defer=lambda address: server.refused.update({address: "450 come again"}),
            go_away=lambda: asyncio.to_thread(server.stop),
            unset=found.clear,
        )


def mailer(found: dict[str, vault_port.Connection]) -> smtp.SmtpMailer:
    async def find(conn_id: str) -> vault_port.Connection | None:
        return found.get(conn_id)

    return smtp.SmtpMailer(conn_id="smtp_default", find_connection=find)


def of(server: mail_server.MailServer, *, login: str = "", password: str = "", **extra: Any) -> vault_port.Connection:
    told = {"disable_ssl": server.tls != "ssl", "disable_tls": server.tls != "starttls", "timeout": 5, **extra}
    return vault_port.Connection(
        conn_id="smtp_default",
        conn_type="smtp",
        host=mail_server.HOST,
        port=server.port,
        login=login,
        password=password,
        extra=json.dumps(told),
    )


# -- every mailer --------------------------------------------------------------------------------------------------


async def test_a_mail_is_taken(side: Side) -> None:
    await side.mailer.send(mail())
    assert side.taken() == 1
    assert await side.mailer.find_server()


async def test_a_look_at_the_server_sends_nothing(side: Side) -> None:
    await side.mailer.check()
    assert side.taken() == 0


async def test_a_mail_whose_addresses_are_all_refused_is_refused_for_good(side: Side) -> None:
    side.refuse("a@example.com")
    with pytest.raises(errors.Rejected) as raised:
        await side.mailer.send(mail())
    assert raised.value.code == "mail-refused"


async def test_a_mail_that_one_of_its_addresses_takes_is_sent(side: Side) -> None:
    side.refuse("a@example.com")
    await side.mailer.send(mail("a@example.com", "b@example.com"))
    assert side.taken() == 1


async def test_an_address_that_is_not_taken_now_is_for_later(side: Side) -> None:
    side.defer("a@example.com")
    with pytest.raises(port.Deferred):
        await side.mailer.send(mail())


async def test_a_mail_to_nobody_is_refused(side: Side) -> None:
    empty = port.Mail(key="k", to=(), subject="s", text="t", html="t", at=rows.START)
    with pytest.raises(errors.Rejected) as raised:
        await side.mailer.send(empty)
    assert raised.value.code == "mail-refused"


async def test_a_server_that_is_away_is_worth_another_try(side: Side) -> None:
    await side.go_away()
    for call in (side.mailer.check, lambda: side.mailer.send(mail())):
        with pytest.raises(errors.Transient) as raised:
            await call()
        assert not isinstance(raised.value, port.Deferred)


async def test_without_a_server_that_is_said(side: Side) -> None:
    side.unset()
    assert await side.mailer.find_server() is None
    with pytest.raises(errors.NotFound):
        await side.mailer.send(mail())


# -- SMTP ----------------------------------------------------------------------------------------------------------


async def test_a_message_has_text_html_and_an_id_that_its_key_gives() -> None:
    with mail_server.serving() as server:
        sends = mailer({"smtp_default": of(server, from_email="Ops <ops@example.com>")})
        await sends.send(mail("a@example.com", "Bé <b@example.com>"))
        await sends.send(mail("a@example.com"))
        await sends.send(mail("a@example.com", key="other"))
    first, again, other = server.taken
    assert (first["Subject"], first["From"]) == ("s t", "Ops <ops@example.com>")
    assert server.envelopes[0] == ("ops@example.com", ("a@example.com", "b@example.com"))
    assert mail_server.part(first, "text/plain") == "té\n.\n"
    assert mail_server.part(first, "text/html").strip() == "<b>té</b>"
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]


@pytest.mark.parametrize("tls", ["ssl", "starttls"])
async def test_a_server_with_tls_is_spoken_to_where_its_certificate_is_known(tls: str, tmp_path: Path) -> None:
    certificate = mail_server.certificate(tmp_path)
    with mail_server.serving(tls=tls, certificate=certificate, login=("me", "secret")) as server:
        known = of(server, login="me", password="secret", ca_file=str(certificate))
        await mailer({"smtp_default": known}).send(mail())
        await mailer({"smtp_default": of(server, login="me", password="secret", ssl_context="none")}).send(mail())
        with pytest.raises(errors.Transient, match="not trusted"):
            await mailer({"smtp_default": of(server, login="me", password="secret")}).send(mail())
    assert len(server.taken) == 2


async def test_a_wrong_password_is_told_and_not_shown() -> None:
    with mail_server.serving(login=("me", "secret")) as server:
        with pytest.raises(errors.Unauthorized) as raised:
            await mailer({"smtp_default": of(server, login="me", password="guess")}).send(mail())
        assert (raised.value.code, raised.value.retryable) == ("mail-login-refused", True)
        assert "guess" not in str(raised.value)


async def test_a_server_without_starttls_gets_neither_password_nor_mail() -> None:
    with mail_server.serving() as server:
        told = of(server, login="me", password="secret", disable_tls=False)
        with pytest.raises(errors.Transient, match="STARTTLS"):
            await mailer({"smtp_default": told}).send(mail())
    assert server.taken == []


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("451 later", port.Deferred), ("554 spam", errors.Rejected), ("421 going down", errors.Transient)],
)
async def test_an_answer_to_the_content_is_for_now_or_for_good(answer: str, kind: type[Exception]) -> None:
    with mail_server.serving(data_answer=answer) as server:
        with pytest.raises(kind) as raised:
            await mailer({"smtp_default": of(server)}).send(mail())
        assert type(raised.value) is kind


async def test_a_server_that_never_answers_costs_its_timeout() -> None:
    held: list[asyncio.StreamWriter] = []

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    server = await asyncio.start_server(silent, mail_server.HOST, 0)
    told = of(mail_server.MailServer(port=server.sockets[0].getsockname()[1]), timeout=0.2)
    with pytest.raises(errors.Transient, match="timed out"):
        await mailer({"smtp_default": told}).check()
    for writer in held:
        writer.close()
    server.close()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({}, "no host"),
        ({"host": "h", "extra": '{"auth_type": "oauth2"}'}, "auth_type"),
        ({"host": "h", "extra": "{"}, "Expecting"),
    ],
)
async def test_a_connection_that_cannot_be_used_says_why(fields: dict[str, Any], message: str) -> None:
    found = {"smtp_default": vault_port.Connection(conn_id="smtp_default", **fields)}
    with pytest.raises(errors.Rejected, match=message) as raised:
        await mailer(found).find_server()
    assert raised.value.code == "bad-mail-connection"
