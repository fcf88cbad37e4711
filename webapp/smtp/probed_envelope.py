"""What a mail server says to an envelope, and to a test mail, while its connection is checked; and what to
change."""

from __future__ import annotations

from collections.abc import Mapping

from webapp.smtp.causes import SetupCause, SetupProblem
from webapp.smtp.envelope import is_about_our_name
from webapp.smtp.outcomes import Reply
from webapp.translation import _


def envelope_problem(reply: Reply, stage: str, features: Mapping[str, str]) -> SetupProblem | None:
    """What the reply to MAIL, RCPT or DATA says against mails by this server; None if it accepts."""
    if reply.code // 100 == 2:
        return None
    if is_about_our_name(reply):
        return SetupProblem(
            SetupCause.NAME_REFUSED,
            _("The server refuses Mailrun's name in EHLO: %(reply)s.", reply=reply),
            _("Enter a full host name that DNS knows as “Name in EHLO”."),
        )
    if reply.code == 530:
        has_login = "auth" in features
        words = _("The server takes no mail without a login: %(reply)s.", reply=reply)
        advice = _("Enter user name and password.") if has_login else _("Choose STARTTLS, and enter a login.")
        return SetupProblem(SetupCause.LOGIN_NEEDED, words, advice)
    if stage == "MAIL":
        words = _("The server refuses the sender: %(reply)s.", reply=reply)
        return SetupProblem(
            SetupCause.SENDER_REFUSED, words, _("Check the sender's address, and whose login this is.")
        )
    text = reply.text.lower()
    if reply.code // 100 == 4:
        is_grey = "grey" in text or "gray" in text
        if is_grey:
            words = _("The server greylists: %(reply)s.", reply=reply)
            advice = _("This is no fault: Mailrun offers the mail again, and it is accepted then.")
            return SetupProblem(SetupCause.GREYLISTED, words, advice)
        words = (
            _("The server does not take this mail now: %(reply)s.", reply=reply)
            if stage == "DATA"
            else _("The server does not take this recipient now: %(reply)s.", reply=reply)
        )
        advice = _("Mailrun would try again. Check once more in some minutes.")
        return SetupProblem(SetupCause.LATER, words, advice)
    if "relay" in text or "5.7.1" in text:
        return SetupProblem(
            SetupCause.RELAY_DENIED,
            _("The server takes no mail to other domains from this machine: %(reply)s.", reply=reply),
            _("Enter a login, or ask its operator to let this machine's address relay."),
        )
    if stage == "DATA":
        words = _("The server refuses the test mail: %(reply)s.", reply=reply)
        return SetupProblem(
            SetupCause.MAIL_REFUSED, words, _("Ask its operator what it has against this mail.")
        )
    words = _("The server refuses the recipient: %(reply)s.", reply=reply)
    return SetupProblem(SetupCause.RECIPIENT_REFUSED, words, _("Try the address of a mailbox that exists."))
