"""Opens a connection to a mail server: our name, greeting, encryption, login; and what keeps it from opening.

The configuration and the Connection are Flask-Mail's; the socket and the dialogue are smtplib's, with a
deadline on every wait (client.py)."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

import flask_mail

from webapp.destinations import Service, peer_refusal
from webapp.smtp.causes import SetupCause
from webapp.smtp.client import BoundedTls, ConnectionLost, DeadlineSMTP, TokenMissing, WrongSetup, describe
from webapp.smtp.envelope import our_name_refused
from webapp.smtp.login import Login, TryAgain, spellings
from webapp.smtp.outcomes import Reply, ServerTrouble
from webapp.smtp.own_name import own_name
from webapp.store.statuses import TroubleKind
from webapp.store.types import storable
from webapp.translation import N_

UNREADABLE_PASSWORD = N_("its password cannot be read: %(why)s")
MISSING_PASSWORD = N_(
    "the environment variable %(variable)s, which is to hold its password, is not set; set it in the "
    "environment of the workers or in .env, and restart them"
)
NO_STARTTLS = N_(
    "it does not offer STARTTLS on port %(port)s: choose tls if that port expects encryption from the start, "
    "or none if nothing there is encrypted"
)
NO_HOST_NAME = N_("“%(host)s” cannot be the name of a host")
NO_TLS = N_("it does not speak TLS on port %(port)s: choose starttls or none")
TLS_AT_ONCE = N_("it expects TLS from the start on port %(port)s: choose tls")
LOGIN_REFUSED = N_("it refuses the login: %(reply)s")

TLS_TRY_SECONDS = 5.0
"""How long a server that did not greet is given to answer a TLS handshake, only to tell what is wrong."""
_NOT_TLS = ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG")
"""How OpenSSL names bytes that are not TLS."""


@dataclass(frozen=True)
class ServerAddress:
    """How to reach a mail server. `security` is "none", "starttls" or "tls"; its certificate goes unverified
    only where a setting names the server. `ehlo_name`: our name in EHLO; empty: this machine's.
    `refused_logins`: mechanisms that it offers and does not carry out. `missing_variable`: the environment
    variable that should hold the password, if it is not set. `unreadable_password`: why the stored one cannot
    be read. `access_token`: gives the token to log in with in the place of a password, another one if it is
    told one that the server refused; raises TokenMissing. `authorities`: certificates in PEM that this
    server's may be issued by, beside those that this machine knows."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = ""
    believes_any_certificate: bool = False
    own_services: tuple[Service, ...] = ()
    ehlo_name: str = ""
    refused_logins: tuple[str, ...] = ()
    missing_variable: str = ""
    unreadable_password: str = ""
    authorities: str = ""
    access_token: Callable[[str], str] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Waits:
    """Seconds to wait for any reply, and for the reply to the final dot (RFC 5321, 4.5.3.2.6, asks for ten
    minutes)."""

    reply: float
    data: float


@dataclass
class ServerConnection(flask_mail.Connection):
    """A connection to a mail server, as Flask-Mail configures it. `refused_logins`: the login mechanisms that
    the server turned out not to carry out; to be remembered."""

    address: ServerAddress
    waits: Waits
    plain_client: Callable[..., DeadlineSMTP] = field(default=DeadlineSMTP, kw_only=True)
    tls_client: Callable[..., DeadlineSMTP] = field(default=BoundedTls, kw_only=True)

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
        self.refused_logins = self.address.refused_logins
        state = flask_mail.Mail().init_mail(config, debug=False, testing=False)
        super().__init__(cast(flask_mail.Mail, state))

    def configure_host(self) -> DeadlineSMTP:
        """Connect, greet, encrypt, log in. Raises ConnectionLost, OSError or smtplib.SMTPException."""
        if self.address.unreadable_password:
            words = UNREADABLE_PASSWORD % {"why": self.address.unreadable_password}
            raise WrongSetup(words, SetupCause.PASSWORD_MISSING)
        if self.address.missing_variable:
            raise WrongSetup(
                MISSING_PASSWORD % {"variable": self.address.missing_variable},
                SetupCause.PASSWORD_MISSING,
            )
        login = self._login()
        while True:
            smtp = self._greeted(login)
            try:
                if login.username:
                    login.on(smtp)
                    self.refused_logins = tuple(dict.fromkeys((*self.refused_logins, *login.refused)))
            except TryAgain:
                smtp.close()
                continue
            except BaseException as error:
                smtp.close()
                if not _is_refused_token(login, error):
                    raise
                login = self._login(login.token)  # it may have ended early, or been revoked: once more
                continue
            return smtp

    def _login(self, refused: str = "") -> Login:
        ask = self.address.access_token
        token = ask(refused) if ask else ""
        username, password = self.mail.username or "", self.mail.password or ""
        return Login(username, password, self.refused_logins, token, is_last=bool(refused))

    def _greeted(self, login: Login) -> DeadlineSMTP:
        """A connection that is greeted and encrypted."""
        context = self._tls() if self.mail.use_ssl or self.mail.use_tls else None
        kind = self.tls_client if self.mail.use_ssl else self.plain_client
        options: dict[str, Any] = {"context": context} if self.mail.use_ssl else {}
        smtp = kind(timeout=self.waits.reply, local_hostname="localhost", **options)
        smtp.reply_wait, smtp.own_services = self.waits.reply, self.address.own_services
        smtp.secrets = spellings(login.username, login.password, login.token)
        smtp._host = self.mail.server  # type: ignore[attr-defined]  # the name that the certificate must have
        try:
            code, text = self._connected(smtp)
            if code != 220:
                raise smtplib.SMTPConnectError(code, text)
            assert smtp.sock is not None
            smtp.local_hostname = self.address.ehlo_name or own_name(smtp.sock)
            smtp.ehlo_or_helo_if_needed()
            if context is not None and self.mail.use_tls:
                if not smtp.has_extn("starttls"):
                    raise WrongSetup(NO_STARTTLS % {"port": self.mail.port}, SetupCause.NO_STARTTLS)
                smtp.begin_tls(context)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _connected(self, smtp: DeadlineSMTP) -> tuple[int, bytes]:
        port = self.mail.port
        try:
            return smtp.connect(self.mail.server, port)
        except UnicodeError:
            raise ConnectionLost(NO_HOST_NAME % {"host": self.mail.server}) from None
        except ssl.SSLError as error:
            if error.reason in _NOT_TLS:
                raise WrongSetup(NO_TLS % {"port": port}, SetupCause.SPEAKS_NO_TLS) from None
            raise
        except ConnectionLost:
            if not self.mail.use_ssl and smtp.sock is not None and self._speaks_tls():
                raise WrongSetup(TLS_AT_ONCE % {"port": port}, SetupCause.NEEDS_TLS_AT_ONCE) from None
            raise

    def _speaks_tls(self) -> bool:
        """Whether the server answers a TLS handshake. One that does waits for it, and never greets."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with suppress(OSError):
            seconds = min(TLS_TRY_SECONDS, self.waits.reply)
            with (
                socket.create_connection((self.mail.server, self.mail.port), seconds) as sock,
            ):
                if peer_refusal(sock, self.address.own_services):
                    return False
                context.wrap_socket(sock).close()
                return True
        return False

    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.address.authorities:
            context.load_verify_locations(cadata=self.address.authorities)
        if self.address.believes_any_certificate:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context


def _is_refused_token(login: Login, error: BaseException) -> bool:
    """Whether the server refused a token for good that may be replaced by another."""
    is_refusal = isinstance(error, smtplib.SMTPAuthenticationError) and error.smtp_code // 100 == 5
    return is_refusal and bool(login.token) and not login.is_last


def trouble_of(error: Exception) -> ServerTrouble:
    """What a failure to connect, greet, encrypt or log in amounts to."""
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error, Reply(error.smtp_code, reply_text(error.smtp_error)))
    if isinstance(error, TokenMissing) and error.needs_a_person:
        return ServerTrouble(describe(error), TroubleKind.LOGIN)
    if isinstance(error, WrongSetup | smtplib.SMTPNotSupportedError):
        return ServerTrouble(describe(error), TroubleKind.SETUP)
    return ServerTrouble(describe(error))


def _refusal(error: smtplib.SMTPResponseException, reply: Reply) -> ServerTrouble:
    is_for_good = reply.code // 100 == 5
    if is_for_good and isinstance(error, smtplib.SMTPAuthenticationError):
        return ServerTrouble(LOGIN_REFUSED % {"reply": reply}, TroubleKind.LOGIN)
    if is_for_good and isinstance(error, smtplib.SMTPHeloError):
        return our_name_refused(reply)
    return ServerTrouble(str(reply))


def reply_text(reply: bytes | str) -> str:
    """The server's words, as a text that any database accepts."""
    return storable(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply)
