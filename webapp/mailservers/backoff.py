"""Back-off for a mail server in trouble: no message fails, its runs wait, and one worker at a time tries
again, at growing intervals, until it works."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from webapp import notation, telling
from webapp.config import Settings
from webapp.store.mailservers import MailServer
from webapp.store.statuses import TroubleKind
from webapp.store.types import now
from webapp.stored_texts import retold
from webapp.translation import N_, _

PROBE_SECONDS = 30.0
"""How long a worker that probes a server in trouble has it to itself."""

NEEDS_A_PERSON = (TroubleKind.LOGIN, TroubleKind.SETUP)
"""The kinds of trouble that end only when a person changes something."""


UNTROUBLED: dict[str, Any] = {
    "trouble": None,
    "trouble_kind": TroubleKind.PASSING,
    "trouble_since": None,
    "trouble_count": 0,
    "next_try_at": None,
}
"""What a mail server has that nothing is known against."""


def may_try(session: Session, server: MailServer) -> bool:
    """Whether this worker may connect now. To a server in trouble only one worker may, once its next try is
    due."""
    if server.trouble is None:
        return True
    taken = session.execute(
        update(MailServer)
        .where(
            MailServer.id == server.id,
            (MailServer.trouble.is_(None)) | (MailServer.next_try_at <= now()),
        )
        .values(next_try_at=now() + timedelta(seconds=PROBE_SECONDS))
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)  # type: ignore[attr-defined]


def postpone_probe(session: Session, settings: Settings, server_id: int) -> None:
    """Let others probe a server in trouble soon: the worker that was to do it could not."""
    session.execute(
        update(MailServer)
        .where(MailServer.id == server_id, MailServer.trouble.is_not(None))
        .values(next_try_at=now() + timedelta(seconds=settings.trouble_first))
        .execution_options(synchronize_session=False)
    )


def note_trouble(
    session: Session,
    settings: Settings,
    server_id: int,
    words: str,
    kind: TroubleKind = TroubleKind.PASSING,
    *,
    probing: bool,
) -> None:
    """Make the server wait: the pause doubles with every failed try, up to `settings.trouble_last` seconds;
    up to `settings.trial_after` for one that accepts connections and takes no mail.

    If others have noted the trouble already, only the worker that probes again (`probing`) adds to it.
    Administrators are told of a token that only a person can bring back."""
    server = session.get_one(MailServer, server_id, with_for_update=True, populate_existing=True)
    if server.trouble is not None and not probing:
        return
    longest = settings.trial_after if kind == TroubleKind.REFUSALS else settings.trouble_last
    pause = min(settings.trouble_first * 2 ** min(server.trouble_count, 20), longest)
    server.trouble, server.trouble_kind = words, kind
    server.trouble_since = server.trouble_since or now()
    server.trouble_count += 1
    server.next_try_at = now() + timedelta(seconds=pause)
    if kind == TroubleKind.LOGIN and server.oauth_account_id is not None:
        page = f"/servers/{server.id}"
        telling.connection_trouble(session, "token", server.name, words, server.trouble_since, page)


def note_fine(session: Session, server_id: int) -> None:
    """End the trouble: the server accepted a message, or refused one because of the message itself."""
    session.execute(
        update(MailServer)
        .where(MailServer.id == server_id, MailServer.trouble.is_not(None))
        .values(UNTROUBLED)
        .execution_options(synchronize_session=False)
    )


def waiting_sentence(server: MailServer) -> str | None:
    """ "waiting for mail server smtp.example.com: connection refused, next try at 14:05", in the machine's
    time zone; None for a server that works. If a person must act, it says where."""
    if server.trouble is None:
        return None
    when = _clock(server.next_try_at)
    is_of_token = server.trouble_kind == TroubleKind.LOGIN and server.oauth_account_id is not None
    sentence = (
        _CONNECT_AGAIN
        if is_of_token
        else _TO_DO.get(
            TroubleKind(server.trouble_kind),
            N_("waiting for mail server %(host)s: %(trouble)s, next try at %(time)s"),
        )
    )
    about = {"host": server.host, "trouble": retold(server.trouble), "name": server.name}
    return _(sentence, time=when, **about)


_CONNECT_AGAIN = N_(
    "waiting for mail server %(host)s: %(trouble)s; a person must connect mail server “%(name)s” again, on "
    "its page, next try at %(time)s"
)
_TO_DO = {
    TroubleKind.LOGIN: N_(
        "waiting for mail server %(host)s: %(trouble)s; a person must correct the user name or the password "
        "of mail server “%(name)s”, next try at %(time)s"
    ),
    TroubleKind.SETUP: N_(
        "waiting for mail server %(host)s: %(trouble)s; a person must correct the settings of mail server "
        "“%(name)s”, next try at %(time)s"
    ),
}


def needs_a_person(server: MailServer) -> bool:
    """Whether the server is in trouble that ends only when a person changes something."""
    return server.trouble is not None and server.trouble_kind in NEEDS_A_PERSON


def _clock(moment: datetime | None) -> str:
    return notation.clock(moment or now())
