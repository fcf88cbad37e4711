"""What is open: results that stay where they are until a person fixes something. The list "To fix", the
number in the top bar and the overview all count here, each customer once for each cause."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, case, func, not_, or_, select, text
from sqlalchemy.orm import Session

from webapp import found_by
from webapp.access import Asking, Viewer, is_of_customer_in, whole_to
from webapp.remembered import changes_by_people, remembered
from webapp.store.counts import RunCount
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.mailservers import MailServer
from webapp.store.runs import Result, Run
from webapp.store.statuses import TO_FIX, ResultStatus, RunStatus, SkipReason
from webapp.store.text_search import search_words


class OpenCause(StrEnum):
    """What keeps a result from going out, or a run from going on, in the order of the page."""

    NO_RECIPIENT = "no_recipient"
    NO_ATTACHMENT = "no_attachment"
    SUSPECT_DOCUMENT = "suspect_document"
    NO_PASSWORD = "no_password"  # noqa: S105  # a word, not a password
    UNLOCKABLE = "unlockable"
    BAD_ADDRESS = "failed"
    FAILED_OTHERWISE = "failed_otherwise"
    BOUNCED = "bounced"
    UNCONFIRMED = "unconfirmed"
    WAITING = "waiting"


SKIPPED_FOR = {
    OpenCause.NO_RECIPIENT: SkipReason.NO_RECIPIENT,
    OpenCause.NO_ATTACHMENT: SkipReason.NO_ATTACHMENT,
    OpenCause.SUSPECT_DOCUMENT: SkipReason.SUSPECT_DOCUMENT,
    OpenCause.NO_PASSWORD: SkipReason.NO_PASSWORD,
    OpenCause.UNLOCKABLE: SkipReason.UNLOCKABLE,
}
WITH_STATUS = {
    OpenCause.BAD_ADDRESS: ResultStatus.FAILED,
    OpenCause.FAILED_OTHERWISE: ResultStatus.FAILED,
    OpenCause.BOUNCED: ResultStatus.BOUNCED,
    OpenCause.UNCONFIRMED: ResultStatus.UNCONFIRMED,
}
OF_RESULTS = (*SKIPPED_FOR, *WITH_STATUS)

ADDRESS_CODES = ("5.1.0", "5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.2.1", "5.2.2", "5.4.1", "5.4.4")
"""Enhanced status codes (RFC 3463) that another address helps with; 5.1.1 also stands for 5.1.10."""
ADDRESS_REPLIES = ("550", "551", "553")
"""Replies (RFC 5321) that do so where there is no enhanced code."""


def is_bad_address(result: type[Result] = Result) -> ColumnElement[bool]:
    """Whether the server's reply to this failed Result says that the address is bad."""
    reply = result.smtp_reply
    enhanced = (reply.like(f"5___{code}%") for code in ADDRESS_CODES)
    basic = (reply.like(f"{code}%") for code in ADDRESS_REPLIES)
    return or_(*enhanced, and_(not_(reply.like("5___5._%")), or_(*basic)))


def is_open_for(cause: OpenCause, result: type[Result] = Result) -> ColumnElement[bool]:
    """Whether this Result is open for this cause."""
    if reason := SKIPPED_FOR.get(cause):
        return and_(result.status == ResultStatus.SKIPPED, result.reason == reason)
    found = and_(result.status == WITH_STATUS[cause], result.reason == "")
    if cause == OpenCause.BAD_ADDRESS:
        return and_(found, is_bad_address(result))
    return and_(found, not_(is_bad_address(result))) if cause == OpenCause.FAILED_OTHERWISE else found


IS_TO_FIX = cast(ColumnElement[bool], text(re.sub(r"\b(status|reason)\b", r"result.\1", TO_FIX)))
"""Whether the Result is one that the index of open results has, in its very words."""


def is_current(result: type[Result] = Result) -> ColumnElement[bool]:
    """Whether the Result's run is not archived, said so that PostgreSQL asks row by row, not by a join."""
    return result.run_id.not_in(select(Run.id).where(Run.archived_at.is_not(None)))


def among_open(
    session: Session,
    viewer: Viewer,
    run_id: int | None = None,
    cluster_id: int | None = None,
    search: str = "",
    asking: Asking = Asking.PAGE,
) -> list[ColumnElement[bool]]:
    """The conditions on Result for what is open to this person: of runs that are not archived, or of this
    one, of customers in this cluster and below, and of those that are searched. Whose customer it is, is
    asked result by result: the open ones are far fewer than the customers.

    A query that does not count all also says for which cause: from that PostgreSQL knows that their index has
    them, and would only take the index for a longer way than it is if it was told twice."""
    found: list[ColumnElement[bool]] = [is_current()]
    if asking is Asking.ALL or session.get_bind().dialect.name == "sqlite":
        found.insert(0, IS_TO_FIX)
    if run_id is not None:
        found.append(Result.run_id == run_id)
    for clusters in (viewer.clusters, frozenset() if cluster_id is None else frozenset({cluster_id})):
        if clusters:
            found.append(is_of_customer_in(session, clusters, asking))
    if search_words(search):
        found.append(Result.customer_id.in_(found_by.customers_found(session, search)))
    return found


def counts(
    session: Session,
    viewer: Viewer,
    run_id: int | None = None,
    cluster_id: int | None = None,
    search: str = "",
) -> dict[OpenCause, int]:
    """How many customers have something open, by cause, and how many runs wait; zeros included."""
    found = dict.fromkeys(OpenCause, 0)
    found.update(_counted(session, viewer, run_id, cluster_id, search))
    if cluster_id is None and not search_words(search):
        found[OpenCause.WAITING] = len(waiting_runs(session, viewer, run_id))
    return found


def _counted(
    session: Session, viewer: Viewer, run_id: int | None, cluster_id: int | None, search: str
) -> dict[OpenCause, int]:
    """The numbers of the whole list, in every top bar, are remembered until a result becomes open or stops
    being so; for a person who sees some clusters until the audit trail grows: a customer may have moved."""
    if run_id is not None or cluster_id is not None or search_words(search):
        return _count(session, viewer, run_id, cluster_id, search)
    stamp = open_stamp(session, viewer)
    what = ("to fix", viewer.clusters)
    return remembered(session, what, stamp, lambda: _count(session, viewer, None, None, ""))


def open_stamp(session: Session, viewer: Viewer) -> object:
    """What changes with every change of what is open: how often each worker has moved results into and out of
    these statuses, in the runs that are not archived."""
    is_open = or_(
        RunCount.status.in_(set(WITH_STATUS.values())), RunCount.reason.in_(set(SKIPPED_FOR.values()))
    )
    rows = session.execute(
        select(RunCount.run_id, RunCount.worker_id, RunCount.status, RunCount.reason, RunCount.n)
        .join(Run, Run.id == RunCount.run_id)
        .where(is_open, Run.archived_at.is_(None))
        .order_by(RunCount.run_id, RunCount.worker_id, RunCount.status, RunCount.reason)
    )
    changes = changes_by_people(session) if viewer.clusters else None
    return changes, tuple(tuple(row) for row in rows)


def _count(
    session: Session, viewer: Viewer, run_id: int | None, cluster_id: int | None, search: str
) -> dict[OpenCause, int]:
    """Only a reply says why a mail failed: the others are counted in their index alone."""
    found = Counter[OpenCause]()
    ours = among_open(session, viewer, run_id, cluster_id, search, Asking.ALL)
    n, is_bad = func.count(Result.customer_id.distinct()), case((is_bad_address(), 1), else_=0)
    others = select(Result.status, Result.reason, n).where(*ours, Result.status.in_(WITHOUT_REPLY))
    for status, reason, count in session.execute(others.group_by(Result.status, Result.reason)):
        found[OpenCause(reason if status == ResultStatus.SKIPPED else status)] += int(count)
    failed = select(is_bad, n).where(*ours, Result.status == ResultStatus.FAILED).group_by(is_bad)
    for bad, count in session.execute(failed):
        found[OpenCause.BAD_ADDRESS if bad else OpenCause.FAILED_OTHERWISE] += int(count)
    return dict(found)


WITHOUT_REPLY = (ResultStatus.SKIPPED, ResultStatus.BOUNCED, ResultStatus.UNCONFIRMED)
"""The statuses of which each is open for one cause, with its skip reason."""


def total(session: Session, viewer: Viewer) -> int:
    """The number beside "To fix"."""
    return sum(counts(session, viewer).values())


def waiting_runs(session: Session, viewer: Viewer, run_id: int | None = None) -> list[tuple[Run, MailServer]]:
    """The running runs that wait for their mail server, oldest first; of those that the person sees whole."""
    running = select(Run).where(Run.status == RunStatus.RUNNING, Run.archived_at.is_(None), whole_to(viewer))
    if run_id is not None:
        running = running.where(Run.id == run_id)
    troubled = {
        server.id: server for server in session.scalars(select(MailServer)) if server.trouble is not None
    }
    if not troubled:
        return []
    runs = session.scalars(running.order_by(Run.id)).all()
    servers = _servers(session, runs)
    return [(run, troubled[servers[run.id]]) for run in runs if servers[run.id] in troubled]


def _servers(session: Session, runs: Sequence[Run]) -> dict[int, int]:
    versions: Select[Any] = select(DefinitionVersion).where(
        DefinitionVersion.id.in_({run.version_id for run in runs})
    )
    contents = {version.id: cast(Content, version.content) for version in session.scalars(versions)}
    return {run.id: contents[run.version_id]["sender"]["mail_server_id"] for run in runs}
