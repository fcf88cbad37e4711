"""What the run dialog says beside its fields, in words. A number is None while it is not known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from webapp.lifecycle.sending_window import time_words
from webapp.translation import _, ngettext


def children_words(cluster: str, below: int | None) -> str:
    """Beside "Include children": how many clusters are below the chosen one."""
    if below is None:
        return _("And all clusters below it. Each customer counts once.")
    if not below:
        return _("There is no cluster below %(cluster)s.", cluster=cluster)
    return ngettext(
        "%(num)s cluster below %(cluster)s. Each customer counts once.",
        "%(num)s clusters below %(cluster)s. Each customer counts once.",
        below,
        cluster=cluster,
    )


def bcc_words(named: Sequence[str], own: Sequence[str], mails: int | None) -> str:
    """Below "Bcc": who gets a copy; the definition's own addresses if none is named."""
    if own and not named:
        return _("Leave empty to use the definition’s own: %(addresses)s.", addresses=", ".join(own))
    if named and mails is not None:
        if len(named) == 1:
            return _("Optional. Gets a copy of all %(mails)s.", mails=_mails(mails))
        return _("Optional. Each address gets a copy of all %(mails)s.", mails=_mails(mails))
    return _("Optional. Separate addresses with commas. Each gets a copy of every mail.")


def resend_words(twice: int | None, *, is_chosen: bool) -> str:
    """Beside "Send again those already sent": how many customers that concerns."""
    if twice is None:
        return _("These customers receive their mail twice.")
    if is_chosen:
        return ngettext(
            "%(num)s customer will receive its mail twice.",
            "%(num)s customers will receive their mail twice.",
            twice,
        )
    return ngettext(
        "%(num)s customer could receive its mail twice.",
        "%(num)s customers could receive their mail twice.",
        twice,
    )


def start_words(mails: int | None, copies: int, start_at: datetime | None = None) -> str:
    """What "Create and start" does, after these words."""
    if start_at is not None and mails:
        return _("sends %(mails)s at %(time)s.", mails=_mails(mails), time=time_words(start_at))
    if mails is None:
        return _("sends at once, the first mails within seconds.")
    if not mails:
        return _("has nothing to send.")
    if not copies:
        return _("sends %(mails)s, the first within seconds.", mails=_mails(mails))
    also = ngettext("%(num)s Bcc copy", "%(num)s Bcc copies", copies)
    return _("sends %(mails)s and %(copies)s, the first within seconds.", mails=_mails(mails), copies=also)


def _mails(n: int) -> str:
    return ngettext("%(num)s mail", "%(num)s mails", n)
