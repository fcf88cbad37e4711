"""The bell, the page of notices, what each chooses, and the settings."""

from __future__ import annotations

import pytest
from sqlalchemy import select, update

from tests.http_client import Browser, LogIn, text_of
from tests.notices.conftest import JONAS, Office
from webapp import telling
from webapp.store.installation import Installation
from webapp.store.mailservers import Sender
from webapp.store.notices import Notice, NoticeKind, NoticePreference
from webapp.store.users import AuditEntry, User


def jonas(office: Office, log_in: LogIn) -> Browser:
    """Jonas is logged in."""
    browser: Browser = log_in("viewer")
    browser.client = browser.client.application.test_client()
    browser.log_in(JONAS)
    return browser


def tell(office: Office, email: str, *names: str) -> None:
    """This user is told of trouble of these mailboxes."""
    with office.world.runtime.database.writing() as session:
        user = session.scalars(select(User).where(User.email == email)).one()
        for name in names:
            about = {"what": "mailbox", "name": name, "words": "no route to host", "address": "/mailboxes/1"}
            telling.tell(session, NoticeKind.CONNECTION, name, [user], about)


def test_the_bell_counts_what_is_unread_and_lists_the_newest(office: Office, log_in: LogIn) -> None:
    browser = jonas(office, log_in)
    assert "There is nothing to tell you yet." in text_of(browser.look("/runs"))
    tell(office, JONAS, *(f"Box {n}" for n in range(8)))
    page = browser.look("/runs")
    assert 'aria-label="Notices, 8 unread"' in page.text
    assert "Mailbox “Box 7” is in trouble" in text_of(page)
    assert "Mailbox “Box 1” is in trouble" not in text_of(page)
    everything = text_of(browser.look("/notices"))
    assert all(f"Mailbox “Box {n}” is in trouble" in everything for n in range(8))


def test_notices_are_marked_as_read_one_by_one_and_all_at_once(office: Office, log_in: LogIn) -> None:
    browser = jonas(office, log_in)
    tell(office, JONAS, "Box 1", "Box 2", "Box 3")
    first, *_others = office.notices()
    browser.look("/notices")
    assert "1 notice marked as read." in text_of(
        browser.client.get(browser.press(f"/notices/{first.id}/read").location)
    )
    assert 'aria-label="Notices, 2 unread"' in browser.look("/notices").text
    newest = office.notices()[-1].id
    tell(office, JONAS, "Box 4")
    browser.press("/notices/read", up_to=newest)
    assert [notice.read_at is None for notice in office.notices()] == [False, False, False, True]
    assert 'aria-label="Notices, 1 unread"' in browser.look("/notices").text


def test_no_one_reads_or_marks_the_notices_of_others(office: Office, log_in: LogIn) -> None:
    office.person("other@office.test")
    tell(office, "other@office.test", "Secret box")
    browser = jonas(office, log_in)
    assert "Secret box" not in browser.look("/notices").text
    [theirs] = office.notices()
    browser.press(f"/notices/{theirs.id}/read")
    browser.look("/notices")
    browser.press("/notices/read", up_to=10_000)
    assert office.notices()[0].read_at is None


def test_older_ones_have_pages_of_their_own(office: Office, log_in: LogIn) -> None:
    browser = jonas(office, log_in)
    tell(office, JONAS, *(f"Box {n:02}" for n in range(60)))
    first = browser.look("/notices").text
    assert "Box 59" in first
    assert "“Box 09”" not in first
    ids = [notice.id for notice in office.notices()]
    older = browser.look(f"/notices?before={ids[10]}").text
    assert "“Box 09”" in older
    assert f'href="/notices?before={ids[10]}"' in first


def test_each_chooses_what_comes_and_how_and_the_trail_has_it(office: Office, log_in: LogIn) -> None:
    browser = jonas(office, log_in)
    assert "A run waits for its mail server" in text_of(browser.look("/account"))
    chosen = {"run_finished": "digest", "run_finished_of_all": "y", "plan_held": "off"}
    browser.press("/account/notices", **chosen, connection_of_all="y")
    with office.world.runtime.database.reading() as session:
        rows = session.scalars(select(NoticePreference).order_by(NoticePreference.kind)).all()
        noted = session.scalars(select(AuditEntry.detail).where(AuditEntry.action == "change")).all()
    assert [(row.kind, row.way, row.of_all) for row in rows] == [
        ("plan_held", "off", False),
        ("run_finished", "digest", True),
    ]
    assert "notices, run_finished: at_once → digest, of all runs" in noted[-1]
    page = browser.look("/account").text
    assert '<option value="off" selected>' in page
    browser.press("/account/notices", run_finished="sometimes")
    assert "Choose how you want to be told from the list." in browser.look("/account").text


def test_an_administrator_chooses_sender_minutes_and_address(office: Office, log_in: LogIn) -> None:
    with office.world.runtime.database.writing() as session:
        session.execute(update(Sender).values(for_notices=False))
        session.execute(update(Installation).values(notice_address=""))
    admin: Browser = log_in("admin")
    page = admin.look("/settings/notices")
    assert 'value="http://localhost"' in page.text
    seen = seen_in(page.text)
    with office.world.runtime.database.reading() as session:
        sender = session.scalars(select(Sender)).one()
    values = {"sender": sender.id, "minutes": "30", "address": "https://mail.test/run/", "seen": seen}
    admin.press("/settings/notices", **values)
    with office.world.runtime.database.reading() as session:
        row = session.scalars(select(Installation)).one()
        assert (row.notice_minutes, row.notice_address) == (30, "https://mail.test/run")
        assert session.scalars(select(Sender.for_notices)).one()
        noted = session.scalars(select(AuditEntry.detail).where(AuditEntry.subject == "notices")).one()
    assert f"sender: none → {sender.key}" in noted
    assert sender.key in text_of(admin.look("/settings"))
    admin.look("/settings/notices")
    assert "changed by" in text_of(admin.press("/settings/notices", **values))


def test_the_sender_of_notices_is_not_deleted(office: Office, log_in: LogIn) -> None:
    with office.world.runtime.database.writing() as session:
        server = session.scalars(select(Sender.mail_server_id)).one()
        session.execute(update(Sender).values(for_notices=False))
        session.flush()
        added = Sender(key="notices", address="n@office.test", mail_server_id=server, for_notices=True)
        session.add(added)
    admin: Browser = log_in("admin")
    assert "notices to users" in text_of(admin.look(f"/senders/{added.id}"))
    admin.press(f"/senders/{added.id}/delete")
    with office.world.runtime.database.reading() as session:
        assert session.get(Sender, added.id) is not None


def seen_in(page: str) -> str:
    return page.partition('name="seen" value="')[2].partition('"')[0]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *[("minutes", wrong) for wrong in ("", "0", "-1", "1.5", "10081", "9" * 40)],
        *[
            ("address", wrong)
            for wrong in ("mailrun.test", "javascript:alert(1)", "https://a b", "https://x?y")
        ],
        *[("sender", wrong) for wrong in ("999", "x", "9" * 30)],
    ],
)
def test_what_cannot_be_is_refused(office: Office, log_in: LogIn, field: str, value: str) -> None:
    admin: Browser = log_in("admin")
    seen = seen_in(admin.look("/settings/notices").text)
    values = {"sender": "", "minutes": "15", "address": "", "seen": seen, field: value}
    answer = admin.press("/settings/notices", **values)
    assert answer.status_code == 422
    assert 'class="error"' in answer.text


def test_only_administrators_who_see_everything_choose(office: Office, log_in: LogIn) -> None:
    for who in (log_in("manager"), log_in("admin", "left")):
        who.look("/account")
        assert who.look("/settings/notices").status_code == 403
        assert who.press("/settings/notices", sender="", minutes="15").status_code == 403


def test_names_in_notices_are_no_markup(office: Office, log_in: LogIn) -> None:
    browser = jonas(office, log_in)
    tell(office, JONAS, "<b>Box</b>")
    page = browser.look("/notices").text
    assert "<b>Box</b>" not in page
    assert "&lt;b&gt;Box&lt;/b&gt;" in page


def test_what_became_of_the_mail_stands_there(office: Office, log_in: LogIn) -> None:
    browser = jonas(office, log_in)
    office.finished()
    said = {
        "waiting": "is being mailed",
        "collected": "comes in the next daily mail",
        "mailed": "mailed",
        "given_up": "not mailed, given up after a day: the mail server answered: 550 no",
        "dropped": "not mailed: the mail server answered: 550 no",
    }
    for state, words in said.items():
        with office.world.runtime.database.writing() as session:
            problem = "the mail server answered: 550 no" if state in ("given_up", "dropped") else ""
            session.execute(update(Notice).values(mail=state, problem=problem))
        assert words in text_of(browser.look("/notices"))
