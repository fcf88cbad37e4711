"""The read side: what the pages about runs show. Everything passes through visible_to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from sqlalchemy import ColumnElement, Select, func, not_, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp import keyset
from webapp.access import Viewer, below, visible_to, whole_runs
from webapp.cluster_paths import path
from webapp.definitions.differences import differences
from webapp.definitions.versions import content_of
from webapp.keyset import Counted, Edge, Order, Page
from webapp.lifecycle.counts import Counts, counted, counts_of
from webapp.lifecycle.throughput import Throughput, throughput
from webapp.runs.report import blocker
from webapp.store.customers import Cluster
from webapp.store.definitions import Content
from webapp.store.plans import PlanOccurrence
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason
from webapp.store.users import AuditEntry
from webapp.translation import N_


@dataclass(frozen=True)
class RunLine:
    """A row of the list of runs. `is_whole`: the person sees all of it, not only the results of their
    customers. `pace` only of one that is sending now; `stopped_by` only of a stopped one; `problem`: what
    keeps a running one from continuing at full speed."""

    run: Run
    counts: Counts
    is_whole: bool
    pace: Throughput | None = None
    stopped_by: str = ""
    problem: str = ""

    @property
    def id(self) -> int:
        return self.run.id


ARCHIVED = "archived"
AWAITING = "awaiting"
ORDERS: dict[str, Order[Run]] = {"": Order(N_("Newest"), Run.id, lambda run: "", int, descending=True)}
"""By their names in addresses. The newest run has the highest id, so an edge is the id alone."""


@dataclass(frozen=True)
class RunFilter:
    """Which runs the list shows: a state (or `awaiting` an approval, or `archived`; without one all that are
    not archived), a definition, those with results in the status `problem` (or skipped for that reason),
    and words searched for."""

    state: str = ""
    definition: int | None = None
    problem: str = ""
    search: str = ""


def runs(session: Session, viewer: Viewer, shown: RunFilter, edge: Edge | None) -> Page[RunLine]:
    """A page of runs, newest first. Raises ValueError for a state or a problem that does not exist."""
    query = (
        select(Run)
        .join(Cluster, Cluster.id == Run.cluster_id)
        .options(joinedload(Run.definition), joinedload(Run.cluster))
        .where(*conditions(viewer, shown))
    )
    if edge:
        query = query.where(keyset.beyond(edge, Run.id, descending=True))
    query = query.order_by(*keyset.order(edge, Run.id, descending=True)).limit(keyset.PAGE_SIZE + 1)
    found = list(session.scalars(query))
    return keyset.page(run_lines(session, viewer, found), edge, [keyset.cursor(run.id) for run in found])


def some_runs(session: Session, viewer: Viewer, ids: list[int]) -> list[RunLine]:
    """The rows of those of these runs that this person may see."""
    found = session.scalars(select(Run).where(Run.id.in_(ids), visible_to(viewer, Run)))
    return run_lines(session, viewer, list(found))


def number_of(session: Session, viewer: Viewer, shown: RunFilter) -> Counted:
    """How many runs the filter leaves. Raises ValueError like `runs`."""
    matching = select(Run.id).join(Cluster, Cluster.id == Run.cluster_id).where(*conditions(viewer, shown))
    return keyset.counted(session, matching)


def picked_ids(session: Session, viewer: Viewer, ids: tuple[int, ...] | None, shown: RunFilter) -> list[int]:
    """Those of these runs that this person may see; without ids all that the filter leaves."""
    if ids is not None:
        return list(session.scalars(select(Run.id).where(Run.id.in_(ids), visible_to(viewer, Run))))
    ours = select(Run.id).join(Cluster, Cluster.id == Run.cluster_id).where(*conditions(viewer, shown))
    return list(session.scalars(ours))


def conditions(viewer: Viewer, shown: RunFilter) -> list[ColumnElement[bool]]:
    """The conditions on Run, joined with its Cluster, for what the filter leaves of the runs that this person
    may see. Raises ValueError for a state or a problem that does not exist."""
    archived = shown.state == ARCHIVED
    found: list[ColumnElement[bool]] = [
        visible_to(viewer, Run),
        Run.archived_at.is_not(None) if archived else Run.archived_at.is_(None),
    ]
    if shown.state == AWAITING:
        found.append(Run.awaits_approval.is_(True))
    elif shown.state and not archived:
        found += [Run.status == RunStatus(shown.state), not_(Run.awaits_approval)]
    if shown.definition is not None:
        found.append(Run.definition_id == shown.definition)
    if shown.problem:
        found.append(Run.id.in_(_with(viewer, shown.problem)))
    if wanted := shown.search.replace("\x00", "").strip():
        columns = (Run.name, Cluster.tag_name, Run.created_by, Run.started_by)
        found.append(or_(*(column.icontains(wanted, autoescape=True) for column in columns)))
    return found


def _with(viewer: Viewer, problem: str) -> Select[int]:
    """The runs that have results that this person may see, in this status or skipped for this reason."""
    seen = counted(viewer).c
    is_reason = problem in set(SkipReason)
    meant = seen.reason == problem if is_reason else seen.status == ResultStatus(problem)
    return select(seen.run_id).where(meant).group_by(seen.run_id).having(func.sum(seen.n) > 0)


def run_lines(session: Session, viewer: Viewer, found: list[Run]) -> list[RunLine]:
    """The rows of these runs, which this person may see."""
    ids = [run.id for run in found]
    counts, whole = counts_of(session, viewer, ids), whole_runs(session, viewer, ids)
    stopped = _stopped_by(session, [run.id for run in found if run.status == RunStatus.STOPPED])
    return [
        RunLine(
            run,
            counts[run.id],
            run.id in whole,
            throughput(session, run, counts[run.id]) if run.id in whole else None,
            stopped.get(run.id, ""),
            _problem(session, run, is_whole=run.id in whole),
        )
        for run in found
    ]


def _problem(session: Session, run: Run, *, is_whole: bool) -> str:
    """What keeps a running run from continuing at full speed."""
    if run.status != RunStatus.RUNNING:
        return ""
    found = blocker(session, run)
    return (found.words if is_whole else found.words_in_part) or ""


def _stopped_by(session: Session, run_ids: list[int]) -> dict[int, str]:
    """Who stopped these runs last."""
    subjects = {f"run {id}": id for id in run_ids}
    rows = session.execute(
        select(AuditEntry.subject, AuditEntry.actor)
        .where(AuditEntry.subject.in_(subjects), AuditEntry.action == "stop")
        .order_by(AuditEntry.id)
    )
    return {subjects[subject]: actor for subject, actor in rows}


def states(session: Session, viewer: Viewer) -> dict[str, int]:
    """How many runs are in each state, zeros included, how many wait for an approval, and how many are
    archived: each run counts once."""
    archived, awaits = Run.archived_at.is_not(None), Run.awaits_approval
    rows = session.execute(
        select(archived, awaits, Run.status, func.count())
        .where(visible_to(viewer, Run))
        .group_by(archived, awaits, Run.status)
    )
    found = {AWAITING: 0, **{status.value: 0 for status in RunStatus}, ARCHIVED: 0}
    for away, waits, status, n in rows:
        found[ARCHIVED if away else AWAITING if waits else status] += n
    return found


@dataclass(frozen=True)
class About:
    """A run's cluster as the path of names that leads to it, how many clusters are below it (None: not
    told to a person who sees a part of the run), how many of the run's invoices the person sees, and how its
    definition differs from today's."""

    path: list[str]
    children: int | None
    invoices: int
    differs_in: list[str]
    of_plan: PlanOccurrence | None = None


def about(session: Session, viewer: Viewer, run: Run, counts: Counts, *, is_whole: bool) -> About:
    """What the head of a run's page says beyond the run itself."""
    children = None
    if is_whole:
        clusters = below(frozenset({run.cluster_id})).subquery()
        children = (session.scalar(select(func.count()).select_from(clusters)) or 1) - 1
    invoices: int | None = counts.total
    if run.version.content["collate"]:
        taken = select(func.count()).select_from(ResultInvoice).where(ResultInvoice.run_id == run.id)
        if not is_whole:
            taken = taken.join(Result, Result.id == ResultInvoice.result_id).where(visible_to(viewer, Result))
        invoices = session.scalar(taken)
    frozen, today = cast(Content, run.version.content), content_of(session, run.definition)
    differs_in = [difference.what for difference in differences(frozen, today)]
    of_plan = session.scalar(select(PlanOccurrence).where(PlanOccurrence.run_id == run.id))
    return About(path(session, viewer, run.cluster), children, invoices or 0, differs_in, of_plan)
