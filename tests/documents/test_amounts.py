"""Whether a document names the amount of its invoice."""

from __future__ import annotations

import io
from decimal import Decimal

import pikepdf
import pytest
from sqlalchemy import select

from tests.documents.checked import check, file
from tests.pdfs import pdf
from tests.world import World
from webapp.documents.amounts import is_named, written
from webapp.documents.document_reader import Names
from webapp.documents.document_text import AMOUNT_PAGES_MAX, findings
from webapp.documents.spelling import plain
from webapp.store.invoices import TransformationResult
from webapp.store.statuses import Finding

OURS = Names("INV-1", "C007", "Buyer", ("1234.50", "1000.00"))


@pytest.mark.parametrize(
    "text",
    [
        *(
            "1234.50",
            "1,234.50",
            "1.234,50",
            "1 234,50",
            "1\u00a0234,50",
            "1'234.50",
            "1’234.50",
            "€1.234,50",
        ),
        *("Total: EUR 1 234.50.", "-1.234,50", "1.234,50-", "1,000.00", "1.000,-", "1000", "1234.5"),
    ],
)
def test_an_amount_is_found_however_it_is_written(text: str) -> None:
    assert is_named(plain(text), OURS.amounts)


@pytest.mark.parametrize(
    "text", ["", "1,234.51", "11,234.50", "1,234.505", "2.234,50", "1000.01", "10000", "12/34.50", "234.50"]
)
def test_another_amount_is_not_it(text: str) -> None:
    assert not is_named(plain(text), OURS.amounts)


def test_a_small_whole_amount_needs_its_cents() -> None:
    assert not is_named("5 pieces, page 5", ("5.00",))
    assert is_named("total 5,00", ("5.00",))
    assert is_named("total 5,-", ("5.00",))


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("-12.5", "EUR", "12.50"),
        ("500", "JPY", "500"),
        ("12.345", "EUR", "12.345"),
        ("0", "EUR", ""),
    ],
)
def test_an_amount_is_looked_for_with_the_places_of_its_currency(
    amount: str, currency: str, text: str
) -> None:
    assert written(Decimal(amount), currency) == text


def paged(*pages: tuple[str, ...]) -> bytes:
    """A PDF of several pages."""
    whole, out = pikepdf.Pdf.new(), io.BytesIO()
    for lines in pages:
        whole.pages.extend(pikepdf.open(io.BytesIO(pdf(*lines))).pages)
    whole.save(out)
    return out.getvalue()


def names_amount(content: bytes, names: Names = OURS) -> bool | None:
    [found] = findings("application/pdf", content, [names])
    assert found.finding == Finding.FINE
    return found.names_amount


def test_the_amount_is_looked_for_behind_the_page_that_names_the_invoice() -> None:
    first = ("Invoice INV-1", "C007")
    assert names_amount(paged((*first, "1,234.50"))) is True
    assert names_amount(paged(first, ("nothing",), ("Total 1,234.50",))) is True
    assert names_amount(paged(first, ("nothing",))) is False
    assert names_amount(paged(first), Names("INV-1", "C007", "Buyer")) is None


def test_of_a_long_document_it_is_not_known() -> None:
    pages = [("nothing",)] * (AMOUNT_PAGES_MAX + 1)
    assert names_amount(paged(("Invoice INV-1", "C007"), *pages)) is None


def test_the_check_stores_the_amount_that_it_did_not_find(world: World) -> None:
    for text in ("Total 121,00", "Total 99,00"):
        payer, of = world.add(documents=False)
        file(world, of, pdf(f"Invoice {of.number}", payer.code, text))
    checked = check(world)
    assert (checked.documents, checked.suspect) == (2, 0)
    with world.runtime.database.reading() as session:
        unnamed = session.scalars(
            select(TransformationResult.unnamed_amount).order_by(TransformationResult.id)
        ).all()
    assert unnamed == [None, Decimal("121.00")]
