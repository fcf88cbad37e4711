"""What workers store in English is read in the reader's language, and what servers said is not touched."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.http_client import Browser, LogIn
from tests.test_every_text import brackets, data_of, fill, unmarked
from tests.world import World
from webapp import notation
from webapp.mailing.texts import Unrenderable
from webapp.notation import Notation
from webapp.store.invoices import TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import Finding, Outcome, ResultStatus, RunStatus, TroubleKind
from webapp.store.types import now
from webapp.stored_texts import retold
from webapp.translation import translated
from webapp.workers import WorkerProcess

__all__ = ["brackets"]

DUTCH = Notation(language="nl")
TOLD = {
    "gave up after 3 attempts: 450 4.2.0 greylisted": "opgegeven na 3 pogingen: 450 4.2.0 greylisted",
    "gave up after 1 attempt: no reply in time": "opgegeven na 1 poging: geen antwoord op tijd",
    "421 4.3.2 shutting down (to MAIL FROM)": "421 4.3.2 shutting down (op MAIL FROM)",
    "it refuses the login: 535 no": "hij weigert het inloggen: 535 no",
    "marked as sent by Ada": "als verzonden gemarkeerd door Ada",
    "K-1: template, line 3: there is no invoice.due_dat. Did you mean invoice.due_date?": (
        "K-1: sjabloon, regel 3: er is geen invoice.due_dat. Is invoice.due_date bedoeld?"
    ),
    "K-1: part logo, line 12: division by zero": "K-1: deel logo, regel 12: deling door nul",
    "Field cannot be longer than 200 characters.": "Hier passen hoogstens 200 tekens.",
    "'a@b..nl' is not an email address: An email address cannot have two periods in a row.": (
        "'a@b..nl' is geen e-mailadres: Een e-mailadres kan geen twee punten na elkaar hebben."
    ),
    "552 the message has 1,200 bytes, the server takes 1,000": (
        "552 het bericht heeft 1,200 bytes, de server neemt er hoogstens 1,000 aan"
    ),
    "'a b.pdf' is signed, and a password would break the signature, so no password can be set: choose ZIP in "
    "the definition, or import the PDF without a signature": (
        "'a b.pdf' is ondertekend, en een wachtwoord zou de handtekening verbreken, dus er kan geen"
    ),
    "a document could not be read: Permission denied": "een document kon niet worden gelezen: geen toegang",
    "names its invoice, but its embedded XML is invoice R-2, of Other GmbH": (
        "noemt zijn factuur, maar de ingesloten XML is factuur R-2, van Other GmbH"
    ),
    "b@x.nl was refused: 550 gone; away; c@x.nl was refused: 551 moved": (
        "b@x.nl is geweigerd: 550 gone; away; c@x.nl is geweigerd: 551 moved"
    ),
}


@pytest.mark.parametrize("stored", TOLD)
def test_stored_sentences_are_told_in_dutch(stored: str) -> None:
    assert retold(stored) == stored
    with notation.reading(DUTCH):
        assert retold(stored).startswith(TOLD[stored])


@pytest.mark.parametrize(
    "said", ["550 5.1.1 connection refused", "250 sent", "421 no reply in time", "K-1: Sent"]
)
def test_what_others_said_stays_as_it_is(said: str) -> None:
    with notation.reading(DUTCH):
        assert retold(said) == said or said == "K-1: Sent"


def test_what_a_template_says_in_a_reader_s_language() -> None:
    problem = Unrenderable("Encountered unknown tag 'els'.", "subject", 1)
    with notation.reading(DUTCH):
        assert retold(problem.words) == f"{translated('subject')}, regel 1: onbekende tag 'els'."


SERVERS = "/servers"
SERVER_SAID = "450 4.7.1 kom later terug"
DETAILS = (
    (ResultStatus.FAILED, "gave up after 12 attempts: no reply in time"),
    (ResultStatus.FAILED, "K-1: template, line 3: there is no invoice.due_dat"),
    (
        ResultStatus.UNCONFIRMED,
        "the connection was lost after the whole message was handed over: no reply in time",
    ),
    (
        ResultStatus.UNCONFIRMED,
        "the worker w-1 was lost after the whole message was handed over, before the reply",
    ),
    (ResultStatus.DEFERRED, "a document could not be read: Permission denied"),
    (ResultStatus.BOUNCED, "marked as bounced by cust"),
    (ResultStatus.SENT, "marked as sent by cust"),
)
STOPPED = (
    f"It stopped itself: the mail server refused 20 of the last 30 mails for good, the latest "
    f"with “{SERVER_SAID}”. Look at what failed; Start goes on with the rest."
)
TROUBLES = (
    (TroubleKind.PASSING, "connection refused"),
    (TroubleKind.PASSING, "its name cannot be found: Name or service not known"),
    (TroubleKind.LOGIN, f"it refuses the login: {SERVER_SAID}"),
    (TroubleKind.SETUP, "it does not speak TLS on port 25: choose starttls or none"),
)


def test_no_stored_sentence_is_shown_in_english(
    pages: Flask, world: World, worker: WorkerProcess, log_in: LogIn, brackets: None
) -> None:
    fill(world, worker)
    running, admin, found = world.run(), log_in("admin"), dict[str, set[str]]()
    with world.runtime.database.writing() as session:
        results = session.scalars(select(Result).order_by(Result.id)).all()
        for result, (status, detail) in zip(results, DETAILS, strict=False):
            result.status, result.reason, result.detail, result.smtp_reply = status, "", detail, ""
            result.next_try_at = now() if status == ResultStatus.DEFERRED else None
        session.execute(update(Attempt).values(outcome=Outcome.BROKEN, detail="no reply in time", reply=""))
        suspect = {"suspect": True, "finding": Finding.NOT_NAMED, "finding_words": "is invoice zzz, of cust"}
        session.execute(update(TransformationResult).values(suspect))
        session.execute(update(Run).where(Run.id == running).values(status=RunStatus.RUNNING))
        session.execute(update(Run).where(Run.id == 1).values(status=RunStatus.STOPPED, problem=STOPPED))
    places = [
        "/runs",
        "/runs/1",
        f"/runs/{running}",
        "/fix",
        SERVERS,
        "/invoices/1",
        "/customers/1",
    ]
    places += [f"/results/{n}" for n in range(1, len(DETAILS) + 1)]
    for kind, trouble in TROUBLES:
        with world.runtime.database.writing() as session:
            waiting = {"trouble": trouble, "trouble_kind": kind, "trouble_since": now(), "next_try_at": now()}
            session.execute(update(MailServer).values(waiting))
        for place in places:
            found |= _unmarked(admin, world, place)
        places = ["/runs", f"/runs/{running}", SERVERS]
    assert found == {}


def _unmarked(person: Browser, world: World, place: str) -> dict[str, set[str]]:
    answer = person.look(place)
    assert answer.status_code == 200, place
    left = {text for text in unmarked(answer.text, data_of(world)) if SERVER_SAID not in text}
    return {place: left} if left else {}
