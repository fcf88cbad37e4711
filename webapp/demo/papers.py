"""An invoice's documents: the PDF, set by typst, and the list of calls."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import typst

from webapp.demo import words
from webapp.demo.billing import Bill

LAYOUT = Path(__file__).parent / "invoice.typ"
SIGNS = {"EUR": "€", "GBP": "£", "CHF": "CHF"}


class Press:
    """Makes PDFs, one after the other: typst keeps fonts and layout between two of them. It reads nothing but
    the layout's folder, and no fonts of this machine, so the same invoice gives the same bytes anywhere."""

    def __init__(self) -> None:
        self._compiler = typst.Compiler(
            str(LAYOUT), root=str(LAYOUT.parent), ignore_system_fonts=True, sys_inputs={"data": "{}"}
        )

    def invoice(self, bill: Bill) -> bytes:
        """The invoice as a PDF."""
        at = datetime.combine(bill.issued, time(6), UTC)
        made = self._compiler.compile(
            format="pdf", sys_inputs={"data": json.dumps(_shown(bill))}, timestamp=int(at.timestamp())
        )
        assert isinstance(made, bytes)
        return made


def calls_csv(bill: Bill) -> bytes:
    """The calls that the invoice charges, a line each; times are local to the customer."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["invoice", "date", "time", "number", "zone", "seconds"])
    for call in bill.calls:
        zone = "international" if call.abroad else "national"
        rows.writerow([bill.number, call.day.isoformat(), call.time, call.number, zone, call.seconds])
    return out.getvalue().encode()


def _shown(bill: Bill) -> dict[str, Any]:
    """Everything that stands on the paper, as text in the customer's language."""
    customer, language = bill.customer, bill.customer.country.language
    country = customer.country.code
    sign = SIGNS[bill.customer.country.currency]
    is_credit = bill.gross < 0

    def money(value: Decimal) -> str:
        return f"{sign} {words.amount(value, language, country)}"

    def word(key: str) -> str:
        return words.word(key, language)

    pay = {"due": words.day(bill.due, language), "number": bill.number}
    return {
        "language": language,
        "words": words.words(language),
        "title": word("credit" if is_credit else "invoice"),
        "number": bill.number,
        "customer": {
            "name": customer.name,
            "street": customer.street,
            "place": f"{customer.postcode} {customer.town}",
            "country": customer.country.name,
        },
        "facts": [fact for fact in _facts(bill) if fact[1]],
        "lines": [
            {
                "what": word(line.what),
                "quantity": f"{line.quantity}{_unit(line.what, language)}",
                "price": _price(line.price, language, country),
                "amount": words.amount(line.amount, language, country),
            }
            for line in bill.lines
        ],
        "net": money(bill.net),
        "tax_rate": f"{customer.country.tax_percent.normalize():f}%".replace(
            ".", "," if country != "CH" else "."
        ),
        "tax": money(bill.tax),
        "total_word": word("refund" if is_credit else "total"),
        "total": money(abs(bill.gross)),
        "note": words.note("refund", language) if is_credit else words.note("pay", language, **pay),
    }


def _facts(bill: Bill) -> list[tuple[str, str]]:
    """The facts beside the address: (word, value), some of them empty."""
    customer, language = bill.customer, bill.customer.country.language
    is_credit = bill.gross < 0

    def word(key: str) -> str:
        return words.word(key, language)

    return [
        (word("number"), bill.number),
        (word("customer"), customer.code),
        (word("issued"), words.day(bill.issued, language)),
        (word("period"), f"{bill.period[0]:%d.%m.%Y} – {bill.period[1]:%d.%m.%Y}"),
        (word("order"), bill.order),
        (word("tax_id"), customer.tax_id),
        (word("due"), "" if is_credit else words.day(bill.due, language)),
    ]


def _unit(what: str, language: str) -> str:
    return f" {words.word('minutes', language)}" if what in ("national", "abroad") else ""


def _price(price: Decimal, language: str, country: str) -> str:
    """A price by the minute has three decimals."""
    written = words.amount(price, language, country)
    exponent = price.as_tuple().exponent
    return written[:-2] + f"{price:f}".rpartition(".")[2] if exponent == -3 else written
