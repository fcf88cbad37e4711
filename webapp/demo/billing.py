"""The demo company's invoices: three months of them up to the last full month, with lines that add up."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from webapp.demo.company import RESELLERS, DemoCustomer

MONTHS = 3
CENT = Decimal("0.01")
PRICES = {
    "internet": Decimal("64.50"),
    "voice": Decimal("11.90"),
    "mobile": Decimal("24.00"),
    "router": Decimal("9.75"),
    "national": Decimal("0.031"),
    "abroad": Decimal("0.142"),
    "interconnect": Decimal("415.00"),
    "repaid": Decimal("-38.20"),
}
"""List prices in euros, before tax."""


@dataclass(frozen=True)
class Call:
    day: date
    time: str
    number: str
    abroad: bool
    seconds: int


@dataclass(frozen=True)
class InvoiceLine:
    """`what` is a key of words.py; calls are counted in minutes."""

    what: str
    quantity: int
    price: Decimal

    @property
    def amount(self) -> Decimal:
        return (self.quantity * self.price).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Bill:
    """One invoice with its lines. `documents`: whether its PDF and list of calls have been made."""

    number: str
    customer: DemoCustomer
    status: str
    period: tuple[date, date]
    issued: date
    due: date
    order: str
    lines: tuple[InvoiceLine, ...]
    calls: tuple[Call, ...]
    documents: bool

    @property
    def net(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        return (self.net * self.customer.country.tax_percent / 100).quantize(CENT, ROUND_HALF_UP)

    @property
    def gross(self) -> Decimal:
        return self.net + self.tax


def months_before(today: date) -> list[tuple[date, date]]:
    """The first and last day of each of the three full months before today, the oldest first."""
    found: list[tuple[date, date]] = []
    last = today.replace(day=1) - timedelta(days=1)
    for _ in range(MONTHS):
        found.insert(0, (last.replace(day=1), last))
        last = last.replace(day=1) - timedelta(days=1)
    return found


def bills(customers: list[DemoCustomer], today: date) -> Iterator[Bill]:
    """Every invoice, month by month. The same for the same day's month."""
    months = months_before(today)
    for age, month in zip(reversed(range(MONTHS)), months, strict=True):
        for order, customer in enumerate(customers):
            yield _monthly(customer, order, month, age)
        for order, customer in enumerate(customers[7 + age :: 90]):
            yield _credit_note(customer, order, month)
    quarter = (months[0][0], months[-1][1])
    for order, customer in enumerate(c for c in customers if c.cluster in RESELLERS[::2]):
        yield _quarterly(customer, order, quarter)


def _monthly(customer: DemoCustomer, order: int, month: tuple[date, date], age: int) -> Bill:
    rng = random.Random(f"{customer.code} {month[0]}")  # noqa: S311  # made-up data, alike each time
    size = rng.randrange(6, 40) if customer.is_large else rng.randrange(1, 7)
    calls = tuple(_calls(month, rng.randrange(8, 12 + 2 * size), rng)) if order % 2 == 0 else ()
    lines = [_line(customer, "internet", 1 + size // 12), _line(customer, "voice", size)]
    if order % 3 != 1:
        lines.append(_line(customer, "mobile", 1 + size // 2))
    if order % 4 == 0:
        lines.append(_line(customer, "router", 1 + size // 12))
    for what, is_abroad in (("national", False), ("abroad", True)):
        if seconds := sum(call.seconds for call in calls if call.abroad is is_abroad):
            lines.append(_line(customer, what, -(-seconds // 60)))
    status = (
        "open" if age == 0 and order % 33 == 20 else "closed" if age == 2 and order % 8 == 3 else "approved"
    )
    missing = (age == 0 and order % 39 == 14) or (age == 1 and order == 101)
    return _bill(f"NT-{month[0]:%y%m}-{order + 1:04}", customer, status, month, lines, calls, not missing)


def _credit_note(customer: DemoCustomer, order: int, month: tuple[date, date]) -> Bill:
    days = random.Random(f"credit {customer.code} {month[0]}").randrange(1, 5)  # noqa: S311  # made-up data, alike each time
    return _bill(
        f"NTC-{month[0]:%y%m}-{order + 1:03}", customer, "approved", month, [_line(customer, "repaid", days)]
    )


def _quarterly(customer: DemoCustomer, order: int, quarter: tuple[date, date]) -> Bill:
    line = _line(customer, "interconnect", 1 + order)
    return _bill(f"NTQ-{quarter[1]:%y%m}-{order + 1:03}", customer, "approved", quarter, [line])


def _bill(
    number: str,
    customer: DemoCustomer,
    status: str,
    period: tuple[date, date],
    lines: list[InvoiceLine],
    calls: tuple[Call, ...] = (),
    documents: bool = True,
) -> Bill:
    issued = period[1] + timedelta(days=2)
    return Bill(
        number=number,
        customer=customer,
        status=status,
        period=period,
        issued=issued,
        due=issued + timedelta(days=30 if customer.is_large else 14),
        order=f"PO-{int(customer.code[2:]) * 7 % 90000 + 10000}" if customer.is_large else "",
        lines=tuple(lines),
        calls=calls,
        documents=documents and status != "open",
    )


def _line(customer: DemoCustomer, what: str, quantity: int) -> InvoiceLine:
    places = Decimal("0.001") if what in ("national", "abroad") else CENT
    return InvoiceLine(
        what, quantity, (PRICES[what] * customer.country.prices).quantize(places, ROUND_HALF_UP)
    )


def _calls(month: tuple[date, date], count: int, rng: random.Random) -> Iterator[Call]:
    days = (month[1] - month[0]).days + 1
    moments = sorted((rng.randrange(days), rng.randrange(7 * 3600, 20 * 3600)) for _ in range(count))
    for day, second in moments:
        abroad = rng.random() < 0.2
        yield Call(
            day=month[0] + timedelta(days=day),
            time=f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}",
            number=f"{'+44 1632 96' if abroad else '085 000 '}{rng.randrange(1000, 10000)}",
            abroad=abroad,
            seconds=min(5400, int(rng.expovariate(1 / 210)) + 4),
        )
