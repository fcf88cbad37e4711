"""The rows of the list: of each customer what is wrong, how it is fixed, and which results wait for that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.customers.addresses import address_values
from webapp.documents import findings
from webapp.edits import fingerprint
from webapp.fixing import open_results
from webapp.fixing.fix_row import FixKind, FixRow
from webapp.fixing.open_results import EVERYTHING, OpenResult, Scope
from webapp.invoices.document_editing import document_values
from webapp.results.fixes import could_not_be_made
from webapp.results.to_fix import SKIPPED_FOR, OpenCause
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.runs import ResultInvoice
from webapp.store.statuses import LockProblem
from webapp.stored_texts import retold
from webapp.translation import _, translated


def rows_of(
    session: Session,
    viewer: Viewer,
    cause: OpenCause,
    customer_ids: Sequence[int],
    scope: Scope = EVERYTHING,
) -> list[FixRow]:
    """The rows of these customers for this cause, in their order."""
    if not customer_ids:
        return []
    found = open_results.of_customers(session, viewer, cause, customer_ids, scope)
    about = _About(session, cause, found)
    place = {id: n for n, id in enumerate(customer_ids)}
    return sorted(about.rows.values(), key=lambda row: place[row.customer.id])


class _About:
    """What is known of the results of a cause, loaded in a few queries; `rows` by their tokens."""

    def __init__(self, session: Session, cause: OpenCause, results: list[OpenResult]) -> None:
        self.session, self.cause = session, cause
        self.rows: dict[str, FixRow] = {}
        ids = {result.customer_id for result in results}
        self.customers = {
            customer.id: (customer, tag)
            for customer, tag in session.execute(
                select(Customer, Cluster.tag_name)
                .join(Cluster, Cluster.id == Customer.cluster_id)
                .where(Customer.id.in_(ids))
            )
        }
        reason = SKIPPED_FOR.get(cause)
        stuck = [each for each in results if reason is None or each.still(reason)]
        self.add_all(stuck)
        kept = {result.id for row in self.rows.values() for result in row.results}
        for result in results:
            if result.id not in kept:
                self.add_settled(result)

    def add_all(self, results: list[OpenResult]) -> None:
        """Make the rows of the results that something is still wrong with."""
        match self.cause:
            case OpenCause.NO_RECIPIENT | OpenCause.BAD_ADDRESS | OpenCause.BOUNCED:
                self.add_addresses(results)
            case OpenCause.NO_PASSWORD:
                for result in results:
                    key = result.content["password_key"]
                    problem = _("metadata field “%(key)s” is empty", key=key)
                    row = self.row(result, FixKind.PASSWORD, (result.version_id, 0), problem)
                    row.label = _("Password in “%(key)s”", key=key)
                    row.why = _("nothing is sent unprotected")
            case OpenCause.NO_ATTACHMENT | OpenCause.SUSPECT_DOCUMENT | OpenCause.UNLOCKABLE:
                self.add_documents(results)
            case OpenCause.UNCONFIRMED:
                numbers = self.numbers(results)
                for result in results:
                    number = numbers[result.invoice_id]
                    problem = _("the mail of %(invoice)s", invoice=number)
                    row = self.row(result, FixKind.DECIDE, (result.id, 0), problem)
                    row.why = _("may have been sent")
                    if result.detail:
                        row.why = _("may have been sent: %(why)s", why=retold(result.detail))
            case _:
                numbers = self.numbers(results)
                for result in results:
                    number = numbers[result.invoice_id]
                    problem = _("the mail of %(invoice)s failed", invoice=number)
                    row = self.row(result, FixKind.AGAIN, (result.id, 0), problem)
                    row.why = retold(result.reply or result.detail)
                    if could_not_be_made(result.reply, result.detail):
                        row.problem = _("the mail of %(invoice)s could not be made", invoice=number)
                        row.unmade_by = result.definition_id

    def row(self, result: OpenResult, kind: FixKind, subject: tuple[int, int], problem: str) -> FixRow:
        """The row of this subject, made if there is none yet, with this result."""
        customer, cluster = self.customers[result.customer_id]
        made = FixRow(self.cause, customer, cluster, kind, subject, problem)
        row = self.rows.setdefault(made.token, made)
        if result not in row.results:
            row.results.append(result)
        return row

    def add_settled(self, result: OpenResult) -> None:
        """A row for a result whose cause is gone: it is checked again, and goes out if nothing else is
        wrong."""
        row = self.row(result, FixKind.AGAIN, (0, 0), _("nothing is missing any more"))
        row.why = _("it can be checked again and sent")

    def add_addresses(self, results: list[OpenResult]) -> None:
        """One row for each recipient key of a customer; of a mail that was refused or came back, with the
        address that it went to, if that is still there."""
        keys = self.names(select(RecipientKey.id, RecipientKey.key))
        stored = self.addresses(results)
        for result in results:
            key_id = result.content["recipient_key_id"]
            under = [each for each in stored if each.customer_id == result.customer_id]
            of_key = [each for each in under if each.recipient_key_id == key_id]
            old = _tried_of(of_key, result.tried) if self.cause != OpenCause.NO_RECIPIENT else None
            key = keys.get(key_id, "")
            if of_key and old is None:
                continue  # another address is there by now
            row = self.row(result, FixKind.ADDRESS, (key_id, old.id if old else 0), "")
            row.label, row.seen = _("Address for “%(key)s”", key=key), fingerprint(address_values(of_key))
            if old is None:
                row.problem = _("no address with key “%(key)s”", key=key)
                others = [each for each in under if each.recipient_key_id != key_id]
                if others:
                    other = keys[others[0].recipient_key_id]
                    row.why = _("“%(key)s” has %(address)s", key=other, address=others[0].address)
            else:
                row.problem = row.value = old.address
                came_back = self.cause == OpenCause.BOUNCED
                row.why = retold((came_back and result.detail) or result.reply or result.detail)

    def addresses(self, results: Iterable[OpenResult]) -> Sequence[CustomerEmail]:
        """The addresses of the customers of these results."""
        ids = {result.customer_id for result in results}
        ours = select(CustomerEmail).where(CustomerEmail.customer_id.in_(ids)).order_by(CustomerEmail.id)
        return self.session.scalars(ours).all()

    def add_documents(self, results: list[OpenResult]) -> None:
        """One row for each document that is missing, suspect or cannot be protected."""
        of_result = self.invoices(results)
        invoice_ids = {id for ids in of_result.values() for id in ids}
        numbers = self.numbers_of(invoice_ids)
        documents = self.session.scalars(
            select(TransformationResult)
            .where(TransformationResult.invoice_id.in_(invoice_ids))
            .order_by(TransformationResult.id)
        ).all()
        kinds = self.names(select(Transformation.id, Transformation.name))
        for result in results:
            for invoice_id in of_result[result.id]:
                for kind in result.content["transformations"]:
                    there = [
                        each
                        for each in documents
                        if (each.invoice_id, each.transformation_id) == (invoice_id, kind)
                    ]
                    self.add_document(result, invoice_id, kind, there, numbers[invoice_id], kinds[kind])

    def add_document(
        self,
        result: OpenResult,
        invoice_id: int,
        kind: int,
        there: list[TransformationResult],
        number: str,
        name: str,
    ) -> None:
        """The rows of an invoice under a transformation, if something is wrong with it."""
        if self.cause == OpenCause.NO_ATTACHMENT and not there:
            problem = _("%(invoice)s has no “%(name)s” document", invoice=number, name=name)
            row = self.row(result, FixKind.FILE, (invoice_id, kind), problem)
            row.label, row.invoice_id = _("%(name)s for %(invoice)s", name=name, invoice=number), invoice_id
        for each in there:
            if self.cause == OpenCause.SUSPECT_DOCUMENT and each.suspect:
                said = f"“{each.file_name}” {findings.said(each)}"
                row = self.row(result, FixKind.RELEASE, (each.id, invoice_id), said)
            elif self.cause == OpenCause.UNLOCKABLE and each.lock_problem != LockProblem.NONE:
                said = _(
                    "“%(file)s” cannot be given a password: it is %(problem)s",
                    file=each.file_name,
                    problem=translated(str(each.lock_problem)),
                )
                row = self.row(result, FixKind.FILE, (each.id, invoice_id), said)
            else:
                continue
            row.label, row.invoice_id = _("Another file for “%(file)s”", file=each.file_name), invoice_id
            row.why = _("document of %(invoice)s", invoice=number)
            row.seen = fingerprint(document_values(there))
            row.value = str(each.id)

    def invoices(self, results: Iterable[OpenResult]) -> dict[int, list[int]]:
        """The invoices of each result."""
        found: dict[int, list[int]] = {result.id: [] for result in results}
        rows = (
            select(ResultInvoice.result_id, ResultInvoice.invoice_id)
            .where(ResultInvoice.result_id.in_(found))
            .order_by(ResultInvoice.invoice_id)
        )
        for result_id, invoice_id in self.session.execute(rows):
            found[result_id].append(invoice_id)
        return found

    def numbers(self, results: Iterable[OpenResult]) -> dict[int, str]:
        """The numbers of the results' first invoices."""
        return self.numbers_of({result.invoice_id for result in results})

    def numbers_of(self, ids: Collection[int]) -> dict[int, str]:
        """The numbers of these invoices."""
        return self.names(select(Invoice.id, Invoice.number).where(Invoice.id.in_(ids)))

    def names(self, query: Select[int, str]) -> dict[int, str]:
        """What the query gives, by ids."""
        return {id: name for id, name in self.session.execute(query)}


def _tried_of(stored: Sequence[CustomerEmail], tried: Sequence[str]) -> CustomerEmail | None:
    """The address that the last attempt was refused for, or went to, if it is still there."""
    if not tried:
        return stored[0] if stored else None
    by_address = {each.address.lower(): each for each in stored}
    return next((by_address[each.lower()] for each in tried if each.lower() in by_address), None)
