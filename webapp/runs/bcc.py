"""Who may get a copy of every mail of a run."""

from __future__ import annotations

from collections.abc import Iterable

from webapp.mailing.addresses import BadAddress, checked_address

MOST = 10


def bcc_addresses(texts: Iterable[str], domains: tuple[str, ...]) -> list[str]:
    """The addresses as they go on the wire, equal ones once. Raises BadAddress, in words, for one that is
    none, for one outside `domains` (if there are any: the setting MAILRUN_BCC_DOMAINS), and for too many."""
    found = list(dict.fromkeys(checked_address(text) for text in texts))
    if len(found) > MOST:
        raise BadAddress(f"At most {MOST} addresses")
    for address in found:
        if domains and address.rpartition("@")[2] not in domains:
            allowed = ", ".join(domains)
            raise BadAddress(f"{address} may get no copies; Bcc may go to {allowed} only")
    return found
