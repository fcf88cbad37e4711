"""What a mail server says to an envelope, and to a test mail, while its connection is checked; and what to
change."""

from __future__ import annotations

from collections.abc import Mapping

from webapp.smtp.causes import SetupCause, SetupProblem
from webapp.smtp.envelope import is_about_our_name
from webapp.smtp.outcomes import Reply


def envelope_problem(reply: Reply, stage: str, features: Mapping[str, str]) -> SetupProblem | None:
    """What the reply to MAIL, RCPT or DATA says against mails by this server; None if it accepts."""
    if reply.code // 100 == 2:
        return None
    if is_about_our_name(reply):
        return SetupProblem(
            SetupCause.NAME_REFUSED,
            f"The server refuses Mailrun's name in EHLO: {reply}.",
            "Enter a full host name that DNS knows as “Name in EHLO”.",
        )
    if reply.code == 530:
        needs = "Enter user name and password" if "auth" in features else "Choose STARTTLS, and enter a login"
        return SetupProblem(
            SetupCause.LOGIN_NEEDED, f"The server takes no mail without a login: {reply}.", f"{needs}."
        )
    if stage == "MAIL":
        words = f"The server refuses the sender: {reply}."
        return SetupProblem(
            SetupCause.SENDER_REFUSED, words, "Check the sender's address, and whose login this is."
        )
    text = reply.text.lower()
    if reply.code // 100 == 4:
        is_grey = "grey" in text or "gray" in text
        if is_grey:
            words = f"The server greylists: {reply}."
            advice = "This is no fault: Mailrun offers the mail again, and it is accepted then."
            return SetupProblem(SetupCause.GREYLISTED, words, advice)
        what = "mail" if stage == "DATA" else "recipient"
        words = f"The server does not take this {what} now: {reply}."
        return SetupProblem(
            SetupCause.LATER, words, "Mailrun would try again. Check once more in some minutes."
        )
    if "relay" in text or "5.7.1" in text:
        return SetupProblem(
            SetupCause.RELAY_DENIED,
            f"The server takes no mail to other domains from this machine: {reply}.",
            "Enter a login, or ask its operator to let this machine's address relay.",
        )
    if stage == "DATA":
        words = f"The server refuses the test mail: {reply}."
        return SetupProblem(SetupCause.MAIL_REFUSED, words, "Ask its operator what it has against this mail.")
    words = f"The server refuses the recipient: {reply}."
    return SetupProblem(SetupCause.RECIPIENT_REFUSED, words, "Try the address of a mailbox that exists.")
