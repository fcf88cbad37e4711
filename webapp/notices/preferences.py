"""Which notices a user wants, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import edits
from webapp.errors import Refused
from webapp.notices.words import KIND_WORDS
from webapp.store.dialects import insert_into
from webapp.store.notices import NoticeKind, NoticePreference, NoticeWay
from webapp.store.users import User
from webapp.translation import N_, _

WAY_WORDS = {
    NoticeWay.AT_ONCE: N_("By mail, at once"),
    NoticeWay.DIGEST: N_("By mail, once a day"),
    NoticeWay.BELL: N_("On these pages only"),
    NoticeWay.OFF: N_("Not at all"),
}
OF_RUNS = (NoticeKind.RUN_FINISHED, NoticeKind.RUN_STOPPED, NoticeKind.RUN_WAITS)
"""Kinds that a user can have of every run that they see."""


@dataclass(frozen=True)
class NoticeChoice:
    """How a user wants to be told of one kind."""

    way: NoticeWay = NoticeWay.AT_ONCE
    of_all: bool = False

    def told(self) -> str:
        """As the audit trail tells it."""
        return f"{self.way.value}, of all runs" if self.of_all else self.way.value


def choices_of(session: Session, user_id: int) -> dict[NoticeKind, NoticeChoice]:
    """How this user wants to be told of each kind."""
    rows = session.scalars(select(NoticePreference).where(NoticePreference.user_id == user_id))
    said = {row.kind: NoticeChoice(NoticeWay(row.way), row.of_all) for row in rows}
    return {kind: said.get(kind, NoticeChoice()) for kind in KIND_WORDS}


def change(session: Session, user: User, given: Mapping[str, str]) -> bool:
    """Store what this user chose in the form; return whether anything differs. Raises Refused."""
    before = choices_of(session, user.id)
    after = {}
    for kind in KIND_WORDS:
        try:
            way = NoticeWay(given.get(kind, NoticeWay.AT_ONCE))
        except ValueError:
            raise Refused(_("Choose how you want to be told from the list.")) from None
        after[kind] = NoticeChoice(way, kind in OF_RUNS and bool(given.get(f"{kind}_of_all")))
    for kind, choice in after.items():
        if choice != before[kind]:
            values = {"way": choice.way, "of_all": choice.of_all}
            adding = insert_into(session, NoticePreference).values(user_id=user.id, kind=kind, **values)
            session.execute(adding.on_conflict_do_update(index_elements=["user_id", "kind"], set_=values))
    told = [{f"notices, {kind}": choice.told() for kind, choice in each.items()} for each in (before, after)]
    return edits.note_change(session, user.email, user.email, *told)
