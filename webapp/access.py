"""Who may see what: decided here and nowhere else. Every query of customers, invoices, runs or results asks
here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from enum import Enum

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, not_, or_, select, true
from sqlalchemy.orm import Session

from webapp.store.customers import Cluster, ClusterParent, Customer
from webapp.store.dialects import id_in
from webapp.store.invoices import Invoice
from webapp.store.plans import Plan
from webapp.store.runs import Result, Run
from webapp.store.statuses import Role
from webapp.store.users import User
from webapp.translation import _


@dataclass(frozen=True)
class Viewer:
    """A person who looks or acts. With empty `clusters` they see everything, else these clusters and all
    below them. `right_to_send` and `right_to_approve`: as their account says, apart from the role.
    `lacks_factor`: they log in by a password alone. `inside`: these clusters and all below them, where they
    have been found for this request; else each query finds them."""

    name: str
    role: Role
    clusters: frozenset[int] = frozenset()
    right_to_send: bool = True
    right_to_approve: bool = False
    lacks_factor: bool = field(default=False, compare=False)
    inside: frozenset[int] = field(default=frozenset(), compare=False)

    @property
    def may_change(self) -> bool:
        """Whether this person may create runs, and change them, customers, clusters and invoices."""
        return self.role in (Role.ADMIN, Role.MANAGER)

    @property
    def may_edit(self) -> bool:
        """Whether this person may change what mails say: definitions, templates, parts and pictures."""
        return self.may_change or self.role == Role.EDITOR

    @property
    def may_send(self) -> bool:
        """Whether this person may have mails go out: start and stop runs, and send again."""
        return self.may_change and self.right_to_send

    @property
    def may_approve(self) -> bool:
        """Whether this person may approve runs that another person has started; any role can have it."""
        return self.right_to_approve

    @property
    def may_import(self) -> bool:
        """Whether this person may import. An import changes customers of any cluster, and tells which exist:
        so one who is bound to clusters may not."""
        return self.may_change and not self.clusters

    @property
    def may_erase(self) -> bool:
        """Whether this person may erase a customer's personal data, which cannot be undone."""
        return self.role == Role.ADMIN and not self.clusters

    @property
    def sees_all_returned(self) -> bool:
        """Whether this person sees returned mails of no known result: they may be of any customer."""
        return not self.clusters

    @property
    def manages_users(self) -> bool:
        """Whether this person may change what others see and may do: an administrator who sees everything."""
        return self.role == Role.ADMIN and not self.clusters

    @property
    def manages_settings(self) -> bool:
        """Whether this person may change mail servers and the like. All clusters share them: by the host of a
        mail server, or a reply-to, an administrator of some would get the mails of customers whom they may
        not see."""
        return self.role == Role.ADMIN and not self.clusters

    def must_have_factor(self, policy: str) -> bool:
        """Whether this person needs a second factor, under this policy (MAILRUN_SECOND_FACTOR)."""
        return policy == "all" or (policy == "administrators" and self.role == Role.ADMIN)

    def must_set_up_factor(self, policy: str) -> bool:
        """Whether this person may do nothing before they have set up a second factor."""
        return self.lacks_factor and self.must_have_factor(policy)


OPERATOR = Viewer(name="command line", role=Role.ADMIN)
"""Commands on the machine may do everything."""

Restricted = type[Cluster] | type[Customer] | type[Invoice] | type[Run] | type[Result]


def viewer_of(user: User) -> Viewer:
    """What this user may see, as a value."""
    bound = frozenset(each.cluster_id for each in user.bound_to)
    return Viewer(user.email, Role(user.role), bound, user.may_send, user.may_approve)


def cannot_change(viewer: Viewer) -> str:
    """What to tell a person whose role does not allow the change, with the way out."""
    if viewer.role == Role.EDITOR:
        return _(
            "Your role changes definitions and templates, and only looks at the rest. Ask an administrator "
            "for the manager role."
        )
    return _("Your role is read-only. Ask an administrator for the manager role.")


INSIDE_MAX = 300
"""Up to this many clusters are named in a query. PostgreSQL then knows how many customers they have; of those
that a query finds it takes all to have as many, and reads all customers and all results for a few."""


def looked_up(session: Session, viewer: Viewer) -> Viewer:
    """The same person, with the clusters that they see, so that queries can name them."""
    if not viewer.clusters:
        return viewer
    inside = session.scalars(below(viewer.clusters).limit(INSIDE_MAX + 1)).all()
    return replace(viewer, inside=frozenset(inside)) if len(inside) <= INSIDE_MAX else viewer


def _clusters_of(viewer: Viewer) -> Collection[int] | Select[int]:
    return sorted(viewer.inside) if viewer.inside else below(viewer.clusters)


def visible_to(viewer: Viewer, table: Restricted) -> ColumnElement[bool]:
    """The condition that restricts a query of this table to what the viewer may see.

    A run is visible with its cluster, and with any result of a customer of theirs (`whole_to` tells the two
    apart); everything else with the cluster of its customer."""
    if not viewer.clusters:
        return true()
    clusters = _clusters_of(viewer)
    if table is Cluster:
        return Cluster.id.in_(clusters)
    customers = select(Customer.id).where(Customer.cluster_id.in_(clusters))
    if table is Customer:
        return Customer.cluster_id.in_(clusters)
    if table is Invoice:
        return Invoice.customer_id.in_(customers)
    if table is Run:
        theirs = select(Result.id).join(Customer, Customer.id == Result.customer_id)
        theirs = theirs.where(Result.run_id == Run.id, Customer.cluster_id.in_(clusters))
        return or_(whole_to(viewer), theirs.correlate(Run).exists())
    return Result.customer_id.in_(customers)


def whole_to(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer sees the Run whole, and may change it if their role may: its cluster is theirs.

    Of any other run that they see, they see the results of their own customers, and change nothing."""
    return Run.cluster_id.in_(_clusters_of(viewer)) if viewer.clusters else true()


def plans_of(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer sees the Plan: its cluster is theirs."""
    return Plan.cluster_id.in_(_clusters_of(viewer)) if viewer.clusters else true()


def whole_runs(session: Session, viewer: Viewer, run_ids: Collection[int]) -> set[int]:
    """Those of these runs that the viewer sees whole."""
    if not viewer.clusters:
        return set(run_ids)
    return set(session.scalars(select(Run.id).where(Run.id.in_(run_ids), whole_to(viewer))))


def only_looked_at(run: Run) -> str:
    """What to tell a person who sees a run in part and so cannot change it."""
    return _(
        "This run is over a cluster that is not yours: you see the results of your own customers, and cannot "
        "change them. Ask %(person)s, who created it, or an administrator.",
        person=run.created_by,
    )


def seen_in_part(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the Result is one that the viewer sees of a run that they do not see whole."""
    if not viewer.clusters:
        return false()
    return and_(visible_to(viewer, Result), Result.run_id.not_in(select(Run.id).where(whole_to(viewer))))


def sees_all_runs(session: Session, viewer: Viewer, *conditions: ColumnElement[bool]) -> bool:
    """Whether the viewer sees every run under these conditions whole."""
    if not viewer.clusters:
        return True
    hidden = select(Run.id).where(*conditions, not_(whole_to(viewer))).limit(1)
    return session.scalar(hidden) is None


def below(clusters: frozenset[int]) -> Select[int]:
    """These clusters and every descendant, each once, however many paths lead to it."""
    reached = select(Cluster.id).where(Cluster.id.in_(clusters)).cte(recursive=True)
    reached = reached.union(
        select(ClusterParent.child_id).join(reached, ClusterParent.parent_id == reached.c.id)
    )
    return select(reached.c.id)


def seen_by(viewer: Viewer) -> ColumnElement[bool]:
    """Whether the viewer may see the current Customer and so its invoices. Asked customer by customer, so
    that no search begins with it."""
    if not viewer.clusters:
        return true()
    return exists().where(Cluster.id == Customer.cluster_id, visible_to(viewer, Cluster))


FEW_CUSTOMERS_MAX = 5_000


class Asking(Enum):
    """What a query of results does with those that it finds: it takes the first PAGE of them, counts ALL, or
    reads EACH of very few."""

    PAGE, ALL, EACH = range(3)


def is_of_customer_in(session: Session, clusters: frozenset[int], asking: Asking) -> ColumnElement[bool]:
    """Whether the Result is of a customer in these clusters or below. As `visible_to`, for queries that begin
    with few results: of many customers each result is asked for its own, few are looked up now."""
    inside = session.scalars(below(clusters)).all()
    theirs = select(Customer.id).where(Customer.cluster_id.in_(inside))
    if asking is not Asking.EACH:
        n = session.scalar(select(func.count()).select_from(theirs.limit(FEW_CUSTOMERS_MAX + 1).subquery()))
        if (n or 0) <= FEW_CUSTOMERS_MAX:
            return id_in(session, Result.customer_id, session.scalars(theirs).all())
    if asking is Asking.ALL:
        return Result.customer_id.in_(theirs)
    # As a value: of a condition PostgreSQL makes a join, and reads all customers for the first page.
    home = select(Customer.cluster_id).where(Customer.id == Result.customer_id)
    return home.scalar_subquery().in_(inside)
