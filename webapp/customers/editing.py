"""Changes of one customer by a person: under the lock of its row, refused if another person changed the same
since, in the audit trail with what was there before, and with what the source said remembered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp import audit, edits, found_by, notation, sources
from webapp.access import Viewer
from webapp.customers import checks, locks, secrets
from webapp.customers.checks import CODE_MAX, FIELD_MAX, NAME_MAX
from webapp.customers.detail import subject, text_of
from webapp.errors import NotFound, Refused
from webapp.store.customers import Cluster, Customer
from webapp.store.statuses import SourceSubject
from webapp.store.users import AuditEntry
from webapp.translation import _

VALUE_MAX = 4_000
"""Characters of a field of the metadata."""
SHOW_SECRET = "show secret"  # noqa: S105  # a word, not a password


@dataclass(frozen=True)
class Facts:
    """What a person fills in of a customer. `cluster` is a tag name."""

    name: str
    cluster: str
    language: str

    @property
    def values(self) -> dict[str, Any]:
        """The same by names, as the audit trail and fingerprints have them."""
        return {"name": self.name, "cluster": self.cluster, "language": self.language}


def facts_of(session: Session, customer: Customer) -> Facts:
    """The customer as stored."""
    tag_name = session.get_one(Cluster, customer.cluster_id).tag_name
    return Facts(customer.name, tag_name, customer.language)


def add(session: Session, viewer: Viewer, code: str, facts: Facts) -> Customer:
    """Add a customer. Raises Refused."""
    code = checks.line(_("The code"), code, CODE_MAX)
    name, language = checks.line(_("The name"), facts.name, NAME_MAX), checks.language(facts.language)
    cluster = checks.cluster(session, viewer, facts.cluster)
    if taken := session.scalar(select(Customer).where(Customer.code == code)):
        edits.refuse_taken(session, viewer, "customer", code, taken)
    made = Customer(code=code, name=name, cluster_id=cluster.id, language=language, extra={})
    session.add(made)
    session.flush()
    index(session, made)
    audit.note(session, viewer.name, "add", subject(made), f"{name}, in {cluster.tag_name}")
    return made


def change_facts(session: Session, viewer: Viewer, customer_id: int, facts: Facts, seen: str) -> bool:
    """Change name, cluster and language; returns whether anything differs. Raises Refused and NotFound."""
    customer = locks.customer(session, viewer, customer_id)
    before = facts_of(session, customer)
    edits.refuse_if_changed(session, subject(customer), before.values, seen)
    name, language = checks.line(_("The name"), facts.name, NAME_MAX), checks.language(facts.language)
    cluster = checks.cluster(session, viewer, facts.cluster)
    wanted = {"name": name, "cluster_id": cluster.id, "language": language}
    for column, value in wanted.items():
        old = getattr(customer, column)
        if old != value:
            sources.remember(session, SourceSubject.CUSTOMER, customer.id, column, old)
            setattr(customer, column, value)
    after = Facts(name, cluster.tag_name, language)
    if not edits.note_change(session, viewer.name, subject(customer), before.values, after.values):
        return False
    index(session, customer)
    return True


def set_field(
    session: Session, viewer: Viewer, customer_id: int, name: str, value: str, seen: str | None
) -> bool:
    """Set a field of the metadata, or remove it with an empty value; returns whether anything differs.
    Without `seen` the field must be empty still. Raises Refused and NotFound."""
    customer = locks.customer(session, viewer, customer_id)
    name = checks.line(_("The name of the field"), name, FIELD_MAX)
    if len(value) > VALUE_MAX:
        raise Refused(
            _(
                "The value has %(num)s characters; at most %(most)s are kept.",
                num=notation.number(len(value)),
                most=notation.number(VALUE_MAX),
            )
        )
    secrets.must_be_typed(name, value)
    old = customer.extra.get(name)
    is_secret = secrets.is_secret(session, customer, name)
    shown = field_values(session, customer, name, is_secret=is_secret)
    expected = seen if seen is not None or old else edits.fingerprint(shown)
    edits.refuse_if_changed(session, subject(customer), shown, expected or "")
    if secrets.says(session, customer, name, value) if is_secret else text_of(old) == value:
        return False
    before, after = {name: text_of(old)}, {name: value}
    if is_secret:
        old = secrets.kept(session, customer, name, old)
        value = secrets.seal(session, customer, name, value)
    if name in customer.extra:
        sources.remember(session, SourceSubject.CUSTOMER, customer.id, f"metadata.{name}", old)
    kept = {key: each for key, each in customer.extra.items() if key != name}
    customer.extra = {**kept, name: value} if value else kept
    hidden = {name} if is_secret else ()
    edits.note_change(session, viewer.name, subject(customer), before, after, secret=hidden)
    index(session, customer)
    return True


def field_values(session: Session, customer: Customer, name: str, *, is_secret: bool) -> dict[str, Any]:
    """A field of the metadata, for a fingerprint. From that of a password the password could be guessed:
    there it is the latest change of the customer instead."""
    if not is_secret:
        return {name: text_of(customer.extra.get(name))}
    last = select(func.max(AuditEntry.id)).where(
        AuditEntry.subject == subject(customer), AuditEntry.action != SHOW_SECRET
    )
    return {name: session.scalar(last) or 0}


def note_shown(session: Session, viewer: Viewer, customer_id: int, name: str) -> None:
    """Note that a person asked to see this secret field. Raises NotFound, also if it holds no secret."""
    customer = locks.customer(session, viewer, customer_id)
    if not text_of(customer.extra.get(name)) or not secrets.is_secret(session, customer, name):
        raise NotFound(_("%(code)s has no password in this field.", code=customer.code))
    audit.note(session, viewer.name, SHOW_SECRET, subject(customer), name)


def _alone(customer: Customer) -> Any:
    return select(Customer.id).where(Customer.id == customer.id)


def index(session: Session, customer: Customer) -> None:
    """Have the customer found by what it is now."""
    found_by.index_customers(session, _alone(customer))
