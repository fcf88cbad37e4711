"""What `mailrun doctor` says of OAuth accounts: is there a token, and does the secret end soon."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from webapp.extensions import Runtime
from webapp.launch.check_result import CheckResult
from webapp.oauth import tokens
from webapp.oauth.no_token import NoToken
from webapp.settings.oauth_accounts import secret_state
from webapp.store.mailservers import OAuthAccount
from webapp.stored_texts import retold
from webapp.translation import _


def oauth_checks(runtime: Runtime) -> Iterator[CheckResult]:
    """A line for each account: its token, which is renewed if it is time; and one for a secret that ends."""
    with runtime.database.reading() as session:
        accounts = session.scalars(select(OAuthAccount).order_by(OAuthAccount.name)).all()
    for account in accounts:
        about = _("OAuth account %(name)s", name=account.name)
        yield _token(runtime, account, about)
        look, words = secret_state(account)
        if words:
            yield CheckResult(about, look != "failed", words.rstrip("."), warns=True)


def _token(runtime: Runtime, account: OAuthAccount, about: str) -> CheckResult:
    if account.connected_at is None:
        return CheckResult(about, False, _("is not connected yet: connect it on the page of its mail server"))
    try:
        tokens.access_token(runtime.database, runtime.settings, account.id)
    except NoToken as why:
        words = retold(str(why))
        if why.needs_a_person:
            words = _("%(why)s; connect it again on the page of its mail server", why=words)
        return CheckResult(about, False, words)
    return CheckResult(about, True, _("has a token"))
