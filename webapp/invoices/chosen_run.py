"""The run that takes just the invoices that a person selected: its cluster and its period."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, below, visible_to
from webapp.errors import Refused
from webapp.invoices.bulk import Conditions
from webapp.store.customers import Cluster, ClusterParent, Customer
from webapp.store.invoices import Invoice
from webapp.translation import _

CHOSEN_MAX = 200
"""Invoices that the address of the run dialog can name."""


@dataclass(frozen=True)
class ChosenRun:
    """What the run dialog is filled in with."""

    ids: tuple[int, ...]
    cluster: str
    include_children: bool
    first: date
    last: date

    @property
    def args(self) -> dict[str, str]:
        """The same as arguments of the dialog's address."""
        return {
            "cluster": self.cluster,
            "include_children": "y" if self.include_children else "",
            "period_from": self.first.isoformat(),
            "period_to": self.last.isoformat(),
            "chosen": "-".join(map(str, self.ids)),
        }


def chosen_run(session: Session, viewer: Viewer, conditions: Conditions) -> ChosenRun:
    """The run of these invoices: the smallest cluster that contains all of them, from the first day of their
    periods to the last. Raises Refused."""
    ours = session.execute(
        select(Invoice.id, Invoice.period_start, Invoice.period_end, Customer.cluster_id)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(*conditions)
        .order_by(Invoice.id)
        .limit(CHOSEN_MAX + 1)
    ).all()
    if not ours:
        raise Refused(_("No invoice is selected. Select at least one."))
    if len(ours) > CHOSEN_MAX:
        raise Refused(
            _(
                "More than %(most)s invoices are selected. Select at most %(most)s, or press New run and "
                "choose their cluster and period there.",
                most=CHOSEN_MAX,
            )
        )
    homes = {row.cluster_id for row in ours}
    cluster = _smallest(session, viewer, homes)
    if cluster is None:
        raise Refused(
            _(
                "No cluster contains all of these invoices. Select invoices of one cluster, or put their "
                "clusters below a common one first."
            )
        )
    return ChosenRun(
        tuple(row.id for row in ours),
        cluster.tag_name,
        homes != {cluster.id},
        min(row.period_start for row in ours),
        max(row.period_end for row in ours),
    )


def _smallest(session: Session, viewer: Viewer, homes: set[int]) -> Cluster | None:
    """The visible cluster with the fewest customers that reaches each of these; the cluster itself if it is
    only one."""
    above = [set(session.scalars(_reaching(home))) for home in homes]
    common = set.intersection(*above)
    candidates = session.scalars(
        select(Cluster).where(Cluster.id.in_(common), visible_to(viewer, Cluster)).order_by(Cluster.id)
    ).all()
    if len(homes) == 1:
        return next((each for each in candidates if each.id in homes), None)

    def customers(cluster: Cluster) -> tuple[int, int]:
        reached = session.scalars(below(frozenset({cluster.id}))).all()
        count = select(func.count()).select_from(Customer).where(Customer.cluster_id.in_(reached))
        return session.scalar(count) or 0, len(reached)

    return min(candidates, key=customers, default=None)


def _reaching(home: int) -> Select[int]:
    """This cluster and every one above it."""
    reached = select(Cluster.id).where(Cluster.id == home).cte(recursive=True)
    reached = reached.union(
        select(ClusterParent.parent_id).join(reached, ClusterParent.child_id == reached.c.id)
    )
    return select(reached.c.id)
