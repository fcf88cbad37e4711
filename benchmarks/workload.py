"""The work that every row does: one mail per customer, made from a template, with a document of its own.

Subject, 0.9 KB of text, 2.1 KB of HTML with eleven variables, a document of 60 KB, one To and one Bcc: 87 KB
on the wire. The text is what Mailrun itself makes of the HTML; the others render it from a template."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DOCUMENT_BYTES = 60 * 1024
SENDER = "invoicing@example.com"
SENDER_NAME = "Example Telecom Billing"
BCC = "archive@example.com"

SUBJECT = "Invoice {{ invoice.number }} for {{ customer.name }}"

_ROWS = (
    ("Invoice", "{{ invoice.number }}"),
    ("Customer", "{{ customer.code }}"),
    ("Period", "{{ invoice.period_start }} to {{ invoice.period_end }}"),
    ("Issued on", "{{ invoice.issue_date }}"),
    ("Net amount", "{{ invoice.currency }} {{ invoice.net_amount }}"),
    ("Tax", "{{ invoice.currency }} {{ invoice.tax_amount }}"),
    ("To be paid", "{{ invoice.currency }} {{ invoice.gross_amount }}"),
    ("Due on", "{{ invoice.due_date }}"),
)
_GREETING = "Dear {{ customer.name }},"
_PARAGRAPHS = (
    "Please find attached your invoice for the past period, with every call and every line that it covers.",
    "We collect the amount from your bank account on the due date, if you have agreed to that; otherwise "
    "please transfer it in time, with the number of the invoice as the reference.",
    "If something is not as you expect it, please answer this mail within fourteen days, or call us on a "
    "working day between nine and five. Keep your customer number ready: we ask for it first.",
    "You receive this mail because this address was given to us as the one where invoices go. If that should "
    "be another one, tell us, and the next invoice goes there.",
)
_CLOSING = "With kind regards, Example Telecom, Harbour Street 12, Rotterdam"


def html() -> str:
    """The template of the HTML body; Jinja and Django read it alike."""
    cell = '<td style="padding: 4px 12px; border-bottom: 1px solid #dddddd">'
    rows = "\n".join(f"<tr>{cell}{name}</td>{cell}{value}</td></tr>" for name, value in _ROWS)
    paragraphs = "\n".join(f"<p>{words}</p>" for words in _PARAGRAPHS)
    return (
        '<html><body style="font-family: sans-serif; color: #222222">\n'
        f"<p>{_GREETING}</p>\n{paragraphs}\n<table>\n{rows}\n</table>\n<p>{_CLOSING}</p>\n</body></html>\n"
    )


def text() -> str:
    """The template of the text body, for those who do not make it from the HTML."""
    rows = "\n".join(f"{name}: {value}" for name, value in _ROWS)
    return "\n\n".join([_GREETING, *_PARAGRAPHS, rows, _CLOSING]) + "\n"


@dataclass(frozen=True)
class Letter:
    """One customer with one invoice. `names` is what the templates see."""

    number: str
    code: str
    address: str
    names: dict[str, dict[str, Any]]

    @property
    def file(self) -> str:
        """The document, as a path within the import folder."""
        return f"results/{self.number}.pdf"


def letters(count: int) -> Iterator[Letter]:
    """This number of them, always the same ones."""
    rng = random.Random("letters")
    for index in range(count):
        code, number = f"C{100_000 + index}", f"202610-{100_000 + index}"
        net = rng.randrange(500, 2_500_000)
        tax = round(net * 0.21)
        names = {
            "customer": {"code": code, "name": f"{rng.choice(FIRST)} {rng.choice(SECOND)} {index}"},
            "invoice": {
                "number": number,
                "period_start": "2026-10-01",
                "period_end": "2026-10-31",
                "issue_date": "2026-11-01",
                "due_date": "2026-12-01",
                "currency": "EUR",
                "net_amount": f"{net / 100:.2f}",
                "tax_amount": f"{tax / 100:.2f}",
                "gross_amount": f"{(net + tax) / 100:.2f}",
            },
        }
        yield Letter(number, code, f"billing.{code.lower()}@customers.test", names)


FIRST = ("Bakker", "Brunner", "De Wit", "Hartmann", "Keller", "Lefèvre", "Moreau", "Núñez", "Schröder")
SECOND = ("Advocaten", "Bouw", "Data Services", "Energie", "Foods", "Logistics", "Media", "Zorggroep")


def document(*words: str) -> bytes:
    """60 KB that no other invoice has: a PDF of one page that shows these words, and a stream that nothing
    shows."""
    shown = b" ".join(b"(%s) Tj T*" % word.encode() for word in words)
    page = b"BT /F1 11 Tf 14 TL 60 780 Td %s ET" % shown
    ballast = random.Random(words[0]).randbytes(DOCUMENT_BYTES - 500)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(ballast), ballast),
    )
    made = b"%PDF-1.4\n"
    for number, content in enumerate(objects, 1):
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    return made + b"trailer\n<< /Size %d /Root 1 0 R >>\n%%%%EOF\n" % (len(objects) + 1)
