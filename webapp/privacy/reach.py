"""What erasing a customer's personal data would touch, and what keeps it from being done."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.errors import NotAllowed, NotFound, Refused
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Attempt, Result, Run
from webapp.store.statuses import ResultStatus
from webapp.translation import _, ngettext

OUTSTANDING = (
    *(ResultStatus.READY, ResultStatus.SENDING, ResultStatus.DEFERRED),
    ResultStatus.UNCONFIRMED,
)
RUNS_TOLD_MAX = 5


@dataclass(frozen=True)
class ErasureReach:
    """How much there is of the customer. `outstanding`: (run, number of mails that may still go out, or may
    have gone out)."""

    addresses: int
    fields: int
    mails: int
    kept_mails: int
    documents: int
    invoices: int
    outstanding: list[tuple[str, int]]


def of_customer(session: Session, customer: Customer) -> ErasureReach:
    """Count what erasing this customer touches."""

    def count(*of: object) -> int:
        return session.scalar(select(func.count()).select_from(of[0]).where(*of[1:])) or 0  # type: ignore[arg-type]

    ours = Result.customer_id == customer.id
    theirs = select(Invoice.id).where(Invoice.customer_id == customer.id)
    results = select(Result.id).where(ours)
    outstanding = session.execute(
        select(Run.name, func.count())
        .join(Result, Result.run_id == Run.id)
        .where(ours, Result.status.in_(OUTSTANDING))
        .group_by(Run.id, Run.name)
        .order_by(Run.id.desc())
    )
    return ErasureReach(
        addresses=count(CustomerEmail, CustomerEmail.customer_id == customer.id),
        fields=len(customer.extra),
        mails=count(Attempt, Attempt.result_id.in_(results), Attempt.sha256 != ""),
        kept_mails=count(Attempt, Attempt.result_id.in_(results), Attempt.rebuild_data.is_not(None)),
        documents=count(TransformationResult, TransformationResult.invoice_id.in_(theirs)),
        invoices=count(Invoice, Invoice.customer_id == customer.id),
        outstanding=[(name, n) for name, n in outstanding],
    )


def must_be_erasable(session: Session, customer: Customer) -> None:
    """Raise Refused, with what to do, while a mail is outstanding, and for a customer that is erased."""
    if customer.erased_at is not None:
        raise Refused(_("The personal data of %(code)s are erased already.", code=customer.code))
    waiting = of_customer(session, customer).outstanding
    if not waiting:
        return
    count = sum(n for _name, n in waiting)
    runs = ", ".join(f"“{name}”" for name, _n in waiting[:RUNS_TOLD_MAX])
    raise Refused(
        ngettext(
            "%(num)s mail to %(code)s is outstanding, in %(runs)s. Remove it from the run or wait until it "
            "is sent; if it is unconfirmed, decide whether it was. Then erase.",
            "%(num)s mails to %(code)s are outstanding, in %(runs)s. Remove them from the runs or wait until "
            "they are sent; of those that are unconfirmed, decide whether they were. Then erase.",
            count,
            code=customer.code,
            runs=runs,
        )
    )


def must_be_allowed(viewer: Viewer, customer: Customer) -> None:
    """Raise NotAllowed unless this person may erase."""
    if not viewer.may_erase:
        raise NotAllowed(
            _("Only an administrator who sees all clusters erases personal data. Ask one."),
            f"customer {customer.code}"[:200],
            "erase personal data",
        )


def locked(session: Session, viewer: Viewer, code_or_id: str | int) -> Customer:
    """The customer, locked until the end of this transaction. Raises NotFound and NotAllowed."""
    known = Customer.id == code_or_id if isinstance(code_or_id, int) else Customer.code == code_or_id
    found = session.scalar(
        select(Customer).where(known).with_for_update().execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound(_("There is no such customer."))
    must_be_allowed(viewer, found)
    return found
