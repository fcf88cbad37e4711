"""The CSV files: their columns, what each may hold, and the staging table their rows go to."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import String, Table

from webapp.currency_marks import stands_for
from webapp.file_styles import Spelling
from webapp.imports import staged, values
from webapp.imports.values import Check, MarkedAmount
from webapp.store.customers import Cluster, Customer, CustomerEmail, RecipientKey
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.statuses import InvoiceStatus, SourceSubject
from webapp.translation import _

CHANGED_HERE = "changed_here.csv"
Wrong = tuple[str, str]
"""A column, and what is wrong there."""


@dataclass(frozen=True)
class Column:
    """A column of a CSV file; one that is not `required` may be missing from the header."""

    name: str
    check: Check
    required: bool = True


def nothing(row: dict[str, Any]) -> Iterable[Wrong]:
    """For files whose columns need no check against each other."""
    return ()


@dataclass(frozen=True)
class Kind:
    """A CSV file: `words` is what its rows are called on the screen, `natural` the columns of the natural
    key. With a `prefix`, columns `<prefix>.<name>` make one JSON object. `judge` checks a whole row (a
    wrong value is None), may add to it, and reports what does not fit together; `doubt` reports what may be a
    mistake."""

    words: str
    file: str
    table: Table
    columns: tuple[Column, ...]
    natural: tuple[str, ...]
    prefix: str = ""
    judge: Callable[[dict[str, Any]], Iterable[Wrong]] = nothing
    doubt: Callable[[dict[str, Any]], Iterable[Wrong]] = nothing


def longest(column: Any) -> int:
    """How many characters the database column holds."""
    kind = column.type
    assert isinstance(kind, String)
    assert kind.length is not None
    return kind.length


def period_in_order(row: dict[str, Any]) -> Iterable[Wrong]:
    """An invoice period ends no earlier than it begins."""
    start, end = row["period_start"], row["period_end"]
    if start is not None and end is not None and end < start:
        yield "period_end", _("is %(end)s, before the period's first day, %(start)s", end=end, start=start)


def fitting_invoice(row: dict[str, Any]) -> Iterable[Wrong]:
    """The period is in order, and a mark beside an amount says the currency of the row. Takes the marks
    out."""
    yield from period_in_order(row)
    for column in AMOUNTS:
        if type(value := row[column]) is not MarkedAmount:
            continue
        row[column], currency = value.amount, row["currency"]
        if currency is not None and not stands_for(value.mark, currency):
            text = values.shown(value.text)
            yield column, _("is %(value)s, and the currency is %(currency)s", value=text, currency=currency)


AMOUNTS = ("net_amount", "tax_amount", "gross_amount")


def issued_far_off(row: dict[str, Any]) -> Iterable[Wrong]:
    """An invoice that is issued more than two months before or after its period may have the period of
    another one."""
    start, end, issued = row["period_start"], row["period_end"], row["issue_date"]
    if start and end and issued and _is_far_off(start, end, issued):
        yield (
            "issue_date",
            _(
                "is %(issued)s, more than two months outside of the period %(start)s to %(end)s",
                issued=issued,
                start=start,
                end=end,
            ),
        )


@lru_cache(maxsize=8192)
def _is_far_off(start: str, end: str, issued: str) -> bool:
    first, last, day = (date.fromisoformat(each) for each in (start, end, issued))
    return day < _months_away(first, -MONTHS_OFF) or day > _months_away(last, MONTHS_OFF)


MONTHS_OFF = 2
FIRST_YEAR, LAST_YEAR = 1, 9999


def _months_away(day: date, months: int) -> date:
    """The same day of another month, or its last day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return day
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def clusters() -> Kind:
    most = longest(Cluster.tag_name)
    columns = (Column("tag_name", values.tag_name(most)), Column("parents", values.tag_names(most)))
    return Kind("customer clusters", "clusters.csv", staged.CLUSTER, columns, ("tag_name",))


def customers() -> Kind:
    columns = (
        Column("code", values.text(longest(Customer.code))),
        Column("name", values.text(longest(Customer.name))),
        Column("cluster", values.text(longest(Cluster.tag_name))),
        Column("language", values.language(longest(Customer.language))),
        Column("suspended", values.truth, required=False),
    )
    return Kind("customers", "customers.csv", staged.CUSTOMER, columns, ("code",), prefix="metadata")


def emails() -> Kind:
    columns = (
        Column("customer_code", values.text(longest(Customer.code))),
        Column("key", values.text(longest(RecipientKey.key))),
        Column("address", values.address),
        Column("display_name", values.text(longest(CustomerEmail.display_name), empty=True)),
    )
    natural = ("customer_code", "key", "address")
    return Kind("customer emails", "emails.csv", staged.EMAIL, columns, natural)


def invoices(*, scaled: bool, spelling: Spelling | None = None) -> Kind:
    """`scaled`: amounts as SQLite keeps them. `spelling`: how dates and amounts are written."""
    money, day = values.marked_amount(scaled=scaled, spelling=spelling), values.day_of(spelling)
    columns = (
        Column("number", values.text(longest(Invoice.number))),
        Column("customer_code", values.text(longest(Customer.code))),
        Column("status", values.word(InvoiceStatus)),
        Column("period_start", day),
        Column("period_end", day),
        Column("issue_date", day),
        Column("due_date", values.day_of_or_none(spelling)),
        Column("currency", values.currency),
        Column("net_amount", money),
        Column("tax_amount", money),
        Column("gross_amount", money),
    )
    return Kind(
        "invoices",
        "invoices.csv",
        staged.INVOICE,
        columns,
        ("number",),
        prefix="data",
        judge=fitting_invoice,
        doubt=issued_far_off,
    )


def changed_here() -> Kind:
    """What people changed where the folder was exported from, and what the source had said of it
    (exports/changed_here.py)."""
    columns = (
        Column("subject", values.word(SourceSubject)),
        Column("owner", values.text(longest(Cluster.tag_name))),
        Column("field", values.text(4096)),
        Column("value", values.json_text),
        Column("origins", values.origins),
    )
    return Kind(
        "values changed by people",
        CHANGED_HERE,
        staged.CHANGED_HERE,
        columns,
        ("owner", "subject", "field"),
    )


def transformation_results(judge: Callable[[dict[str, Any]], Iterable[Wrong]]) -> Kind:
    """`judge` looks at the document that the row names, and adds its file name, size and SHA-256."""
    columns = (
        Column("invoice_number", values.text(longest(Invoice.number))),
        Column("transformation", values.text(longest(Transformation.name))),
        Column("file", values.text(4096)),
        Column("media_type", values.media_type(longest(TransformationResult.media_type)), required=False),
    )
    return Kind(
        "transformation results",
        "transformation_results.csv",
        staged.RESULT,
        columns,
        ("invoice_number", "transformation", "file_name"),
        judge=judge,
    )
