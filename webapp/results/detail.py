"""One result with its run, its invoices and every attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session, defer, joinedload

from webapp import cluster_paths
from webapp.access import Viewer, visible_to
from webapp.definitions.versions import content_of
from webapp.results import filters, rows
from webapp.results.rows import ResultRow
from webapp.selection.recheck import recheck
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import Content
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import ResultStatus, RunStatus


@dataclass(frozen=True)
class ResultDetail:
    """`attempts` come without the stored data of their mails, the last one first; `kept` has the numbers of
    those whose data are stored. `path` are the clusters that lead to the customer. `changed_since`: the
    message definition has changed since the run was created. `only_rehearsed`: no customer has the mail.
    `can_be_sent_now`: it was skipped, and no reason applies any more."""

    run: Run
    line: ResultRow
    attempts: list[Attempt]
    kept: list[int]
    path: list[str]
    changed_since: bool
    only_rehearsed: bool
    can_be_sent_now: bool

    @property
    def result(self) -> Result:
        return self.line.result

    @property
    def content(self) -> Content:
        """The definition in the version that the run keeps."""
        return cast(Content, self.run.version.content)

    @property
    def is_live(self) -> bool:
        """Whether it can change by itself."""
        waits = (
            self.result.status in (ResultStatus.READY, ResultStatus.DEFERRED)
            and self.run.status == RunStatus.RUNNING
        )
        return waits or self.result.status == ResultStatus.SENDING


def find(session: Session, viewer: Viewer, result_id: int) -> ResultDetail | None:
    """The result with all that belongs to it; None if there is none that this person may see."""
    row = session.execute(rows.rows_query(viewer).where(Result.id == result_id)).first()
    if row is None:
        return None
    line = ResultRow(*row)
    run = session.scalar(
        select(Run)
        .options(joinedload(Run.version), joinedload(Run.definition))
        .where(Run.id == line.result.run_id, visible_to(viewer, Run))
    )
    if run is None:
        return None
    rows.load_details(session, run, [line])
    cluster = session.scalars(
        select(Cluster)
        .join(Customer, Customer.cluster_id == Cluster.id)
        .where(Customer.id == line.result.customer_id)
    ).one()
    return ResultDetail(
        run,
        line,
        _attempts(session, result_id),
        _kept(session, result_id),
        cluster_paths.path(session, viewer, cluster),
        content_of(session, run.definition) != run.version.content,
        bool(session.scalar(select(filters.only_rehearsed()).where(Result.id == result_id))),
        line.result.status == ResultStatus.SKIPPED and _has_no_reason(session, result_id),
    )


def _has_no_reason(session: Session, result_id: int) -> bool:
    """Whether today's data allow sending every invoice of this result."""
    [reasons] = recheck(session, [result_id]).values()
    return not any(reasons.values())


def _attempts(session: Session, result_id: int) -> list[Attempt]:
    return list(
        session.scalars(
            select(Attempt)
            .options(defer(Attempt.rebuild_data, raiseload=True))
            .where(Attempt.result_id == result_id)
            .order_by(Attempt.number.desc(), Attempt.id.desc())
        )
    )


def _kept(session: Session, result_id: int) -> list[int]:
    numbers = session.scalars(
        select(Attempt.number)
        .where(Attempt.result_id == result_id, Attempt.rebuild_data.is_not(None))
        .order_by(Attempt.number.desc(), Attempt.id.desc())
    )
    return list(dict.fromkeys(numbers))
