"""What the page of a mail server shows of OAuth 2."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from webapp.oauth import connecting
from webapp.settings import oauth_accounts
from webapp.settings.oauth_forms import OAuthForm, form_of, provider_words
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.statuses import OAuthProvider

BACK = "/oauth/back"
"""Where a person comes back to from the provider."""


def account_of(session: Session, server: MailServer) -> OAuthAccount | None:
    """The account that this server logs in with, if any."""
    return session.get(OAuthAccount, server.oauth_account_id) if server.oauth_account_id else None


def beside(session: Session, server: MailServer, chosen: str) -> dict[str, Any]:
    """What the card of a server's page shows: its account, or the form of a new one of the `chosen`
    provider."""
    account = account_of(session, server)
    form = form_of(account) if account else None
    if account is None and chosen in set(OAuthProvider):
        form = OAuthForm(OAuthProvider(chosen), mailbox=server.username)
    return {
        "account": account,
        "account_state": oauth_accounts.state_of(account) if account else None,
        "account_form": form,
        "account_wrong": "",
        "device": connecting.waited_for(session, account) if account else None,
        "oauth_others": oauth_accounts.others_for(session, server),
        "oauth_providers": [(str(each), provider_words(each)) for each in OAuthProvider],
        "oauth_name": provider_words(OAuthProvider(account.provider if account else form.provider))
        if form
        else "",
    }
