"""Verify the chain of the audit trail (webapp/audit_chain.py): is each entry as it was written, and in its
place?"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from webapp import audit_chain
from webapp.store.database import Database
from webapp.store.types import now
from webapp.store.users import AuditChain, AuditEntry, AuditStub
from webapp.translation import N_, translated

FETCHED = 5_000
"""Entries that are in memory at a time."""
KEY_GONE = N_("entry %(number)s was written with a key that this machine does not have")
MISSING = N_("entry %(number)s is missing")
CHANGED = N_(
    "entry %(number)s is not as it was written: it was changed, or does not stand where it was written"
)
ADDED = N_("entry %(number)s was not added by Mailrun")
CUT_OFF = N_("entry %(number)s is missing, and all after it")
END_CHANGED = N_("the end of the chain, after entry %(number)s, was not written by this installation")
STUB_CHANGED = N_("what stands for the entries up to %(number)s was not written by this installation")
NOT_ANCHOR = N_("entry %(number)s is not the one that the anchor names")


@dataclass(frozen=True)
class Anchor:
    """A place in the chain that was written down elsewhere: the number of an entry and its hash. As text:
    48211:9c41…03fd"""

    number: int
    hash: str

    def __str__(self) -> str:
        return f"{self.number}:{self.hash}"


@dataclass(frozen=True)
class Verification:
    """What the check found: the entries `first` to `last` are sound; `broken` is the first that is not, and
    `problem` says why. `before`: the last entry from before there was a chain. `released`: the last one that
    a stub stands for."""

    first: int
    last: int
    hash: str
    before: int = 0
    released: int = 0
    broken: int | None = None
    problem: str = ""

    @property
    def entries(self) -> int:
        """How many entries were found sound."""
        return self.last - self.first + 1

    @property
    def anchor(self) -> Anchor:
        """The last sound entry."""
        return Anchor(self.last, self.hash)

    @property
    def words(self) -> str:
        """What is wrong, in the reader's language; empty if nothing is."""
        return problem_words(self.problem, self.broken)


def problem_words(problem: str, broken: int | None) -> str:
    """What is wrong with the entry of this number, in the reader's language."""
    return translated(problem) % {"number": broken} if problem else ""


def verify(database: Database, anchor: Anchor | None = None) -> Verification:
    """Check the whole chain, as it is at one moment; against the anchor too, if one is given.

    1. Begin after the deleted entries, whose stub is signed, or after those from before the chain.
    2. Go over the entries by number: each number follows the one before, and the hash is that of the entry
    and of the hash before.
    3. Compare the last entry with the end of the chain, and look for entries without a place in it."""
    with database.snapshot() as session:
        return _Check(session, anchor).run()


def verify_and_note(database: Database) -> Verification:
    """The same; the page of the audit trail shows the result from then on."""
    verification = verify(database)
    with database.writing() as session:
        session.execute(
            update(AuditChain).values(
                checked_at=now(),
                checked_to=verification.last,
                broken=verification.broken,
                problem=verification.problem,
            )
        )
    return verification


class _Check:
    def __init__(self, session: Session, anchor: Anchor | None) -> None:
        self._session, self._anchor = session, anchor
        self._chain = session.scalars(select(AuditChain)).one()
        self._keys = audit_chain.opened_keys(session)

    def run(self) -> Verification:
        chain, stub = self._chain, self._last_stub()
        self._released = stub.released_to if stub else 0
        begin = Anchor(chain.begins_after, "")
        if stub and stub.released_to > chain.begins_after:
            begin = Anchor(stub.released_to, stub.hash)
        self._last, self._before = begin, begin
        if stub and begin.hash and not self._is_signed(begin, stub.code, "stub"):
            return self._ended(STUB_CHANGED, begin.number)
        for rows in self._pages():
            for row in rows:
                if problem := self._problem(row):
                    return self._ended(*problem)
                self._last = Anchor(row.number, row.hash)
        return self._at_end()

    def _problem(self, row: Row[Any]) -> tuple[str, int] | None:
        number, key = self._last.number + 1, self._key(self._last.number + 1)
        if row.number != number:
            return MISSING, number
        if key is None:
            return KEY_GONE, number
        digest = row.erased or audit_chain.detail_digest(row.salt, row.detail)
        sound = audit_chain.entry_hash(key, self._last.hash, number, row, digest)
        if not hmac.compare_digest(sound, row.hash):
            return CHANGED, number
        if self._anchor and self._anchor.number == number and self._anchor.hash != row.hash:
            return NOT_ANCHOR, number
        return None

    def _at_end(self) -> Verification:
        chain, last = self._chain, self._last
        due = max(chain.last, self._anchor.number if self._anchor else 0)
        if last.number < due:
            return self._ended(CUT_OFF, last.number + 1)
        has_entries = last.number > chain.begins_after
        if has_entries and (
            chain.hash != last.hash or not self._is_signed(Anchor(chain.last, chain.hash), chain.code, "end")
        ):
            return self._ended(END_CHANGED, last.number)
        stray = self._session.scalar(select(func.min(AuditEntry.id)).where(AuditEntry.number.is_(None)))
        return self._ended(ADDED, stray) if stray is not None else self._ended("", None)

    def _pages(self) -> Iterator[Sequence[Any]]:
        entry = AuditEntry
        columns = (entry.number, entry.at, entry.actor, entry.action, entry.subject, entry.origin,
                   entry.detail, entry.salt, entry.hash, entry.erased)  # fmt: skip
        after = self._last.number
        while True:
            page = select(*columns).where(entry.number > after).order_by(entry.number).limit(FETCHED)
            rows = self._session.execute(page).all()
            if not rows:
                return
            yield rows
            after = rows[-1].number

    def _last_stub(self) -> AuditStub | None:
        return self._session.scalar(select(AuditStub).order_by(AuditStub.released_to.desc()).limit(1))

    def _key(self, number: int) -> bytes | None:
        return next((key for first, key in reversed(self._keys) if first <= number), None)

    def _is_signed(self, place: Anchor, code: str, what: str) -> bool:
        key = self._key(place.number)
        return key is not None and hmac.compare_digest(
            audit_chain.place_code(key, place.number, place.hash, what), code
        )

    def _ended(self, problem: str, broken: int | None) -> Verification:
        return Verification(
            first=self._before.number + 1,
            last=self._last.number,
            hash=self._last.hash,
            before=self._chain.begins_after,
            released=self._released,
            broken=broken,
            problem=problem,
        )
