"""What a filter matches, on both databases: the page shows it, Send again and Remove change it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.world import World
from webapp.lifecycle.results import lock_results, transition
from webapp.results.filters import matching
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus


def numbers(world: World, run_id: int, **given: str) -> list[int]:
    """The results that match, counted from 1 in the order they were taken."""
    ids = [result.id for result in world.results(run_id)]
    with world.runtime.database.reading() as session:
        found = session.scalars(select(Result.id).where(*matching(run_id, **given)).order_by(Result.id))
        return [ids.index(id) + 1 for id in found]


def set_fields(world: World, result_id: int, **values: object) -> None:
    with world.runtime.database.writing() as session:
        result = session.get_one(Result, result_id)
        for name, value in values.items():
            setattr(result, name, value)


@pytest.fixture
def run_id(world: World) -> int:
    """Five results: ready, ready, no recipient, no document, and one that is removed."""
    world.add("anna@100%.test", number="2026-A_1")
    world.add("bert@other.test", number="2026-AB1")
    world.add("")
    world.add(documents=False)
    world.add("erik@other.test")
    made = world.run()
    with world.runtime.database.writing() as session:
        last = lock_results(session, Result.id == world.results(made)[-1].id)
        transition(session, made, last, ResultStatus.REMOVED, values={"removed_from": "ready"})
    return made


def test_e2_the_removed_stay_hidden_unless_they_are_asked_for(world: World, run_id: int) -> None:
    assert numbers(world, run_id) == [1, 2, 3, 4]
    assert numbers(world, run_id, status="removed") == [5]
    assert numbers(world, run_id, search="other.test") == [2, 5]
    assert numbers(world, run_id, status="removed", search="other.test") == [5]


def test_by_status_and_reason(world: World, run_id: int) -> None:
    assert numbers(world, run_id, status="ready") == [1, 2]
    assert numbers(world, run_id, reason="no_recipient") == [3]
    assert numbers(world, run_id, status="skipped", reason="no_attachment") == [4]
    assert numbers(world, run_id, status="ready", reason="no_attachment") == []


@pytest.mark.security("C23")
def test_what_is_searched_for_is_taken_letter_by_letter(world: World, run_id: int) -> None:
    assert numbers(world, run_id, search="a_1") == [1]  # not AB1: _ is no wildcard
    assert numbers(world, run_id, search="100%") == [1]
    assert numbers(world, run_id, search="ANNA@") == [1]
    assert numbers(world, run_id, search="\x00") == [1, 2, 3, 4]
    assert numbers(world, run_id, search="' OR 1=1") == []


def test_an_address_counts_as_it_was_used_and_as_it_was_when_the_run_was_made(
    world: World, run_id: int
) -> None:
    set_fields(world, world.results(run_id)[1].id, recipients=["former@used.test"])
    assert numbers(world, run_id, search="former@used") == [2]
    assert numbers(world, run_id, search="bert@") == [2]


@pytest.mark.parametrize("column", ["detail", "smtp_reply", "warning"])
def test_error_texts_are_searched(world: World, run_id: int, column: str) -> None:
    set_fields(world, world.results(run_id)[2].id, **{column: "550 5.1.1 Mailbox unavailable"})
    assert numbers(world, run_id, search="mailbox UNAV") == [3]


def test_only_the_run_s_own_results(world: World, run_id: int) -> None:
    other = world.run()
    with world.runtime.database.reading() as session:
        found = session.scalars(select(Result.run_id).where(*matching(other, search="2026")).distinct())
        assert set(found) == {other}
        assert session.query(Run).count() == 2


@pytest.mark.security("C23")
@pytest.mark.parametrize("given", [{"status": "bogus"}, {"reason": "bogus"}, {"status": "ready "}])
def test_a_filter_that_is_not_understood_never_matches_everything(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="is not a valid"):
        matching(1, **given)
