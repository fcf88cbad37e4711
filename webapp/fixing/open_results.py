"""The open results behind a part of the list: of which customers, and what is known of each."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session

from webapp.access import Asking, Viewer, whole_to
from webapp.bounces.listing import bounced_addresses
from webapp.results.to_fix import SKIPPED_FOR, OpenCause, among_open, is_current, is_open_for
from webapp.selection.recheck import recheck
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.dialects import id_in
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import RunStatus

Conditions = Sequence[ColumnElement[bool]]
OF_ADDRESSES = (OpenCause.BAD_ADDRESS, OpenCause.BOUNCED)
LOADED_MAX = 1_000
"""Open results that are looked at for one page of a cause."""


@dataclass(frozen=True)
class Scope:
    """What the list is narrowed to: a run, a cluster with those below it, and customers that are searched."""

    run_id: int | None = None
    cluster_id: int | None = None
    search: str = ""


EVERYTHING = Scope()


@dataclass(frozen=True)
class OpenResult:
    """An open result with its run. `is_whole`: the person sees all of the run, and may change it. `tried`:
    the addresses of its last attempt, those that were refused first. `reasons`, of a
    skipped one: invoice → why it cannot be sent today, or empty."""

    id: int
    customer_id: int
    invoice_id: int
    detail: str
    reply: str
    tried: list[str]
    changed_at: datetime
    run_id: int
    run_name: str
    run_status: str
    is_whole: bool
    content: Content
    definition_id: int
    version_id: int
    reasons: dict[int, str]

    @property
    def goes_out(self) -> bool:
        """Whether its mail goes out at once when it becomes ready, without a Start."""
        return self.run_status in (RunStatus.RUNNING, RunStatus.FINISHED)

    def still(self, reason: str) -> bool:
        """Whether this is still what keeps one of its invoices from being sent."""
        return reason in self.reasons.values()


def among(session: Session, viewer: Viewer, scope: Scope) -> Conditions:
    """The conditions on Result for what is open within the scope."""
    return among_open(session, viewer, scope.run_id, scope.cluster_id, scope.search)


def customers(
    session: Session, ours: Conditions, cause: OpenCause, scope: Scope, after: int, at_most: int
) -> list[tuple[int, int]]:
    """(id of the oldest open result, customer), oldest first, from behind this result on; of the results that
    are `ours` (`among`).

    The open results are read in the order of ids, some at a time; of these few customers it is looked up
    which result is the oldest."""
    ours = [*ours, is_open_for(cause)]
    found: list[tuple[int, int]] = []
    size = READ_AT_ONCE * at_most
    while len(found) < at_most:
        rows = session.execute(
            select(Result.id, Result.customer_id)
            .where(*ours, Result.id > after)
            .order_by(Result.id)
            .limit(size)
        ).all()
        oldest = _oldest(session, cause, scope, {row.customer_id for row in rows})
        found += [(row.id, row.customer_id) for row in rows if oldest[row.customer_id] == row.id]
        if len(rows) < size:
            break
        after, size = rows[-1].id, min(2 * size, READ_MAX)
    return found[:at_most]


READ_AT_ONCE, READ_MAX = 3, 1_000
"""How many results are read for each customer that is wanted, and at most."""


def _oldest(
    session: Session, cause: OpenCause, scope: Scope, customer_ids: Collection[int]
) -> dict[int, int]:
    """Of each of these customers the oldest result that is open for this cause."""
    found = select(Result.customer_id, func.min(Result.id)).where(
        id_in(session, Result.customer_id, customer_ids), is_current(), is_open_for(cause)
    )
    if scope.run_id is not None:
        found = found.where(Result.run_id == scope.run_id)
    return {customer_id: id for customer_id, id in session.execute(found.group_by(Result.customer_id))}


def of_customers(
    session: Session,
    viewer: Viewer,
    cause: OpenCause,
    customer_ids: Collection[int],
    scope: Scope = EVERYTHING,
) -> list[OpenResult]:
    """The open results of these customers for this cause, oldest first, at most LOADED_MAX."""
    version = func.coalesce(Result.version_id, Run.version_id).label("version_id")
    whole = whole_to(viewer) if viewer.clusters else literal(True)
    columns = (
        *(Result.id, Result.customer_id, Result.lead_invoice_id, Result.detail, Result.smtp_reply),
        *(Result.changed_at, Result.run_id, Run.definition_id, Run.name, Run.status, version),
        whole.label("is_whole"),
    )
    ours = among_open(session, viewer, scope.run_id, asking=Asking.EACH)
    rows = session.execute(
        select(*columns)
        .join(Run, Run.id == Result.run_id)
        .where(Result.customer_id.in_(customer_ids), *ours, is_open_for(cause))
        .order_by(Result.id)
        .limit(LOADED_MAX)
    ).all()
    ids = [row.id for row in rows]
    contents = _contents(session, {row.version_id for row in rows})
    reasons = recheck(session, ids) if cause in SKIPPED_FOR else {}
    tried = _tried(session, ids) if cause in OF_ADDRESSES else {}
    return [
        OpenResult(
            id=row.id,
            customer_id=row.customer_id,
            invoice_id=row.lead_invoice_id,
            detail=row.detail,
            reply=row.smtp_reply,
            tried=tried.get(row.id, []),
            changed_at=row.changed_at,
            run_id=row.run_id,
            run_name=row.name,
            run_status=row.status,
            is_whole=bool(row.is_whole),
            content=contents[row.version_id],
            definition_id=row.definition_id,
            version_id=row.version_id,
            reasons=reasons.get(row.id, {}),
        )
        for row in rows
    ]


def _tried(session: Session, result_ids: Sequence[int]) -> dict[int, list[str]]:
    """The addresses of the last attempt for each of these results: first those that were refused, or that its
    mail came back from."""
    last = select(func.max(Attempt.id)).where(Attempt.result_id.in_(result_ids)).group_by(Attempt.result_id)
    rows = session.execute(
        select(Attempt.result_id, Attempt.recipients, Attempt.refused).where(Attempt.id.in_(last))
    )
    came_back = bounced_addresses(session, result_ids)
    return {
        result_id: list(dict.fromkeys([*refused, *came_back.get(result_id, ()), *went_to]))
        for result_id, went_to, refused in rows
    }


def _contents(session: Session, ids: Collection[int]) -> dict[int, Content]:
    versions = session.scalars(select(DefinitionVersion).where(DefinitionVersion.id.in_(ids)))
    return {version.id: cast(Content, version.content) for version in versions}
