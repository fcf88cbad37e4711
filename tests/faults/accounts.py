"""What must hold after every row of the fault table: R1, R3 and invariant 10."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Row, select

from tests.mailserver import Taken
from tests.world import World
from webapp.store.runs import Reservation, Result, Run
from webapp.store.statuses import ResultStatus

NAME = re.compile(r"<(\d+)\.(\d+)\.(\d+)\.")
"""How a Message-ID begins: run, result, and the number of the result's message."""

WAITING = (ResultStatus.READY, ResultStatus.DEFERRED)
MAYBE_THERE = (ResultStatus.SENT, ResultStatus.UNCONFIRMED, ResultStatus.BOUNCED)
NONE_ASKED: Mapping[str, int] = {}


def accounted(world: World, run_id: int, *, asked_again: Mapping[str, int] = NONE_ASKED) -> Counter[str]:
    """Holds this run against what the mail server took; how many results are in which status.

    1. The counts that the pages show add up to the rows (invariant 10).
    2. No result is `sending`; in a finished run none waits. So each has a final state, or is waiting (R1).
    3. Each `sent` is at the server, and its 250 was said (R1, R3).
    4. Nothing is at the server that is not `sent`, `unconfirmed` or `bounced`: no `failed`, and nothing that
    would go out a second time (R2, R3).
    5. No message, and no address, is there twice. `asked_again`: how many more each of these was sent by a
    person's wish.
    6. Just what may have been sent is reserved.
    """
    statuses = world.statuses(run_id)
    found = messages(world, run_id)
    finished = world.status(run_id) == "finished"
    for result in rows(world, run_id):
        status = result.removed_from or result.status
        there = found.get((result.id, result.message_number), [])
        told = f"result {result.id} to {result.recipients} is {status}: {result.detail}"
        assert status != ResultStatus.SENDING, told
        assert not (finished and result.status in WAITING), told
        assert len(there) <= 1, f"{told}, and is there {len(there)} times"
        if status == ResultStatus.SENT and "marked as sent by" not in result.detail:
            assert there, f"{told}, and is not there"
            assert there[0].said, f"{told}, and no 250 was said"
        assert not there or status in MAYBE_THERE, f"{told}, and is there"
    _once_each(world, run_id, asked_again)
    _reserved(world, run_id)
    return Counter(statuses)


def rows(world: World, run_id: int) -> list[Row[Any]]:
    """Of each result what is looked at here, and no more: there may be a million."""
    names = ("id", "status", "removed_from", "detail", "recipients", "message_number")
    with world.runtime.database.reading() as session:
        columns = select(*(getattr(Result, name) for name in names))
        return list(session.execute(columns.where(Result.run_id == run_id).order_by(Result.id)))


def messages(world: World, run_id: int) -> dict[tuple[int, int], list[Taken]]:
    """What the server took of this run: by result, and by the number of its message."""
    found: dict[tuple[int, int], list[Taken]] = defaultdict(list)
    for taken in list(world.server.taken):
        name = NAME.match(taken.message_id)
        assert name, f"a mail with the Message-ID {taken.message_id!r}"
        if int(name[1]) == run_id:
            found[int(name[2]), int(name[3])].append(taken)
    return found


def _once_each(world: World, run_id: int, asked_again: Mapping[str, int]) -> None:
    with world.runtime.database.reading() as session:
        everywhere = set(session.get_one(Run, run_id).bcc)
    arrived = Counter(
        address
        for taken in list(world.server.taken)
        for address in taken.recipients
        if address not in everywhere
    )
    too_often = {address: n for address, n in arrived.items() if n > 1 + asked_again.get(address, 0)}
    assert not too_often, f"sent more often than asked for: {too_often}"


def _reserved(world: World, run_id: int) -> None:
    with world.runtime.database.reading() as session:
        of_run = select(Result.id).where(Result.run_id == run_id)
        has = set(session.scalars(select(Reservation.result_id).where(Reservation.result_id.in_(of_run))))
        maybe = set(session.scalars(of_run.where(Result.status.in_(MAYBE_THERE), Result.message_number == 1)))
        never = set(session.scalars(of_run.where(Result.attempts == 0)))
    assert maybe <= has, f"not reserved, though they may have been sent: {maybe - has}"
    assert not never & has, f"reserved, though never tried: {never & has}"
