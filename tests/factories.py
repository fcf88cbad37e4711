"""A small world to test in: clusters, customers with addresses, invoices with documents, a definition.

Every factory takes a writing session and returns the stored object with its id.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from itertools import count

from sqlalchemy import select
from sqlalchemy.orm import Session

from tests.pdfs import pdf
from webapp.document_store.stores import DocumentStore
from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail, RecipientKey
from webapp.store.definitions import (
    DefinitionTransformation,
    MessageDefinition,
    MessageTemplate,
    TemplateText,
)
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import Finding

_numbers = count(1)

OCTOBER = (date(2026, 10, 1), date(2026, 10, 31))


def cluster(session: Session, tag_name: str, *parents: Cluster) -> Cluster:
    made = Cluster(tag_name=tag_name)
    session.add(made)
    session.flush()
    session.add_all([ClusterParent(child_id=made.id, parent_id=parent.id) for parent in parents])
    session.flush()
    return made


def recipient_key(session: Session, key: str = "billing") -> RecipientKey:
    found = session.scalar(select(RecipientKey).where(RecipientKey.key == key))
    if found is None:
        found = RecipientKey(key=key)
        session.add(found)
        session.flush()
    return found


def customer(
    session: Session, home: Cluster, *addresses: str, name: str = "", suspended: bool = False
) -> Customer:
    """A customer of this cluster with these billing addresses (none given: one; pass "" for a customer
    without)."""
    number = next(_numbers)
    made = Customer(
        code=f"C{number:05d}", name=name or f"Customer {number}", cluster_id=home.id, suspended=suspended
    )
    session.add(made)
    session.flush()
    key = recipient_key(session)
    for address in addresses or (f"billing.{made.code.lower()}@customers.test",):
        if address:
            session.add(CustomerEmail(customer_id=made.id, recipient_key_id=key.id, address=address))
    session.flush()
    return made


def invoice(
    session: Session,
    payer: Customer,
    *,
    status: str = "approved",
    period: tuple[date, date] = OCTOBER,
    currency: str = "EUR",
    gross: str = "121.00",
    number: str = "",
) -> Invoice:
    made = Invoice(
        number=number or f"INV-{next(_numbers):06d}",
        customer_id=payer.id,
        status=status,
        period_start=period[0],
        period_end=period[1],
        issue_date=period[1],
        due_date=None,
        currency=currency,
        net_amount=Decimal(gross),
        tax_amount=Decimal(0),
        gross_amount=Decimal(gross),
    )
    session.add(made)
    session.flush()
    return made


def transformation(session: Session, name: str = "Invoice PDF") -> Transformation:
    found = session.scalar(select(Transformation).where(Transformation.name == name))
    if found is None:
        found = Transformation(name=name, output_type="pdf")
        session.add(found)
        session.flush()
    return found


def document(
    session: Session,
    documents: DocumentStore,
    of: Invoice,
    *,
    made_by: Transformation | None = None,
    content: bytes = b"",
    file_name: str = "",
    checked: bool = True,
) -> TransformationResult:
    """A document of the invoice, its bytes in the store. The guard has been at it, and was content."""
    made_by = made_by or transformation(session)
    if not content:
        payer = session.get_one(Customer, of.customer_id)
        content = pdf(f"Invoice {of.number}", payer.code, payer.name)
    sha256 = documents.put(content)
    made = TransformationResult(
        invoice_id=of.id,
        transformation_id=made_by.id,
        file_name=file_name or f"{of.number}.pdf",
        media_type="application/pdf",
        size=len(content),
        sha256=sha256,
        found_in=sha256 if checked else "",
        finding=Finding.FINE if checked else Finding.UNCHECKED,
    )
    session.add(made)
    session.flush()
    return made


def mail_server(session: Session, *, port: int = 2525, connections: int = 4, **fields: object) -> MailServer:
    made = MailServer(
        **{
            "name": f"server {next(_numbers)}",
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "max_connections": connections,
            **fields,
        }
    )
    session.add(made)
    session.flush()
    return made


def definition(session: Session, server: MailServer | None = None, **fields: object) -> MessageDefinition:
    """A definition that mails each customer's billing address the "Invoice PDF" of one invoice."""
    number = next(_numbers)
    server = server or mail_server(session)
    sender = Sender(key=f"invoicing{number}", address="invoicing@example.com", mail_server_id=server.id)
    template = MessageTemplate(
        name=f"template {number}",
        format="html",
        texts=[TemplateText(language="", source="<p>Invoice {{ invoice.number }}</p>")],
    )
    session.add_all([sender, template])
    session.flush()
    made = MessageDefinition(
        **{
            "name": f"Monthly invoice {number}",
            "sender_id": sender.id,
            "recipient_key_id": recipient_key(session).id,
            "subject": "Invoice {{ invoice.number }}",
            "template_id": template.id,
            "bcc": [],
            **fields,
        }
    )
    session.add(made)
    session.flush()
    session.add(DefinitionTransformation(definition_id=made.id, transformation_id=transformation(session).id))
    session.flush()
    return made
