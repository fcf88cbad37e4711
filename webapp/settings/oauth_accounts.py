"""Stores, connects and removes the OAuth account of a mail server; each change is in the audit trail. Secrets
are told nowhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from webapp import audit, edits, notation
from webapp.access import Viewer
from webapp.errors import NotAllowed, NotFound, Refused
from webapp.mailservers.backoff import UNTROUBLED
from webapp.oauth import connecting, secrets, tokens
from webapp.oauth.clients import GrantedToken
from webapp.oauth.connecting import BegunDevice
from webapp.oauth.providers import PRESETS
from webapp.settings.kinds import SERVERS
from webapp.settings.storing import FOR_ADMINS, found
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.statuses import OAuthProvider, OAuthWay
from webapp.store.types import now
from webapp.stored_texts import retold
from webapp.translation import _

DESTINATION = ("token_url", "authorize_url", "device_url", "hosts")
"""Where the secret and the tokens go. They go only where the person who entered them sent them."""
OF_THE_TOKEN = ("provider", "way", "token_url", "client_id", "mailbox", "scope", "hosts")
"""What a token is for: one that was got before no longer counts."""
NOTICE_DAYS = 7


@dataclass(frozen=True)
class AccountState:
    """What the page says of an account: whether it is connected, and whether its secret ends soon."""

    look: str
    words: str
    secret_look: str = ""
    secret_words: str = ""


def state_of(account: OAuthAccount) -> AccountState:
    """The state of this account."""
    look, words = _connection(account)
    return AccountState(look, words, *secret_state(account))


def _connection(account: OAuthAccount) -> tuple[str, str]:
    if account.error:
        return "failed", _("No token: %(why)s.", why=retold(account.error))
    if account.connected_at is None:
        return "ready", _("Not connected yet.")
    since = notation.day(account.connected_at)
    words = _("Connected since %(day)s by %(person)s.", day=since, person=account.connected_by)
    if renews := tokens.renews_at(account):
        at = notation.clock(max(renews, now()))
        words = f"{words} {_('The token renews automatically, next at %(time)s.', time=at)}"
    return "sent", words


def secret_state(account: OAuthAccount) -> tuple[str, str]:
    """Look and words of a client secret that ends within NOTICE_DAYS, or has ended; empty else."""
    ends = account.secret_ends_on
    if ends is None:
        return "", ""
    day = notation.day(ends)
    if ends < now().date():
        return "failed", _("The client secret ended on %(day)s. Enter another one here.", day=day)
    if ends - now().date() > timedelta(days=NOTICE_DAYS):
        return "", ""
    return "deferred", _(
        "The client secret ends on %(day)s. Make another one at the provider, and enter it here.", day=day
    )


def others_for(session: Session, server: MailServer) -> Sequence[OAuthAccount]:
    """The accounts that this server could use, too."""
    rows = session.scalars(select(OAuthAccount).order_by(OAuthAccount.name))
    fitting = (row for row in rows if server.host.lower() in row.hosts.split())
    return [row for row in fitting if row.id != server.oauth_account_id]


def save(session: Session, viewer: Viewer, server_id: int, values: Mapping[str, Any], secret: str) -> str:
    """Store the account of this server, or change it; return what to say. `secret`: empty keeps the stored
    one. Raises Refused or NotFound."""
    server = _server(session, viewer, server_id)
    values = {**values, "hosts": _hosts(server, OAuthProvider(values["provider"]))}
    account = _locked(session, server.oauth_account_id)
    is_new = account is None
    if account is None:
        account = OAuthAccount(name=_free_name(session, server.name), client_secret="", **values)
        session.add(account)
        session.flush()
    before = {} if is_new else {name: getattr(account, name) for name in values}
    _refuse_without_secret(account, before, values, secret)
    for name, value in values.items():
        setattr(account, name, value)
    if secret:
        secrets.store(session, account, client_secret=secret, access_token="")
        account.secret_set_at, account.version = now(), account.version + 1
    if not is_new and any(before[name] != values[name] for name in OF_THE_TOKEN):
        tokens.forget(account)
    subject = _subject(account)
    if is_new:
        told = ", ".join(f"{key}: {value}" for key, value in values.items() if value not in ("", None))
        audit.note(session, viewer.name, "add", subject, told)
    else:
        edits.note_change(session, viewer.name, subject, before, values)
    if secret:
        audit.note(session, viewer.name, "change", subject, f"client secret: {edits.HIDDEN}")
    _use(session, viewer, server, account)
    return _("Saved.") if not is_new else _("Saved. Connect it now.")


def use(session: Session, viewer: Viewer, server_id: int, account_id: int) -> str:
    """Have the server log in with an account that there is; return what to say. Raises Refused or
    NotFound."""
    server = _server(session, viewer, server_id)
    account = _locked(session, account_id)
    if account is None:
        raise NotFound
    if server.host.lower() not in account.hosts.split():
        raise Refused(
            _("The tokens of “%(name)s” go to %(hosts)s only.", name=account.name, hosts=account.hosts)
        )
    _use(session, viewer, server, account)
    return _("“%(name)s” logs in by OAuth 2 now.", name=server.name)


def leave(session: Session, viewer: Viewer, server_id: int) -> str:
    """Have the server log in by OAuth 2 no more, and delete an account that no server uses; return what to
    say. Raises Refused or NotFound."""
    server = _server(session, viewer, server_id)
    account = _locked(session, server.oauth_account_id)
    if account is None:
        return _("“%(name)s” does not log in by OAuth 2.", name=server.name)
    server.oauth_account_id = None
    _try_again(session, MailServer.id == server.id)
    audit.note(
        session,
        viewer.name,
        "change",
        SERVERS.subject(server.name),
        f"OAuth account: {account.name} → nothing",
    )
    session.flush()
    if tokens.delete_unused(session, account.id):
        audit.note(session, viewer.name, "delete", _subject(account))
    return _("“%(name)s” logs in by user name and password, if it has one.", name=server.name)


def connected(session: Session, viewer: Viewer, account_id: int, version: int, granted: GrantedToken) -> str:
    """Store the tokens that were granted to the account as it was in this version; return what to say. Raises
    Refused or NotFound."""
    refuse_others(viewer)
    account = _locked(session, account_id)
    if account is None:
        raise NotFound
    if account.version != version:
        raise Refused(_("The account was changed meanwhile. Connect it again."))
    if account.way == OAuthWay.DELEGATED and not granted.refresh_token:
        raise Refused(
            _("The provider gave no refresh token: the connection would soon end. Allow offline access.")
        )
    tokens.keep(session, account, granted)
    connecting.wait_for(session, account, None)
    account.connected_at, account.connected_by = now(), viewer.name
    _try_again(session, MailServer.oauth_account_id == account.id)
    audit.note(session, viewer.name, "connect", _subject(account), f"{account.way} for {account.mailbox}")
    return _("“%(name)s” is connected.", name=account.name)


def wait_for_device(session: Session, viewer: Viewer, account_id: int, begun: BegunDevice | None) -> None:
    """Keep a begun device flow, or forget it. Raises Refused or NotFound."""
    refuse_others(viewer)
    account = _locked(session, account_id)
    if account is None:
        raise NotFound
    connecting.wait_for(session, account, begun)
    if begun:
        audit.note(session, viewer.name, "connect", _subject(account), "a device code was asked for")


def refuse_others(viewer: Viewer) -> None:
    """Raise NotAllowed for all who may not change settings (settings/storing.py says why)."""
    if not viewer.manages_settings:
        raise NotAllowed(
            _(FOR_ADMINS), "oauth account", "only administrators who see all clusters connect it"
        )


def _server(session: Session, viewer: Viewer, server_id: int) -> MailServer:
    refuse_others(viewer)
    server: MailServer = found(session, SERVERS, server_id, locked=True)
    return server


def _locked(session: Session, account_id: int | None) -> OAuthAccount | None:
    if account_id is None:
        return None
    return session.get(OAuthAccount, account_id, with_for_update=True, populate_existing=True)


def _hosts(server: MailServer, provider: OAuthProvider) -> str:
    """Where the tokens of the provider may go: never to a host of another one."""
    host = server.host.lower()
    if provider not in PRESETS:
        return host
    hosts = PRESETS[provider].hosts
    if host not in hosts:
        raise Refused(
            _("Its tokens go to %(hosts)s only. Change the host of the server first.", hosts=", ".join(hosts))
        )
    return " ".join(hosts)


def _free_name(session: Session, name: str) -> str:
    taken = set(session.scalars(select(OAuthAccount.name)))
    numbers = (f"{name[:190]} {n}" for n in range(2, len(taken) + 3))
    return name if name not in taken else next(each for each in numbers if each not in taken)


def _refuse_without_secret(
    account: OAuthAccount, before: Mapping[str, Any], after: Mapping[str, Any], secret: str
) -> None:
    if secret:
        return
    if account.client_secret and any(before.get(name) != after[name] for name in DESTINATION):
        raise Refused(_("Enter the secret again: it was stored for other addresses."))
    if not account.client_secret and after["way"] != OAuthWay.DELEGATED:
        raise Refused(_("Enter the client secret, or the key of the service account."))


def _use(session: Session, viewer: Viewer, server: MailServer, account: OAuthAccount) -> None:
    """Have the server log in with the account; its password is forgotten."""
    if server.oauth_account_id != account.id:
        server.oauth_account_id = account.id
        server.password = server.password_env = server.username = ""
        told = f"OAuth account: nothing → {account.name}"
        audit.note(session, viewer.name, "change", SERVERS.subject(server.name), told)
    session.flush()
    _try_again(session, MailServer.oauth_account_id == account.id)


def _try_again(session: Session, which: Any) -> None:
    session.execute(update(MailServer).where(which).values(**UNTROUBLED, refused_logins=""))


def _subject(account: OAuthAccount) -> str:
    return f"oauth account {account.name}"[:200]
