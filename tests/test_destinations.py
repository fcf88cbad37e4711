"""Where no mail server may be: link-local and metadata addresses, Mailrun's own services, in any spelling."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.imports import folders
from webapp import config
from webapp.destinations import may_hold_password, refusal, spelled
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.imports.problems import ImportRefused
from webapp.mailservers.reaching import address_of
from webapp.smtp.outcomes import ServerTrouble
from webapp.smtp.server_connection import ServerAddress, Waits
from webapp.smtp.transport import Conversation
from webapp.store.mailservers import MailServer

OWN = (("127.0.0.1", 8000), ("redis.example.com", 6379), ("10.0.0.5", 5432))


@pytest.mark.security("C16")
@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254", "169.254.0.1", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376", "169.254.43518",
        "::ffff:169.254.169.254", "::ffff:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe",
        "2002:a9fe:a9fe::1", "::ffff:0:169.254.169.254", "fd20:ce::254", "fd00:c1::a9fe:a9fe",
        "::169.254.169.254", "fe80::1",
        "fe80::1%eth0", "febf::1", "fd00:ec2::254", "[fd00:ec2::254]", "100.100.100.200", "169.254.169.254.",
    ],
)  # fmt: skip
def test_f13_link_local_and_metadata_addresses_are_refused(host: str) -> None:
    assert "link-local or metadata address" in refusal(host, 25)


@pytest.mark.security("C16")
@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1", 8000), ("localhost", 8000), ("LOCALHOST.", 8000), ("127.1", 8000), ("2130706433", 8000),
        ("0x7f.1", 8000), ("0177.0.0.1", 8000), ("::ffff:127.0.0.1", 8000), ("::1", 8000), ("0.0.0.0", 8000),
        ("0", 8000), ("127.8.9.10", 8000), ("web.localhost", 8000), ("Redis.Example.com", 6379),
        ("10.0.0.5", 5432), ("::ffff:10.0.0.5", 5432), ("167772165", 5432),
    ],
)  # fmt: skip
def test_f13_own_services_are_refused_in_any_spelling(host: str, port: int) -> None:
    assert "a service of Mailrun itself" in refusal(host, port, OWN)


@pytest.mark.parametrize(
    ("host", "port"),
    [
        ("127.0.0.1", 2525),
        ("smtp.example.com", 8000),
        ("10.0.0.5", 25),
        ("192.0.2.7", 8000),
        ("fd00::25", 25),
    ],
)
def test_f13_mail_servers_are_taken(host: str, port: int) -> None:
    assert refusal(host, port, OWN) == ""


def test_f13_a_name_is_no_address() -> None:
    assert spelled("smtp.example.com") is None
    assert str(spelled("::ffff:192.0.2.7")) == "192.0.2.7"


@pytest.mark.security("C16")
@pytest.mark.parametrize("engine", ["sqlite"])
def test_f13_an_import_refuses_all_of_them(runtime: Runtime, tmp_path: Path) -> None:
    for given, wanted in (
        ('host = "169.254.169.254"', "messaging.toml:3: host: 169.254.169.254 is a link-local"),
        (
            'host = "::ffff:127.0.0.1"',
            "messaging.toml:3: host: ::ffff:127.0.0.1 with port 2525 is a service of",
        ),
    ):
        text = folders.MESSAGING.replace('host = "127.0.0.1"', given)
        folder = folders.write(tmp_path / "in", messaging_toml=text)
        with pytest.raises(ImportRefused) as refused:
            import_folder(runtime.database, runtime.documents, folder, own_services=(("127.0.0.1", 2525),))
        [error] = refused.value.errors
        assert error.startswith(wanted)
    for variable in ("MAILRUN_SECRET_KEY", "mailrun_database_url", "DATABASE_URL", "PGPASSWORD"):
        text = folders.MESSAGING.replace(
            'security = "none"', f'security = "none"\npassword_env = "{variable}"'
        )
        with pytest.raises(ImportRefused) as refused:
            import_folder(
                runtime.database, runtime.documents, folders.write(tmp_path / "in", messaging_toml=text)
            )
        assert "password_env: is " in refused.value.errors[0]
    assert may_hold_password("SMTP_PASSWORD")


@pytest.mark.security("C16")
def test_f13_where_the_connection_leads_is_checked_too() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        for own_host in ("127.0.0.1", "0.0.0.0", "localhost"):
            address = ServerAddress("localhost", port, "none", own_services=((own_host, port),))
            trouble = Conversation(address, Waits(2, 2)).open()
            assert isinstance(trouble, ServerTrouble)
            assert "is a service of Mailrun itself" in trouble.words


@pytest.mark.security("C16")
def test_f13_no_server_is_sent_a_secret_of_our_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MAILRUN_SECRET_KEY", "x" * 40)
    monkeypatch.setenv("SMTP_PASSWORD", "good")
    settings = config.load({"MAILRUN_HOME": str(tmp_path), "MAILRUN_REDIS_URL": "redis://cache.test/0"})
    server = MailServer(
        host="h",
        port=25,
        security="none",
        username="u",
        password_env="MAILRUN_SECRET_KEY",
        refused_logins="",
    )
    assert address_of(server, settings).password == ""
    server.password_env = "SMTP_PASSWORD"
    assert address_of(server, settings).password == "good"
    assert settings.own_services == (("127.0.0.1", 8000), ("cache.test", 6379))
