"""The name under which a mail server keeps a mail that it took, as its reply tells it."""

from __future__ import annotations

import re

QUEUE_ID_MAX = 64
_QUEUE_ID = re.compile(
    r"""queued\ as\ (?P<postfix>[\w.-]+)          # Postfix
    | \bid=(?P<exim>[\w.-]+)                      # Exim
    | \[InternalId=(?P<exchange>\d+)              # Exchange
    | (?P<sendmail>[\w.-]+)\ Message\ accepted    # Sendmail, OpenSMTPD
    | \ (?P<gsmtp>[\w.-]+)\ -\ gsmtp              # Google
    | ^250\ Ok\ (?P<ses>[0-9a-f-]{30,})$          # Amazon SES
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)


def queue_id(reply: str) -> str:
    """250 2.0.0 Ok: queued as 4XyZ → 4XyZ; empty if the reply names none."""
    found = _QUEUE_ID.search(reply)
    named = next((name for name in found.groups() if name), "") if found else ""
    return named.rstrip(".")[:QUEUE_ID_MAX]
