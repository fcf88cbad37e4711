"""From a login that failed to its cause, in words that say what to change."""

from __future__ import annotations

from webapp.smtp.causes import SetupCause, SetupProblem
from webapp.smtp.client import TokenMissing
from webapp.smtp.outcomes import Reply
from webapp.smtp.recorded import Talk
from webapp.stored_texts import retold
from webapp.translation import N_, _

NEEDS_ENCRYPTION = (530, 538)
"""Replies to AUTH or MAIL before STARTTLS (RFC 3207, 4; RFC 4954, 6)."""

ASK_OPERATOR = N_("Ask the server's operator.")
USUAL = N_("Usual are port 587 with STARTTLS and port 465 with TLS.")


def no_token(why: TokenMissing) -> SetupProblem:
    """Why there is no token to log in with."""
    words = _("There is no access token: %(why)s.", why=retold(str(why)))
    advice = _("Connect it again on this page.") if why.needs_a_person else _("Try again in some minutes.")
    return SetupProblem(SetupCause.TOKEN_MISSING, words, advice)


def no_login(talk: Talk, *, has_token: bool = False) -> SetupProblem:
    """Why there was no way to log in. `has_token`: it was to be done by OAuth 2."""
    offered = talk.features.get("auth", "").upper().split()
    if has_token and offered:
        words = _("The server offers no login by XOAUTH2: %(offered)s.", offered=", ".join(offered))
        return SetupProblem(
            SetupCause.LOGIN_NO_OAUTH,
            words,
            _("Check host and port; a user name and a password may be what it wants."),
        )
    if not offered and not talk.protocol and "starttls" in talk.features:
        return SetupProblem(
            SetupCause.LOGIN_NEEDS_TLS,
            _("The server offers a login only on an encrypted connection."),
            _("Choose STARTTLS as security."),
        )
    if not offered:
        return SetupProblem(
            SetupCause.LOGIN_NOT_OFFERED,
            _("The server offers no login on this port."),
            _(
                "Choose no login if it knows this machine by its address; else another port. %(usual)s",
                usual=_(USUAL),
            ),
        )
    if all("OAUTH" in name or name == "OAUTHBEARER" for name in offered):
        return SetupProblem(
            SetupCause.LOGIN_ONLY_OAUTH,
            _("The server accepts only OAuth 2 (%(offered)s).", offered=", ".join(offered)),
            _("A user name and a password do not work there. Connect it below, under “OAuth 2”."),
        )
    words = _(
        "The server offers only logins that Mailrun does not know: %(offered)s.", offered=", ".join(offered)
    )
    return SetupProblem(
        SetupCause.LOGIN_UNKNOWN,
        words,
        _("%(ask_operator)s Mailrun knows PLAIN, LOGIN and CRAM-MD5.", ask_operator=_(ASK_OPERATOR)),
    )


def refused(reply: Reply, talk: Talk, *, has_token: bool = False) -> SetupProblem:
    """Why the login was refused. `has_token`: it was tried by OAuth 2."""
    if reply.code in NEEDS_ENCRYPTION and not talk.protocol:
        return SetupProblem(
            SetupCause.LOGIN_NEEDS_TLS,
            _("The server accepts a login only on an encrypted connection: %(reply)s.", reply=reply),
            _("Choose STARTTLS as security."),
        )
    if reply.code // 100 == 4:
        return SetupProblem(
            SetupCause.LOGIN_LATER,
            _("The server cannot check the login now: %(reply)s.", reply=reply),
            _("Try again in some minutes."),
        )
    if reply.code == 501 and "makes no sense" in reply.text:
        return SetupProblem(
            SetupCause.LOGIN_BROKEN,
            _("The server offers CRAM-MD5 and does not carry it out."),
            _(ASK_OPERATOR),
        )
    if has_token:
        return SetupProblem(
            SetupCause.TOKEN_REFUSED,
            _("The server refuses the access token: %(reply)s.", reply=reply),
            _("Check the mailbox, and whether the application may send for it: docs/oauth.md has the steps."),
        )
    takes_oauth = "XOAUTH2" in talk.features.get("auth", "").upper().split()
    check = _("Check both. The server does not say which is wrong.")
    return SetupProblem(
        SetupCause.LOGIN_REFUSED,
        _("The server refuses the user name or the password: %(reply)s.", reply=reply),
        f"{check} {_('It takes OAuth 2, too: connect it below.')}" if takes_oauth else check,
    )
