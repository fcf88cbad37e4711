"""A small folder in which everything is right, to be changed by the tests."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.store.customers import Cluster, ClusterParent, Customer, CustomerEmail, RecipientKey
from webapp.store.definitions import MessageDefinition, MessageTemplate, TemplateText
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.mailservers import MailServer, Sender
from webapp.store.users import AuditEntry

MESSAGING = '''\
[[mail_server]]
name = "relay"
host = "127.0.0.1"
port = 2525
security = "none"

[[sender]]
key = "invoicing"
address = "invoicing@example.com"
mail_server = "relay"

[[recipient_key]]
key = "billing"

[[transformation]]
name = "Invoice PDF"
output_type = "pdf"

[[template]]
name = "Invoice body"
format = "html"
source = """
<p>Dear {{ customer.name }}</p>
"""

[[template]]
name = "Invoice body"
format = "html"
language = "nl"
source = "<p>Beste {{ customer.name }}</p>"

[[definition]]
name = "Monthly invoice"
from_key = "invoicing"
recipient_key = "billing"
subject = "Invoice {{ invoice.number }}"
template = "Invoice body"
transformations = ["Invoice PDF"]
bcc = ["archive@example.com"]
'''

GOOD = {
    "messaging.toml": MESSAGING,
    "clusters.csv": "tag_name,parents\nAll,\nNorth,All\nSouth,All\nBoth,North;South\n",
    "customers.csv": "code,name,cluster,language,metadata.pin\n"
    "C1,Müller & Söhne,North,de,1234\n"
    'C2,"Smith, Inc.",Both,en,\n',
    "emails.csv": "customer_code,key,address,display_name\n"
    "C1,billing,post@müller.de,Buchhaltung\n"
    "C2,billing,bills@customers.test,\n"
    "C2,billing,copy@customers.test,Copy\n",
    "invoices.csv": "number,customer_code,status,period_start,period_end,issue_date,due_date,currency,"
    "net_amount,tax_amount,gross_amount,data.po\n"
    "I1,C1,approved,2026-10-01,2026-10-31,2026-11-01,2026-12-01,EUR,100.00,21.00,121.00,PO-7\n"
    "I2,C2,open,2026-10-01,2026-10-31,2026-11-01,,GBP,-10.1234,0,-10.1234,\n",
    "transformation_results.csv": "invoice_number,transformation,file\n"
    "I1,Invoice PDF,results/I1.pdf\n"
    "I2,Invoice PDF,results/I2.pdf\n",
    "results/I1.pdf": "%PDF-1.4 one",
    "results/I2.pdf": "%PDF-1.4 two",
}

TABLES = (
    MailServer, Sender, RecipientKey, Transformation, MessageTemplate, TemplateText, MessageDefinition,
    Cluster, ClusterParent, Customer, CustomerEmail, Invoice, TransformationResult, AuditEntry,
)  # fmt: skip


def write(root: Path, files: dict[str, str | bytes] | None = None, **changes: str | bytes | None) -> Path:
    """The good folder (or these files), with some files replaced or (None) left out.

    Names are written with an underscore for the dot: `customers_csv="…"`.
    """
    every: dict[str, str | bytes | None] = {**(GOOD if files is None else files)}
    for name, content in changes.items():
        stem, _, suffix = name.rpartition("_")
        every[f"{stem}.{suffix}"] = content
    for name, content in every.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink(missing_ok=True)
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def rows_stored(session: Session) -> int:
    """How many rows there are in all tables that an import fills."""
    return sum(session.scalar(select(func.count()).select_from(table)) or 0 for table in TABLES)
