"""What the run dialog says beside its fields, in words. A number is None while it is not known."""

from __future__ import annotations

from collections.abc import Sequence

from webapp import notation


def children_words(cluster: str, below: int | None) -> str:
    """Beside "Include children": how many clusters are below the chosen one."""
    if below is None:
        return "And all clusters below it. Each customer counts once."
    if not below:
        return f"There is no cluster below {cluster}."
    clusters = "cluster" if below == 1 else "clusters"
    return f"{notation.number(below)} {clusters} below {cluster}. Each customer counts once."


def bcc_words(named: Sequence[str], own: Sequence[str], mails: int | None) -> str:
    """Below "Bcc": who gets a copy; the definition's own addresses if none is named."""
    if own and not named:
        return f"Leave empty to use the definition’s own: {', '.join(own)}."
    if named and mails is not None:
        gets = "Gets" if len(named) == 1 else "Each address gets"
        return f"Optional. {gets} a copy of all {_mails(mails)}."
    return "Optional. Separate addresses with commas. Each gets a copy of every mail."


def resend_words(twice: int | None, *, is_chosen: bool) -> str:
    """Beside "Send again those already sent": how many customers that concerns."""
    if twice is None:
        return "These customers receive their mail twice."
    verb = "will" if is_chosen else "could"
    customers, their = ("customer", "its") if twice == 1 else ("customers", "their")
    return f"{notation.number(twice)} {customers} {verb} receive {their} mail twice."


def start_words(mails: int | None, copies: int) -> str:
    """What "Create and start" does, after these words."""
    if mails is None:
        return "sends at once, the first mails within seconds."
    if not mails:
        return "has nothing to send."
    also = f" and {notation.number(copies)} {'Bcc copy' if copies == 1 else 'Bcc copies'}" if copies else ""
    return f"sends {_mails(mails)}{also}, the first within seconds."


def _mails(n: int) -> str:
    return f"{notation.number(n)} {'mail' if n == 1 else 'mails'}"
