"""The rows of customers and clusters, locked for a change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.errors import NotFound, Refused
from webapp.store.customers import Cluster, Customer
from webapp.store.dialects import id_in
from webapp.translation import _

BATCH = 5_000
CLUSTER_LOCK = 7_205
"""The key of PostgreSQL's advisory lock for changes of the graph of clusters: two at once could close a
circle that neither of them sees."""


def customer(session: Session, viewer: Viewer, customer_id: int) -> Customer:
    """The customer, locked until the end of this transaction. Raises NotFound."""
    ours = (Customer.id == customer_id, visible_to(viewer, Customer))
    found = session.scalar(
        select(Customer).where(*ours).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such customer."))
    if found.erased_at is not None:
        raise Refused(
            _("The personal data of %(code)s were erased on request. None can be added.", code=found.code)
        )
    return found


def customers(session: Session, conditions: Sequence[ColumnElement[bool]]) -> Sequence[int]:
    """The ids of the customers under these conditions, locked until the end of this transaction; in the order
    of ids, in which everything that locks several does so."""
    rows = select(Customer.id).where(*conditions).order_by(Customer.id).with_for_update()
    return session.scalars(rows).all()


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """The ids, a number at a time that a statement can take."""
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def among(session: Session, ids: Sequence[int]) -> ColumnElement[bool]:
    """Whether the current Customer is one of these."""
    return id_in(session, Customer.id, ids)


def cluster(session: Session, viewer: Viewer, cluster_id: int) -> Cluster:
    """The cluster, with the whole graph locked until the end of this transaction. Raises NotFound."""
    graph(session)
    found = session.scalar(
        select(Cluster)
        .where(Cluster.id == cluster_id, visible_to(viewer, Cluster))
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such cluster."))
    return found


def graph(session: Session) -> None:
    """Lock the graph of clusters against other changes by people, until the end of this transaction."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CLUSTER_LOCK})
