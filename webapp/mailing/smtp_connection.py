"""Opens a connection to a mail server: greeting, encryption, login.

The configuration and the Connection are Flask-Mail's; the socket and the dialogue are smtplib's, with a
deadline on every wait (smtp_client.py)."""

from __future__ import annotations

import smtplib
import socket
import ssl
from dataclasses import dataclass
from typing import Any, cast

import flask_mail

from webapp.destinations import Service
from webapp.mailing.smtp_client import BoundedTls, ConnectionLost, DeadlineSMTP


@dataclass(frozen=True)
class ServerAddress:
    """How to reach a mail server. `security` is "none", "starttls" or "tls"; its certificate goes unverified
    only where a setting names the server."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = ""
    believes_any_certificate: bool = False
    own_services: tuple[Service, ...] = ()


@dataclass(frozen=True)
class Waits:
    """Seconds to wait for any reply, and for the reply to the final dot (RFC 5321, 4.5.3.2.6, asks for ten
    minutes)."""

    reply: float
    data: float


@dataclass
class ServerConnection(flask_mail.Connection):
    """A connection to a mail server, as Flask-Mail configures it."""

    address: ServerAddress
    waits: Waits

    def __post_init__(self) -> None:
        security = self.address.security
        config = {
            "MAIL_SERVER": self.address.host,
            "MAIL_PORT": self.address.port,
            "MAIL_USE_TLS": security == "starttls",
            "MAIL_USE_SSL": security == "tls",
            "MAIL_USERNAME": self.address.username or None,
            "MAIL_PASSWORD": self.address.password or None,
        }
        state = flask_mail.Mail().init_mail(config, debug=False, testing=False)
        super().__init__(cast(flask_mail.Mail, state))

    def configure_host(self) -> DeadlineSMTP:
        """Connect, greet, encrypt, log in. Raises ConnectionLost, OSError or smtplib.SMTPException."""
        context = self._tls() if self.mail.use_ssl or self.mail.use_tls else None
        kind = BoundedTls if self.mail.use_ssl else DeadlineSMTP
        options: dict[str, Any] = {"context": context} if self.mail.use_ssl else {}
        smtp = kind(timeout=self.waits.reply, local_hostname=_own_name(), **options)
        smtp.reply_wait, smtp.own_services = self.waits.reply, self.address.own_services
        smtp._host = self.mail.server  # type: ignore[attr-defined]  # the name that the certificate must have
        try:
            code, text = self._connected(smtp)
            if code != 220:
                raise smtplib.SMTPConnectError(code, text)
            smtp.ehlo_or_helo_if_needed()
            if context is not None and self.mail.use_tls:
                smtp.begin_tls(context)
            if self.mail.username:
                self._log_in(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _connected(self, smtp: DeadlineSMTP) -> tuple[int, bytes]:
        try:
            return smtp.connect(self.mail.server, self.mail.port)
        except UnicodeError:
            raise ConnectionLost(f"“{self.mail.server}” cannot be the name of a host") from None

    def _log_in(self, smtp: DeadlineSMTP) -> None:
        """Errors of smtplib about non-ASCII characters quote the password: they are not passed on."""
        try:
            smtp.login(self.mail.username or "", self.mail.password or "")
        except UnicodeError:
            raise ConnectionLost(
                "the user name or the password has a letter, such as ä, that no login can carry"
            ) from None
        except ValueError:
            raise ConnectionLost("what the server says to the login makes no sense") from None

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.address.believes_any_certificate:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def _own_name() -> str:
    """Our name in EHLO: this machine's name if it is fully qualified, else an address literal."""
    name = socket.gethostname()
    return name if "." in name and name.isascii() else "[127.0.0.1]"
