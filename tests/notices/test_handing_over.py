"""How notices are mailed: to their user and no one else, tried again, given up and told, as one mail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from tests import factories
from tests.mailserver import mail_server
from tests.mailsession import Session
from tests.notices.conftest import ADDRESS, JONAS, MARIT, Office
from webapp.access import OPERATOR
from webapp.config import Settings
from webapp.notices.handing_over import CLAIM_SECONDS, hand_over, pause
from webapp.runs import takeover
from webapp.store.installation import Installation
from webapp.store.mailservers import MailServer, Sender
from webapp.store.notices import Notice
from webapp.store.types import now
from webapp.store.users import AuditEntry, User


def test_a_notice_goes_to_its_user_from_the_chosen_sender(office: Office) -> None:
    run_id = office.finished()
    office.work()
    [(to, subject, text)] = office.mails()
    assert to == (JONAS,)
    assert subject.startswith("Mailrun: “")
    assert f"{ADDRESS}/runs/{run_id}" in text
    [taken], [notice] = office.world.server.taken, office.notices()
    assert taken.sender == "mailrun@office.test"
    assert b"Auto-Submitted: auto-generated" in taken.data
    assert taken.message_id == notice.message_id
    assert (notice.mail, notice.tries, notice.next_try_at) == ("mailed", 1, None)
    office.work()
    assert len(office.mails()) == 1


def test_it_is_written_as_the_user_reads(office: Office) -> None:
    with office.world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl", time_zone="Asia/Tokyo", number_style="dot"))
    office.finished()
    office.work()
    [(_to, subject, text)] = office.mails()
    assert subject.endswith("is voltooid")
    assert "0 e-mails zijn verzonden." in text


def test_a_server_that_refuses_is_tried_again_later_with_the_same_message_id(office: Office) -> None:
    office.world.server.shut = "451 not now"
    office.finished()
    office.work()
    [notice] = office.notices()
    assert (notice.mail, notice.tries) == ("waiting", 1)
    assert "451 not now" in notice.problem
    assert notice.next_try_at is not None
    assert notice.next_try_at > now() - timedelta(seconds=1)
    first_id = notice.message_id
    office.world.server.shut = ""
    office.work(now() + timedelta(hours=2))
    [taken], [notice] = office.world.server.taken, office.notices()
    assert (taken.message_id, notice.mail, notice.tries) == (first_id, "mailed", 2)


def test_one_address_that_is_refused_keeps_no_other_waiting_but_a_dead_server_does(office: Office) -> None:
    runtime = office.world.runtime
    office.world.runtime = replace(
        runtime, settings=replace(runtime.settings, retry_first=300, retry_last=300)
    )
    office.world.server.orders[JONAS] = "reject-550"
    office.person(MARIT)
    office.finished()
    office.finished(MARIT)
    office.work()
    assert [to for to, *_ in office.mails()] == [(MARIT,)]
    office.world.server.stop()
    office.finished()
    office.finished(MARIT)
    office.work()
    tries = [each.tries for each in office.notices()]
    assert tries == [1, 1, 1, 0]


def test_pauses_grow_up_to_the_longest(settings: Settings) -> None:
    pauses = [pause(settings, tries) for tries in range(1, 40)]
    assert pauses[0] == settings.retry_first
    assert pauses == sorted(pauses)
    assert pauses[-1] == settings.retry_last


def test_after_a_day_it_is_given_up_and_told(office: Office) -> None:
    office.person("admin@office.test", "admin")
    office.world.server.shut = "550 never"
    office.finished()
    office.change(made_at=now() - timedelta(hours=23))
    office.work()
    assert office.told(JONAS) == [("run_finished", "waiting")]
    office.change(made_at=now() - timedelta(hours=25))
    office.work(now() + timedelta(hours=2))
    [notice] = office.notices(JONAS)
    assert (notice.mail, notice.next_try_at) == ("given_up", None)
    assert "550 never" in notice.problem
    [told] = office.notices("admin@office.test")
    assert (told.kind, told.mail) == ("not_mailed", "none")
    assert "550 never" in told.details["why"]
    with office.world.runtime.database.reading() as session:
        noted = select(AuditEntry.subject).where(AuditEntry.action == "notice given up")
        assert session.scalars(noted).all() == [JONAS]
    office.world.server.shut = ""
    office.work(now() + timedelta(days=3))
    assert office.mails() == []


def test_safe_mode_redirects_it_and_names_the_user(office: Office) -> None:
    runtime = office.world.runtime
    safe = replace(runtime.settings, redirect_to="safe@office.test")
    office.world.runtime = replace(runtime, settings=safe)
    office.finished()
    office.work()
    [(to, subject, _text)] = office.mails()
    assert to == ("safe@office.test",)
    assert subject.startswith(f"[to {JONAS}] Mailrun: ")
    assert f"X-Mailrun-Recipients: {JONAS}".encode() in office.world.server.taken[0].data


def test_it_never_goes_to_an_address_of_a_customer(office: Office) -> None:
    with office.world.runtime.database.writing() as session:
        factories.customer(session, office.world.everybody, JONAS.upper())
    office.finished()
    office.work()
    [notice] = office.notices()
    assert notice.mail == "dropped"
    assert "is a customer's, too" in notice.problem
    assert office.mails() == []


def test_a_copy_of_an_installation_mails_no_one(office: Office) -> None:
    office.finished()
    with office.world.runtime.database.writing() as session:
        session.execute(update(Installation).values(key_check="of another key"))
    office.work()
    assert hand_over(office.world.runtime, office.stopping) == 0
    assert office.told() == [("run_finished", "waiting")]
    assert office.mails() == []


def test_a_copy_that_is_taken_over_mails_nothing_that_the_other_system_may_have_mailed(
    office: Office,
) -> None:
    office.finished()
    with office.world.runtime.database.writing() as session:
        session.execute(update(Installation).values(key_check="of another key"))
        takeover.take_over(session, OPERATOR, takeover.WORDS)
    office.work()
    assert office.told() == [("run_finished", "dropped")]
    assert office.mails() == []


@pytest.mark.parametrize("what", ["disabled", "no sender"])
def test_without_a_user_or_a_sender_it_is_dropped(office: Office, what: str) -> None:
    office.finished()
    with office.world.runtime.database.writing() as session:
        if what == "disabled":
            session.execute(update(User).values(disabled_at=now()))
        else:
            session.execute(update(Sender).values(for_notices=False))
    office.work()
    assert office.told() == [("run_finished", "dropped")]
    assert office.mails() == []


def test_it_goes_by_the_sender_for_notices_and_by_no_run(office: Office) -> None:
    """The definition's own sender has another mail server, which hears nothing of it."""
    with mail_server() as other:
        with office.world.runtime.database.writing() as session:
            row = MailServer(name="for notices", host="127.0.0.1", port=other.port, security="none")
            session.add(row)
            session.flush()
            session.execute(update(Sender).values(for_notices=False))
            added = Sender(
                key="notices", address="notices@office.test", mail_server_id=row.id, for_notices=True
            )
            session.add(added)
        office.finished()
        office.work()
        assert [taken.recipients for taken in other.taken] == [(JONAS,)]
    assert office.world.server.connections == 0


def test_a_claim_keeps_others_away_for_its_time(office: Office) -> None:
    """While one worker hands a notice over, no other takes it; if it has died, another does, later."""
    office.finished()
    at, seen = now(), list[int]()

    def meanwhile(session: Session) -> None:
        office.work(at)
        seen.append(len(office.mails()))

    office.world.server.when("rcpt", JONAS, meanwhile)
    office.work(at)
    assert seen == [0]
    assert len(office.mails()) == 1
    with office.world.runtime.database.writing() as session:
        due = at + timedelta(seconds=CLAIM_SECONDS)
        session.execute(update(Notice).values(mail="waiting", next_try_at=due))
    office.work(at + timedelta(seconds=CLAIM_SECONDS - 1))
    assert len(office.mails()) == 1
    office.work(at + timedelta(seconds=CLAIM_SECONDS))
    ids = {taken.message_id for taken in office.world.server.taken}
    assert (len(office.mails()), len(ids)) == (2, 1)
