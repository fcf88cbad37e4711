"""What `mailrun doctor` says of notices."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import update

from tests.notices.conftest import JONAS, MARIT, Office
from tests.notices.conftest import office as office
from webapp.launch.notice_checks import USERS_TOLD_MAX, notice_checks
from webapp.store.installation import Installation
from webapp.store.mailservers import MailServer, Sender
from webapp.store.types import now
from webapp.store.users import User


def told(office: Office) -> list[tuple[str, str, str]]:
    return [(each.look, each.about, each.words) for each in notice_checks(office.world.runtime)]


def others(office: Office) -> list[tuple[str, str, str]]:
    """All but the first line, which is that all is well."""
    first, *rest = told(office)
    assert first[:2] == ("ok", "notices")
    return rest


def test_all_is_well(office: Office) -> None:
    office.finished()
    [(look, about, words)] = told(office)
    assert (look, about) == ("ok", "notices")
    assert words.startswith("are mailed by sender ")


def test_without_a_sender_it_says_where_to_choose_one(office: Office) -> None:
    with office.world.runtime.database.writing() as session:
        session.execute(update(Sender).values(for_notices=False))
    office.world.add(JONAS)  # of no account: nothing is mailed
    [(look, about, words)] = told(office)
    assert (look, about) == ("warn", "notices")
    assert "choose a sender under Settings, Notices" in words


def test_a_mail_server_in_trouble_is_named_with_what_to_change(office: Office) -> None:
    office.trouble("connection refused", now() - timedelta(minutes=5))
    with office.world.runtime.database.writing() as session:
        session.execute(update(MailServer).values(name="Notices’ own"))
    [(look, _about, words)] = told(office)
    assert look == "WRONG"
    assert words.startswith("their mail server Notices’ own has taken none since ")
    assert ": connection refused; correct it under Settings, Mail servers, or choose another sender" in words


def test_a_sender_whose_address_is_none_and_missing_links_are_told(office: Office) -> None:
    with office.world.runtime.database.writing() as session:
        session.execute(update(Installation).values(notice_address=""))
    [(look, _about, words)] = told(office)
    assert (look, "enter the address of the pages" in words) == ("warn", True)
    with office.world.runtime.database.writing() as session:
        session.execute(update(Sender).values(address="nowhere"))
    [(look, _about, words)] = told(office)
    assert look == "WRONG"
    assert words.endswith("; correct its address")


def test_notices_that_no_worker_looked_at(office: Office) -> None:
    office.finished()
    office.change(next_try_at=now() - timedelta(minutes=29))
    assert others(office) == []
    office.change(next_try_at=now() - timedelta(minutes=31))
    said = "1 was due long ago, and no worker looked; start one: mailrun worker"
    assert others(office) == [("WRONG", "waiting notices", said)]
    office.change(mail="collected", next_try_at=None, made_at=now() - timedelta(hours=24))
    assert others(office) == []
    office.change(made_at=now() - timedelta(hours=26))
    assert others(office) == [("WRONG", "waiting notices", said)]


def test_notices_that_no_mail_server_took(office: Office) -> None:
    office.finished()
    office.finished()
    soon, since = now() + timedelta(minutes=10), now() - timedelta(hours=3)
    words = "the mail server answered: 550 no"
    office.change(tries=4, next_try_at=soon, problem=words, made_at=now() - timedelta(minutes=5))
    assert others(office) == []
    office.change(made_at=since)
    [(look, about, said)] = others(office)
    assert (look, about) == ("WRONG", "waiting notices")
    assert (
        f"2 are not taken, the oldest since {since:%Y-%m-%d %H:%M} UTC: {words}; it is given up at " in said
    )
    office.change(mail="given_up", next_try_at=None)
    [(look, about, said)] = others(office)
    assert (look, about) == ("warn", "notices given up")
    assert f"2 within a week, the last one since: {words}; " in said
    office.change(made_at=now() - timedelta(days=8))
    assert others(office) == []


def test_users_whose_notices_cannot_be_mailed(office: Office) -> None:
    office.person(MARIT)
    office.person("gone@office.test", disabled_at=now())
    office.world.add("Marit@office.test", "gone@office.test")
    [(look, about, words)] = others(office)
    assert (look, about) == ("warn", f"notices to {MARIT}")
    assert "a customer has this address, too" in words
    assert "take it from the customer" in words
    with office.world.runtime.database.writing() as session:
        session.execute(update(User).where(User.email == JONAS).values(email="jonas"))
    [(look, about, words), _marit] = others(office)
    assert (look, about) == ("warn", "notices to jonas")
    assert words.endswith("invite the person with another address")


def test_very_many_users_are_counted(office: Office) -> None:
    emails = [f"p{n:02}@office.test" for n in range(USERS_TOLD_MAX + 3)]
    office.world.add(*emails)
    with office.world.runtime.database.writing() as session:
        given = {"password_hash": "", "role": "viewer", "session_key": "k"}
        session.add_all(User(email=email, name=email, **given) for email in emails)
    said = others(office)
    assert len(said) == USERS_TOLD_MAX + 1
    assert said[-1] == ("warn", "notices to others", "3 get no mail either")


def test_a_copy_that_may_not_send_tells_of_no_waiting_notice(office: Office) -> None:
    office.finished()
    office.change(next_try_at=now() - timedelta(hours=5))
    with office.world.runtime.database.writing() as session:
        session.execute(update(Installation).values(key_check="0" * 64))
    assert others(office) == []
