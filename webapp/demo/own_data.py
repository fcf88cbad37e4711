"""What of a database is the demo company, and what would go if an administrator starts with data of their
own.

The demo marks itself: its import is in the audit trail with the actor "demo", which no person and no command
is. Its rows are known by what names them (codes, numbers, names), as the demo's own source makes them for
the day of that import. Everything else is kept, and where it hangs on the demo the demo stays, too."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from webapp.demo import company
from webapp.demo.billing import bills
from webapp.demo.folder import MESSAGING
from webapp.store.customers import Cluster, ClusterParent, Customer
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.plans import Plan
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import Outcome, ResultStatus, RunStatus
from webapp.store.users import AuditEntry, User, UserCluster
from webapp.translation import _

ACTOR, LOADED, REMOVED = "demo", "import", "demo removed"
LOGO = "logo"
"""The name of its picture."""
LOADING_MAX = timedelta(minutes=10)
"""Its invoices are those of the day on which loading began."""
NAMED_MAX = 3


@dataclass(frozen=True)
class DemoRows:
    """The ids of the demo's rows. `runs` are all runs over them, also those that people created."""

    clusters: Sequence[int]
    customers: Sequence[int]
    invoices: Sequence[int]
    runs: Sequence[int]


@dataclass(frozen=True)
class DemoNumbers:
    """How much would go."""

    customers: int
    invoices: int
    runs: int
    mails: int
    documents: int


def loaded_at(session: Session) -> datetime | None:
    """When the demo was loaded, if it is still there."""
    marks = or_(and_(AuditEntry.actor == ACTOR, AuditEntry.action == LOADED), AuditEntry.action == REMOVED)
    last = session.scalar(select(AuditEntry).where(marks).order_by(AuditEntry.id.desc()).limit(1))
    if last is None or last.action == REMOVED:
        return None
    return last.at


def demo_rows(session: Session, loaded: datetime) -> DemoRows:
    """The demo that was loaded then, as it is in the database."""
    clusters = session.scalars(select(Cluster.id).where(Cluster.tag_name.in_(company.CLUSTERS))).all()
    customers = [
        row.id
        for row in session.execute(select(Customer.id, Customer.code, Customer.name).where(_has_demo_code()))
        if _names()[row.code] == row.name
    ]
    days = {at.astimezone().date() for at in (loaded, loaded - LOADING_MAX)}
    made = frozenset[str]().union(*map(_numbers, days))
    invoices = session.scalars(
        select(Invoice.id).where(Invoice.number.in_(made), Invoice.customer_id.in_(customers))
    ).all()
    with_theirs = exists().where(Result.run_id == Run.id, Result.customer_id.in_(customers))
    runs = session.scalars(
        select(Run.id).where(or_(Run.cluster_id.in_(clusters), with_theirs)).order_by(Run.id)
    ).all()
    return DemoRows(clusters, customers, invoices, runs)


def numbers(session: Session, rows: DemoRows) -> DemoNumbers:
    """How much that is."""
    accepted = (Attempt.run_id.in_(rows.runs), Attempt.outcome == Outcome.ACCEPTED)
    return DemoNumbers(
        customers=len(rows.customers),
        invoices=len(rows.invoices),
        runs=len(rows.runs),
        mails=_count(session, Attempt.id, *accepted),
        documents=_count(
            session, TransformationResult.id, TransformationResult.invoice_id.in_(rows.invoices)
        ),
    )


def objections(session: Session, rows: DemoRows) -> list[str]:
    """Why the demo cannot be removed now, each with the way out; none: it can."""
    return [*_sending(session, rows), *_hanging_on_it(session, rows)]


def _sending(session: Session, rows: DemoRows) -> Iterator[str]:
    busy = or_(
        Run.status.in_((RunStatus.RUNNING, RunStatus.CREATING)),
        exists().where(Result.run_id == Run.id, Result.status == ResultStatus.SENDING),
    )
    if names := session.scalars(select(Run.name).where(Run.id.in_(rows.runs), busy).order_by(Run.id)).all():
        yield _(
            "%(names)s: still sending, or being created. Stop it first, or wait for its end.",
            names=_named(names),
        )


def _hanging_on_it(session: Session, rows: DemoRows) -> Iterator[str]:
    """Rows that the demo did not make, and that could not stay without it."""
    renamed = (_has_demo_code(), Customer.id.not_in(rows.customers))
    if codes := session.scalars(select(Customer.code).where(*renamed).order_by(Customer.code)).all():
        yield _(
            "Customers with other names than in the demo: %(codes)s. They may be yours.", codes=_named(codes)
        )
    others = (Customer.cluster_id.in_(rows.clusters), Customer.id.not_in(rows.customers), ~_has_demo_code())
    if codes := session.scalars(select(Customer.code).where(*others).order_by(Customer.code)).all():
        yield _(
            "Customers of yours in clusters of the demo: %(codes)s. Move them to other clusters.",
            codes=_named(codes),
        )
    yield from _tied_clusters(session, rows)
    invoices = (Invoice.customer_id.in_(rows.customers), Invoice.id.not_in(rows.invoices))
    if found := session.scalars(select(Invoice.number).where(*invoices).order_by(Invoice.number)).all():
        yield (
            _(
                "Invoices of yours for customers of the demo: %(found)s. Invoices are never "
                "deleted: begin in another MAILRUN_HOME instead.",
                found=_named(found),
            )
        )
    foreign = exists().where(Result.run_id == Run.id, Result.customer_id.not_in(rows.customers))
    mixed = select(Run.name).where(Run.id.in_(rows.runs), foreign)
    if found := session.scalars(mixed.order_by(Run.id)).all():
        yield _(
            "Runs with customers of yours in them: %(found)s. No run is deleted in part.", found=_named(found)
        )
    planned = select(Plan.name).where(Plan.cluster_id.in_(rows.clusters)).order_by(Plan.name)
    if found := session.scalars(planned).all():
        yield _("Plans for clusters of the demo: %(found)s. Delete them first.", found=_named(found))
    bound = (
        select(User.name)
        .where(exists().where(UserCluster.user_id == User.id, UserCluster.cluster_id.in_(rows.clusters)))
        .order_by(User.name)
    )
    if found := session.scalars(bound).all():
        yield _(
            "Users who see clusters of the demo only: %(found)s. Choose others for them first.",
            found=_named(found),
        )


def _tied_clusters(session: Session, rows: DemoRows) -> Iterator[str]:
    """Clusters above or below those of the demo that the demo did not make."""
    below, above = aliased(Cluster), aliased(Cluster)
    edges = (
        select(below.tag_name, above.tag_name)
        .select_from(ClusterParent)
        .join(below, below.id == ClusterParent.child_id)
        .join(above, above.id == ClusterParent.parent_id)
        .where(below.id.in_(rows.clusters) != above.id.in_(rows.clusters))
    )
    if tied := session.execute(edges).all():
        names = [f"{child} below {parent}" for child, parent in tied]
        yield _(
            "Clusters of yours beside clusters of the demo: %(names)s. Give them other parents.",
            names=_named(names),
        )


def _has_demo_code() -> ColumnElement[bool]:
    return Customer.code.in_(_names())


@cache
def _names() -> dict[str, str]:
    """Code → name."""
    return {customer.code: customer.name for customer in company.customers()}


@cache
def _numbers(day: date) -> frozenset[str]:
    return frozenset(bill.number for bill in bills(company.customers(), day))


@cache
def messaging() -> dict[str, list[dict[str, Any]]]:
    """What the demo's messaging.toml makes, by table."""
    return tomllib.loads(MESSAGING.read_text(encoding="utf-8"))


def _count(session: Session, counted: Any, *conditions: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count(counted)).where(*conditions)) or 0


def _named(names: Sequence[str]) -> str:
    rest = len(names) - NAMED_MAX
    named = ", ".join(names[:NAMED_MAX])
    return _("%(names)s and %(count)s more", names=named, count=rest) if rest > 0 else named
