"""A token to log in with at a host: only at those of its account, and only over a connection that no one else
reads."""

from __future__ import annotations

from webapp.config import Settings
from webapp.destinations import is_loopback
from webapp.oauth import tokens
from webapp.oauth.no_token import NoToken
from webapp.store.database import Database
from webapp.store.mailservers import OAuthAccount
from webapp.store.statuses import Security
from webapp.translation import N_

ELSEWHERE = N_("its OAuth account is for %(hosts)s, and its tokens go nowhere else")
IN_CLEAR = N_("a token goes over an encrypted connection only: choose starttls or tls")


def token_for(
    host: str, security: str, account_id: int, settings: Settings, database: Database, refused: str = ""
) -> str:
    """The token of this account for this host. `refused`: one that the host does not accept. Opens
    transactions of its own. Raises NoToken."""
    with database.reading() as session:
        account = session.get(OAuthAccount, account_id)
    if account is None:
        raise NoToken(tokens.GONE, needs_a_person=True)
    if host.lower() not in account.hosts.split():
        raise NoToken(ELSEWHERE % {"hosts": account.hosts}, needs_a_person=True)
    if security == Security.NONE and not is_loopback(host):
        raise NoToken(IN_CLEAR, needs_a_person=True)
    return tokens.access_token(database, settings, account_id, refused=refused)
