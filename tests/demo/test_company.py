"""The demo company is of one piece, and looks like a real one."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from functools import cache

import pytest

from webapp.demo import company, words
from webapp.demo.billing import Bill, bills, months_before
from webapp.mailing.addresses import checked_address

TODAY = date(2026, 11, 23)


@cache
def billed() -> list[Bill]:
    return list(bills(company.customers(), TODAY))


def depth(tag: str) -> int:
    return 1 + max((depth(parent) for parent in company.CLUSTERS[tag]), default=0)


def test_the_clusters_are_six_deep_and_some_have_two_parents() -> None:
    assert max(depth(tag) for tag in company.CLUSTERS) == 6
    assert sum(len(parents) == 2 for parents in company.CLUSTERS.values()) >= 2
    assert [tag for tag, parents in company.CLUSTERS.items() if not parents] == [company.ROOT]


def test_two_hundred_customers_in_five_countries() -> None:
    customers = company.customers()
    assert len({customer.code for customer in customers}) == 200
    assert len({customer.name for customer in customers}) == 200
    assert {customer.country.code for customer in customers} == {"NL", "DE", "GB", "FR", "CH"}
    assert {customer.country.currency for customer in customers} == {"EUR", "GBP", "CHF"}
    assert {customer.cluster for customer in customers} <= set(company.CLUSTERS)
    assert sum(customer.suspended for customer in customers) == 4
    assert not all(customer.name.isascii() for customer in customers)


def test_addresses_are_reserved_ones_that_can_be_mailed_to() -> None:
    addresses = [address for customer in company.customers() for _, address, _ in customer.emails]
    assert all(checked_address(address).endswith(".example") for address in addresses)
    assert any(not address.isascii() for address in addresses)


def test_some_have_two_billing_addresses_and_some_none() -> None:
    counts = Counter(
        sum(key == "billing" for key, _, _ in customer.emails) for customer in company.customers()
    )
    assert counts[2] > 10
    assert 3 <= counts[0] <= 10
    assert counts[1] > 150


def test_the_months_are_the_last_three_full_ones() -> None:
    assert months_before(date(2027, 1, 31)) == [
        (date(2026, 10, 1), date(2026, 10, 31)),
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 12, 1), date(2026, 12, 31)),
    ]
    assert months_before(date(2028, 3, 1))[-1] == (date(2028, 2, 1), date(2028, 2, 29))


def test_the_invoices_have_all_that_a_month_may_bring() -> None:
    assert len({bill.number for bill in billed()}) == len(billed()) > 600
    assert {bill.status for bill in billed()} == {"open", "approved", "closed"}
    assert sum(bill.gross < 0 for bill in billed()) >= 5
    assert 3 <= sum(not bill.documents for bill in billed() if bill.status == "approved") <= 10
    assert any((bill.period[1] - bill.period[0]).days > 80 for bill in billed())
    assert sum(bool(bill.calls) for bill in billed()) == 300


def test_the_amounts_add_up_to_the_cent() -> None:
    for bill in billed():
        assert bill.net == sum(line.amount for line in bill.lines)
        assert bill.gross == bill.net + bill.tax
        assert bill.gross.as_tuple().exponent == -2
        minutes = {line.what: line.quantity for line in bill.lines}
        seconds = sum(call.seconds for call in bill.calls if call.abroad)
        assert minutes.get("abroad", 0) * 60 >= seconds


def test_the_same_day_gives_the_same_company() -> None:
    assert list(bills(company.customers(), TODAY)) == billed()


@pytest.mark.parametrize(
    ("language", "country", "written"),
    [
        ("nl", "NL", "1.234,50"),
        ("de", "DE", "1.234,50"),
        ("en", "GB", "1,234.50"),
        ("fr", "FR", "1\u00a0234,50"),
        ("de", "CH", "1'234.50"),
        ("fr", "CH", "1'234.50"),
    ],
)
def test_amounts_are_written_as_they_are_there(language: str, country: str, written: str) -> None:
    assert words.amount(Decimal("1234.50"), language, country) == written
    assert words.amount(Decimal("-1234.50"), language, country) == f"−{written}"


def test_days_are_written_as_they_are_there() -> None:
    assert words.day(date(2026, 3, 4), "de") == "4. März 2026"
    assert words.day(date(2026, 8, 1), "fr") == "1 août 2026"
