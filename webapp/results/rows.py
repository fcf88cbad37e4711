"""A row of the table Message results. Loaded with a few queries for a whole page."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.results.export import addresses_of
from webapp.results.labels import MAY_REMOVE, MAY_SEND_AGAIN
from webapp.store.customers import Cluster, Customer
from webapp.store.definitions import DefinitionVersion
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.translation import _


@dataclass
class ResultRow:
    """A row of the table Message results."""

    result: Result
    code: str
    name: str
    cluster: str
    invoices: list[Invoice] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    documents: list[TransformationResult] = field(default_factory=list)
    is_cleared: bool = False

    @property
    def id(self) -> int:
        return self.result.id

    @property
    def label(self) -> str:
        """The invoice number; of several the first, "and 4 more"."""
        if not self.invoices:
            return _("result %(id)s", id=self.result.id)
        number, more = self.invoices[0].number, len(self.invoices) - 1
        return _("%(invoice)s and %(more)s more", invoice=number, more=more) if more else number

    @property
    def amounts(self) -> dict[str, Decimal]:
        """What its invoices come to, by currency."""
        sums: dict[str, Decimal] = {}
        for invoice in self.invoices:
            sums[invoice.currency] = sums.get(invoice.currency, Decimal(0)) + invoice.gross_amount
        return sums

    @property
    def may_send_again(self) -> bool:
        return self.result.status in MAY_SEND_AGAIN

    @property
    def may_pass(self) -> bool:
        """Whether a suspect document of it waits for a person's decision."""
        result = self.result
        return result.status == ResultStatus.SKIPPED and result.reason == SkipReason.SUSPECT_DOCUMENT

    @property
    def may_remove(self) -> bool:
        return self.result.status in MAY_REMOVE

    @property
    def size(self) -> int:
        """Bytes of all documents."""
        return sum(document.size for document in self.documents)


def rows_query(viewer: Viewer) -> Select[Result, str, str, str]:
    """Every result that the viewer may see, with the customer's columns that a ResultRow needs."""
    return (
        select(Result, Customer.code, Customer.name, Cluster.tag_name)
        .join(Customer, Customer.id == Result.customer_id)
        .join(Cluster, Cluster.id == Customer.cluster_id)
        .where(visible_to(viewer, Result))
    )


def load_details(session: Session, run: Run, lines: list[ResultRow]) -> None:
    """Add to each row its invoices, their documents and, if its recipients are not stored yet, the addresses
    of today.

    Documents are selected by their invoices only, and those of other transformations are left out here: with
    both conditions SQLite may use the index of the transformation and read every document there is."""
    by_result = {line.result.id: line for line in lines}
    by_invoice: dict[int, ResultRow] = {}
    for result_id, invoice in session.execute(
        select(ResultInvoice.result_id, Invoice)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(ResultInvoice.result_id.in_(by_result))
        .order_by(Invoice.id)
    ):
        by_result[result_id].invoices.append(invoice)
        by_invoice[invoice.id] = by_result[result_id]
    versions = {line.result.id: line.result.version_id or run.version_id for line in lines}
    attached = {
        id: set(session.get_one(DefinitionVersion, id).content["transformations"])
        for id in set(versions.values())
    }
    for document in session.scalars(
        select(TransformationResult)
        .where(TransformationResult.invoice_id.in_(by_invoice))
        .order_by(TransformationResult.invoice_id, TransformationResult.id)
    ):
        line = by_invoice[document.invoice_id]
        if document.transformation_id in attached[versions[line.result.id]]:
            line.documents.append(document)
    addresses = addresses_of(session, list(versions.items()))
    for line in lines:
        stored = line.result.recipients
        line.recipients = addresses[line.result.id] if stored is None else stored
        line.is_cleared = stored == [] and run.addresses_cleared_at is not None
