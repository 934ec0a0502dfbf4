"""A failing DAG, a server of ours and a real mail server: what arrives, and what a mail server that is away does."""

from __future__ import annotations

import json
import os
import pathlib
import time
import urllib.request
from collections.abc import Callable

import pytest

from tests.support import mail_server, server

DAGS = """
from airflow.sdk import DAG, task

with DAG("fails", schedule=None, default_args={"email": ["ops@example.com"], "email_on_retry": True}):
    @task(retries=1, retry_delay=0)
    def load():
        from airflow.sdk import Variable
        print("rows so far: 17, key", Variable.get("api_key"))
        raise ValueError("no rows for today")
    load()
"""


SENDS = """
from airflow.operators.email import EmailOperator
from airflow.sdk import DAG, task
from airflow.utils.email import send_email

with DAG("sends", schedule=None, default_args={"email": "ops@example.com"}):
    report = EmailOperator(
        task_id="report", to="boss@example.com", subject="Rows of {{ ds }}", html_content="report.html"
    )

    @task
    def load():
        send_email("team@example.com", "loaded", "<p>all</p>")
        raise ValueError("no rows for today")

    report >> load()
"""


def test_one_run_sends_its_own_mail_and_that_of_its_failure_to_the_server_of_the_settings(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sends.py").write_text(SENDS)
    (tmp_path / "report.html").write_text("<p>{{ run_id }}</p>")
    with mail_server.serving() as mails:
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_HOST", mail_server.HOST)
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_PORT", str(mails.port))
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_STARTTLS", "false")
        monkeypatch.setenv("AIRFLOW__SMTP__SMTP_MAIL_FROM", "airflow@example.com")
        told = server.tradewind("run", str(tmp_path / "sends.py"), "--logical-date", "2026-01-31", check=False)
    assert told.returncode == 1, told.stderr
    found = {str(mail["To"]): mail for mail in mails.taken}
    assert sorted(found) == ["boss@example.com", "ops@example.com", "team@example.com"]
    assert {str(mail["From"]) for mail in mails.taken} == {"airflow@example.com"}
    assert found["boss@example.com"]["Subject"] == "Rows of 2026-01-31"
    assert "manual__2026-01-31" in mail_server.part(found["boss@example.com"], "text/html")
    assert "no rows for today" in mail_server.part(found["ops@example.com"], "text/plain").splitlines()[0]


@pytest.fixture
def dags(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "dags"
    folder.mkdir()
    (folder / "dags.py").write_text(DAGS)
    return folder


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it does not come about"
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.timeout(120)
def test_each_failed_try_arrives_once_over_tls_and_waits_while_the_mail_server_is_away(
    dags: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = mail_server.certificate(tmp_path)
    mails = mail_server.MailServer(tls="starttls", certificate=certificate, login=("me", "of a secret"))
    mails.start()
    mails.stop()  # its port is known, and nobody listens there
    password = tmp_path / "password"
    password.write_text("of a secret\n")
    told = {
        "AIRFLOW__SMTP__SMTP_HOST": mail_server.HOST,
        "AIRFLOW__SMTP__SMTP_PORT": str(mails.port),
        "AIRFLOW__SMTP__SMTP_USER": "me",
        "TRADEWIND_MAIL__PASSWORD_FILE": str(password),
        "TRADEWIND_MAIL__CA_FILE": str(certificate),
        "AIRFLOW__SMTP__SMTP_MAIL_FROM": "airflow@example.com",
        "AIRFLOW_VAR_API_KEY": "s3cr3t-of-the-api",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with server.Server(tmp_path / "home", dags) as running:
        running.trigger("fails", "r1")
        assert running.wait_run("fails", "r1")["state"] == "failed"
        until(lambda: running.health()["mail"]["failing"] == 2)
        looked = server.tradewind("doctor", "--home", str(running.home), check=False).stdout
        assert "mails wait" in " ".join(looked.split())
        mails.start()
        try:
            until(lambda: len(mails.taken) == 2)
            until(lambda: running.health()["mail"]["failing"] == 0)
            address = json.loads((running.home / "standalone.json").read_text())["metrics"]
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert 'tradewind_mails_total{result="sent"} 2' in answer.read().decode()
            looked = server.tradewind("doctor", "--home", str(running.home), check=False).stdout
            assert "which lets us in" in " ".join(looked.split())
        finally:
            mails.stop()
    first, last = sorted(mails.taken, key=lambda mail: str(mail["Subject"]), reverse=True)
    assert first["Subject"] == "fails.load failed in try 1, will be tried again (r1)"
    assert last["Subject"] == "fails.load failed (r1)"
    assert (last["From"], last["To"]) == ("airflow@example.com", "ops@example.com")
    text, html = mail_server.part(last, "text/plain"), mail_server.part(last, "text/html")
    assert text.splitlines()[0].endswith("no rows for today") or "no rows for today" in text.splitlines()[0]
    assert "rows so far: 17" in text
    assert "2 of 2" in text
    assert "s3cr3t" not in text + html
    assert "<strong>" in html
    assert os.environ["AIRFLOW_VAR_API_KEY"] not in str(last)
