"""Counts that are remembered until what they are counted of has changed."""

from __future__ import annotations

from webapp import audit
from webapp.remembered import changes_by_people, once, remembered
from webapp.store.database import Database


def test_a_count_is_remembered_until_a_person_changes_something(database: Database) -> None:
    counted: list[int] = []

    def count() -> int:
        counted.append(1)
        return len(counted)

    def ask(name: str) -> int:
        with database.reading() as session:
            stamp = changes_by_people(session)
            return remembered(session, name, stamp, count)

    assert [ask("one"), ask("one"), ask("other"), ask("one")] == [1, 1, 2, 1]
    with database.writing() as session:
        audit.note(session, "ann", "change", "customer K-1")
    assert [ask("one"), ask("one"), ask("other")] == [3, 3, 4]


def test_what_a_transaction_sees_before_its_commit_is_not_remembered(database: Database) -> None:
    with database.writing() as session:
        stamp = changes_by_people(session)
        assert remembered(session, "one", stamp, lambda: "not committed") == "not committed"
        assert remembered(session, "one", stamp, lambda: "still not") == "still not"
    with database.reading() as session:
        assert remembered(session, "one", stamp, lambda: "committed") == "committed"


def test_a_reading_session_looks_up_once_and_a_writing_one_each_time(database: Database) -> None:
    for session_of, found in ((database.reading, [1, 1, 2]), (database.writing, [1, 2, 3])):
        looked_up: list[int] = []

        def look(seen: list[int] = looked_up) -> int:
            seen.append(1)
            return len(seen)

        with session_of() as session:
            assert [
                once(session, "one", look),
                once(session, "one", look),
                once(session, "two", look),
            ] == found
        with session_of() as session:
            assert once(session, "one", look) > found[-1], "another session looks again"
