"""The daily mail: at seven in the morning of each user, once a day, with what was written before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from tests.notices.conftest import ADDRESS, JONAS, Office
from webapp.notices import upkeep
from webapp.notices.digests import last_time
from webapp.store.notices import Notice, NoticeKind, NoticeWay
from webapp.store.users import User

DAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=3)
"""Midnight in UTC, some days ago."""
SEVEN = DAY + timedelta(hours=6)
"""07:00 in Lagos, which has no summer time."""


def collected(office: Office, *made_at: datetime) -> User:
    """A user in Lagos has notices of these moments for the next daily mail."""
    user = office.person("daily@office.test", time_zone="Africa/Lagos")
    office.want(user, NoticeKind.RUN_FINISHED, NoticeWay.DIGEST)
    for at in made_at:
        office.finished(user.email)
        newest = office.notices()[-1].id
        with office.world.runtime.database.writing() as session:
            session.execute(update(Notice).where(Notice.id == newest).values(made_at=at))
    return user


def test_what_was_written_before_seven_comes_at_seven_in_one_mail(office: Office) -> None:
    half_past = SEVEN + timedelta(minutes=30)
    collected(office, DAY - timedelta(hours=9), DAY + timedelta(hours=2), half_past)
    assert [notice.mail for notice in office.notices()] == ["collected"] * 3
    assert not upkeep.has_work(office.world.runtime, SEVEN - timedelta(minutes=1))
    office.work(SEVEN - timedelta(minutes=1))
    assert office.mails() == []
    office.work(SEVEN)
    office.work(SEVEN + timedelta(hours=1))
    [(to, subject, text)] = office.mails()
    assert to == ("daily@office.test",)
    assert subject == "2 notices of Mailrun"
    assert text.count(f"{ADDRESS}/runs/") == 2
    states = [notice.mail for notice in office.notices() if notice.kind != "digest"]
    assert states == ["mailed", "mailed", "collected"]
    office.work(SEVEN + timedelta(days=1))
    assert [subject for _to, subject, _text in office.mails()] == [
        "2 notices of Mailrun",
        "1 notice of Mailrun",
    ]


@pytest.mark.parametrize(
    ("zone", "at", "expected"),
    [
        ("Europe/Amsterdam", "2026-11-26T06:00+00:00", "2026-11-26T06:00+00:00"),
        ("Europe/Amsterdam", "2026-11-26T05:59+00:00", "2026-11-25T06:00+00:00"),
        ("Europe/Amsterdam", "2026-03-29T04:59+00:00", "2026-03-28T06:00+00:00"),  # the clock goes forward
        ("Europe/Amsterdam", "2026-03-29T05:00+00:00", "2026-03-29T05:00+00:00"),
        ("Asia/Tokyo", "2026-11-26T12:00+00:00", "2026-11-25T22:00+00:00"),
        ("America/St_Johns", "2026-11-26T12:00+00:00", "2026-11-26T10:30+00:00"),
    ],
)
def test_seven_is_that_of_the_user(office: Office, zone: str, at: str, expected: str) -> None:
    user = office.person("zone@office.test", time_zone=zone)
    assert last_time(user, datetime.fromisoformat(at)) == datetime.fromisoformat(expected)


def test_a_digest_that_was_never_taken_is_given_up_with_what_is_in_it(office: Office) -> None:
    collected(office, DAY + timedelta(hours=2))
    office.world.server.shut = "550 never"
    office.work(SEVEN)
    assert [(each.kind, each.mail) for each in office.notices()] == [
        ("run_finished", "given_up"),
        ("digest", "given_up"),
    ]


def test_a_second_zone_of_a_day_makes_no_second_digest_and_no_work(office: Office) -> None:
    user = collected(office, DAY + timedelta(hours=2))
    office.work(SEVEN)
    with office.world.runtime.database.writing() as session:
        session.execute(update(User).where(User.id == user.id).values(time_zone="Atlantic/Cape_Verde"))
        again = update(Notice).where(Notice.kind == "run_finished")
        session.execute(again.values(mail="collected", digest_id=None))
    later = SEVEN + timedelta(hours=3)
    assert not upkeep.has_work(office.world.runtime, later)
    office.work(later)
    assert len(office.mails()) == 1
    office.work(later + timedelta(days=1))
    assert len(office.mails()) == 2


def test_no_digest_comes_where_there_is_nothing_to_tell(office: Office) -> None:
    office.finished(JONAS)
    office.work()
    assert [notice.kind for notice in office.notices()] == ["run_finished"]
