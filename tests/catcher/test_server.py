"""The catcher as a process, over real SMTP."""

from __future__ import annotations

import shutil
import smtplib
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.launch.launched import Launched, launched
from webapp.catcher.box import Box

CATCHER = [sys.executable, "-m", "webapp", "catcher"]


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.fixture
def catcher(tmp_path: Path, port: int) -> Iterator[Launched]:
    with launched(tmp_path / "home", CATCHER, {"MAILRUN_CATCHER_PORT": str(port)}) as started:
        started.wait_for("Catching mails")
        _connect(port).quit()
        yield started


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "home" / "caught")


def _connect(port: int) -> smtplib.SMTP:
    for _ in range(100):
        try:
            return smtplib.SMTP("127.0.0.1", port, "localhost", timeout=10)
        except ConnectionRefusedError:
            time.sleep(0.05)
    raise AssertionError("no one listens")


def _mail(subject: str = "Rechnung für Köln") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "invoicing@noordlicht.example"
    message["To"] = "Bäckerei <rechnung@baeckerei.example>"
    message["Subject"] = subject
    message.set_content("Guten Tag")
    return message


def test_a_mail_is_kept_byte_for_byte_with_its_envelope(catcher: Launched, port: int, box: Box) -> None:
    raw = b"From: a@x.example\r\nTo: b@x.example\r\nSubject: dots\r\n\r\n.\r\n..two\r\nbare\r\n\r\nend\r\n"
    with _connect(port) as smtp:
        smtp.ehlo()
        smtp.mail("bounces@x.example")
        smtp.rcpt("b@x.example")
        smtp.rcpt("Secret@archive.example")
        code, words = smtp.data(raw)
    assert code == 250
    [id] = box.ids()
    assert id in words.decode()
    assert box.content(id) == raw
    caught = box.summary(id)
    assert caught is not None
    assert caught.mail_from == "bounces@x.example"
    assert caught.to == ("b@x.example",)
    assert caught.bcc == ("Secret@archive.example",)
    assert caught.subject == "dots"
    assert caught.size == len(raw)


def test_a_subject_and_names_beyond_ascii_are_read(catcher: Launched, port: int, box: Box) -> None:
    with _connect(port) as smtp:
        smtp.send_message(_mail())
    caught = box.summary(box.ids()[0])
    assert caught is not None
    assert caught.subject == "Rechnung für Köln"
    assert caught.bcc == ()


def test_mails_from_many_connections_at_once_are_all_kept(catcher: Launched, port: int, box: Box) -> None:
    def send(number: int) -> None:
        with _connect(port) as smtp:
            for turn in range(25):
                smtp.send_message(_mail(f"mail {number}.{turn}"))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, range(4)))
    found = [box.summary(id) for id in box.ids()]
    assert {caught.subject for caught in found if caught} == {
        f"mail {n}.{t}" for n in range(4) for t in range(25)
    }
    assert not list(box.folder.glob(".*"))


def test_it_listens_to_this_machine_only(catcher: Launched, port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), timeout=2).close()


def test_it_ends_at_once_with_a_connection_open(catcher: Launched, port: int) -> None:
    with _connect(port):
        catcher.process.terminate()
        assert catcher.process.wait(5) == 0


def test_a_taken_port_is_told_in_words(catcher: Launched, tmp_path: Path, port: int) -> None:
    with launched(tmp_path / "other", CATCHER, {"MAILRUN_CATCHER_PORT": str(port)}) as second:
        assert second.process.wait(20) == 1
        assert f"cannot listen on 127.0.0.1 port {port}" in second.said()
        assert "Traceback" not in second.said()


def test_a_full_disk_is_answered_with_a_temporary_refusal(
    catcher: Launched, port: int, box: Box, tmp_path: Path
) -> None:
    shutil.rmtree(box.folder)
    box.folder.write_text("in the way")
    with _connect(port) as smtp, pytest.raises(smtplib.SMTPDataError) as refused:
        smtp.send_message(_mail())
    assert refused.value.smtp_code == 452
