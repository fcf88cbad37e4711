"""How a mail server is reached: its row, with what the settings and the environment add."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from webapp import config
from webapp.config import Settings
from webapp.errors import SettingError
from webapp.mailservers.reaching import address_of
from webapp.store.mailservers import MailServer

SERVER = {"host": "smtp.example.com", "port": 25, "security": "none", "refused_logins": "", "ehlo_name": ""}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return config.load({"MAILRUN_HOME": str(tmp_path)})


def server(**fields: object) -> MailServer:
    return MailServer(**{**SERVER, "username": "", "password_env": "", **fields})


@pytest.mark.parametrize(
    ("environ", "dotenv", "password", "missing"),
    [
        ("one", "", "one", ""),
        ("", "two", "two", ""),
        ("one", "two", "one", ""),
        ("", "", "", "MAIL_PASSWORD_1"),
    ],
)
def test_b8_the_password_is_in_the_environment_or_in_dotenv(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    environ: str,
    dotenv: str,
    password: str,
    missing: str,
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD_1", environ)
    named = server(username="mailrun", password_env="MAIL_PASSWORD_1")
    address = address_of(named, replace(settings, dotenv={"MAIL_PASSWORD_1": dotenv}))
    assert (address.password, address.missing_variable) == (password, missing)


def test_b8_dotenv_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MAILRUN_HOME", str(tmp_path / "home"))
    (tmp_path / ".env").write_text("MAIL_PASSWORD_1=geheim\n")
    settings = config.load()
    assert address_of(server(username="m", password_env="MAIL_PASSWORD_1"), settings).password == "geheim"
    assert "geheim" not in repr(settings)


def test_b8_without_a_login_no_variable_is_missing(settings: Settings) -> None:
    assert address_of(server(password_env="MAIL_PASSWORD_1"), settings).missing_variable == ""


def test_b3_the_servers_own_name_comes_first(settings: Settings) -> None:
    ours = replace(settings, ehlo_name="us.example.com")
    assert address_of(server(), ours).ehlo_name == "us.example.com"
    assert address_of(server(ehlo_name="here.example.com"), ours).ehlo_name == "here.example.com"


@pytest.mark.parametrize("name", ["web_1.example.com", "web1", "a b.example.com"])
def test_b3_a_wrong_name_is_refused_at_start(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingError, match="MAILRUN_EHLO_NAME"):
        config.load({"MAILRUN_HOME": str(tmp_path), "MAILRUN_EHLO_NAME": name})
