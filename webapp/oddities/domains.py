"""Which domains were mailed before, by customer: noted once a run has finished, so that no mail waits."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import SQLColumnExpression

from webapp.access import Viewer, visible_to
from webapp.store.customers import Customer, DomainsNoted, MailedDomain
from webapp.store.database import Database
from webapp.store.dialects import insert_into
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus

MAILED = (ResultStatus.SENT, ResultStatus.BOUNCED, ResultStatus.UNCONFIRMED)
"""A result in one of these went out, or may have."""


def was_mailed() -> ColumnElement[bool]:
    """Whether the current Result went to its customer, or may have. A redirected mail did not."""
    return and_(Result.status.in_(MAILED), Result.redirected.is_(False))


def domain_of(address: SQLColumnExpression[str]) -> ColumnElement[str]:
    """What is behind the last @ of an address: without every trailing character that is none, the address
    ends with it. Written so that both databases understand it."""
    before = func.rtrim(address, func.replace(address, "@", ""))
    return func.substr(address, func.length(before) + 1)


def is_known(viewer: Viewer, domain: SQLColumnExpression[str]) -> ColumnElement[bool]:
    """Whether a customer that this person may see was sent a mail at the domain: what went to customers of
    others must not show."""
    if not viewer.clusters:
        return exists().where(MailedDomain.domain == domain)
    theirs = visible_to(viewer, Customer)
    return exists().where(MailedDomain.domain == domain, Customer.id == MailedDomain.customer_id, theirs)


def any_known(session: Session, viewer: Viewer) -> bool:
    """Whether there is any such domain. As long as there is none, every domain would be new."""
    query = select(MailedDomain.domain).limit(1)
    if viewer.clusters:
        query = query.join(Customer, Customer.id == MailedDomain.customer_id)
        query = query.where(visible_to(viewer, Customer))
    return session.scalar(query) is not None


def _unnoted() -> Select[int]:
    return (
        select(Run.id)
        .outerjoin(DomainsNoted, DomainsNoted.run_id == Run.id)
        .where(
            Run.status == RunStatus.FINISHED,
            Run.finished_at.is_not(None),
            or_(DomainsNoted.run_id.is_(None), DomainsNoted.finished_at != Run.finished_at),
        )
        .order_by(Run.id)
    )


def note_next(database: Database) -> bool:
    """Note the domains of the next run that has finished since; return whether there was one. Two workers
    at once do no harm, and what a crash loses is done again."""
    with database.reading() as session:
        run_id = session.scalar(_unnoted().limit(1))
    if run_id is None:
        return False
    with database.writing() as session:
        note_run(session, run_id)
    return True


def note_run(session: Session, run_id: int) -> None:
    """Note the domains that this run has mailed, as it stands."""
    finished_at = session.scalar(select(Run.finished_at).where(Run.id == run_id))
    if finished_at is None:  # it runs again
        return
    address = _addresses(session)
    domain = domain_of(address.c.value).label("domain")
    rows = (
        select(domain, Result.customer_id)
        .select_from(Result)
        .join(address, literal(True))
        .where(Result.run_id == run_id, was_mailed(), Result.recipients.is_not(None))
        .distinct()
        .order_by(domain, Result.customer_id)  # so that no two workers block each other
    )
    new = insert_into(session, MailedDomain).from_select(["domain", "customer_id"], rows)
    session.execute(new.on_conflict_do_nothing())
    noted = insert_into(session, DomainsNoted).values(run_id=run_id, finished_at=finished_at)
    session.execute(noted.on_conflict_do_update(index_elements=["run_id"], set_={"finished_at": finished_at}))


def _addresses(session: Session) -> Any:
    """The recipients of the current Result, each as a row with its `value`."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    each = func.json_each if is_sqlite else func.jsonb_array_elements_text
    return each(Result.recipients).table_valued("value", joins_implicitly=True)
