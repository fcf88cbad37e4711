"""Why there is no token, in words that have no secret in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from webapp.printable import printable
from webapp.store.types import storable
from webapp.translation import N_

if TYPE_CHECKING:  # a worker that asks for no token does without both
    from authlib.integrations.base_client import OAuthError
    from requests import RequestException

AWAY = N_("%(host)s, which gives the tokens, does not answer: %(why)s")
BUSY = N_("%(host)s, which gives the tokens, cannot give one now: %(reply)s")
REVOKED = N_("%(host)s gives no token any more, it was revoked or has ended: %(reply)s")
WRONG_CLIENT = N_("%(host)s refuses the client ID or its secret, which may have ended: %(reply)s")
REFUSED = N_("%(host)s gives no token: %(reply)s")
NO_TOKEN = N_("what %(host)s answered has no token in it")

PASSING_ERRORS = ("temporarily_unavailable", "server_error", "slow_down")
"""Errors that say that the same request may work later (RFC 6749, 4.1.2.1; RFC 8628, 3.5)."""
WORDS_MAX = 300
MASK = "••••••••"
LIKE_A_TOKEN = re.compile(r"[\w.~+/=-]{60,}")
"""What a provider may have made of what it was sent; ids in its errors are shorter."""


class NoToken(Exception):
    """There is no token. The message says why; `needs_a_person`: it will not come by itself. `error`: the
    provider's word for it (RFC 6749, section 5.2)."""

    def __init__(self, words: str, *, needs_a_person: bool, error: str = "") -> None:
        super().__init__(words)
        self.needs_a_person, self.error = needs_a_person, error


def refused(host: str, error: OAuthError, secrets: Iterable[str]) -> NoToken:
    """What the provider refused for, as it says itself. It may repeat what it was sent."""
    said = ": ".join(str(part) for part in (error.error, error.description) if part)
    for secret in filter(None, secrets):
        for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1]):
            said = said.replace(form, MASK)
    said = LIKE_A_TOKEN.sub(MASK, said)
    about = {"host": host, "reply": printable(storable(said))[:WORDS_MAX].strip(" .")}
    word = str(error.error or "")
    if word in PASSING_ERRORS:
        return NoToken(BUSY % about, needs_a_person=False, error=word)
    words = {"invalid_grant": REVOKED, "invalid_client": WRONG_CLIENT, "unauthorized_client": WRONG_CLIENT}
    return NoToken(words.get(word, REFUSED) % about, needs_a_person=True, error=word)


def broken(host: str, error: RequestException) -> NoToken:
    """What an answer without any JSON of the protocol amounts to."""
    status = error.response.status_code if error.response is not None else 0
    if status >= 500 or status == 429:
        return NoToken(BUSY % {"host": host, "reply": f"HTTP {status}"}, needs_a_person=False)
    return NoToken(NO_TOKEN % {"host": host}, needs_a_person=False)


def cause(error: RequestException) -> str:
    """What a failed connection is called: not its whole text, which repeats the address and its query."""
    text = str(error).lower()
    for sign, words in (
        ("refused", N_("connection refused")),
        ("name or service not known", N_("its name cannot be found")),
        ("name resolution", N_("its name cannot be found")),
        ("failed to resolve", N_("its name cannot be found")),
        ("certificate", N_("its certificate is not valid")),
        ("timed out", N_("no answer in time")),
        ("no whole answer", N_("no answer in time")),
        ("redirect", N_("it leads elsewhere")),
    ):
        if sign in text:
            return words
    return N_("the connection was lost")
