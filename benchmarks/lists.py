"""Every list, filter, order and search, the palette and the list "To fix", at very many rows: the whole
application answers people who are logged in."""

from __future__ import annotations

import html
import re
import secrets
import statistics
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from urllib.parse import quote_plus

from benchmarks import filling, mailed
from benchmarks.base import settle
from benchmarks.installation import Site, opened
from benchmarks.options import Options
from benchmarks.sets import database
from benchmarks.table import Report, Target
from tests.http_client import PASSWORD, Browser
from webapp import create_app, migrations
from webapp.users.accounts import create_user

VIEWERS = (("administrator", ()), ("manager of West", ("West",)), ("manager of Malta", ("Malta",)))
"""West has two thirds of all customers in and below it, by several ways; Malta has one in a thousand."""
LIMIT_MS, FIX_LIMIT_MS = 100.0, 300.0
CUSTOMER_ORDERS = ("", "-", "code", "-code")
CUSTOMER_FILTERS = (
    *("", "status=active", "status=suspended", "status=fix", "cluster=West", "cluster=Malta"),
    *("cluster=West&include_children=y", "cluster=Everybody&include_children=y"),
    *("cluster=Shared&include_children=y", "cluster=Ireland&include_children=y"),
    *("missing=billing", "missing=technical", "missing=reminders"),
    *("q=keller", "q=keller data", "q=C12345", "q=customer4711", "q=@customer", "q=zzzz", "q=customer"),
    "cluster=West&include_children=y&missing=billing",
    "cluster=Malta&missing=technical",
    "cluster=Shared&include_children=y&status=suspended",
    "cluster=Shared&include_children=y&status=fix",
    "cluster=Spain&q=keller",
    "status=suspended&missing=billing",
    "status=active&q=media",
)
INVOICE_ORDERS = ("", "-", "number", "customer", "-customer", "amount", "-amount", "due", "-due")
INVOICE_FILTERS = (
    *("", "status=open", "status=approved", "status=closed", "customer=C100123"),
    *("from=2026-10-01&to=2026-10-31", "from=2025-09-01&to=2025-09-30", "from=2026-01-01", "to=2026-03-31"),
    *("cluster=West&include_children=y", "cluster=Everybody&include_children=y", "cluster=Malta"),
    *("cluster=Shared&include_children=y", "cluster=Ireland&include_children=y", "cluster=West"),
    *("currency=USD", "currency=GBP", "currency=CHF", "currency=USD&least=100&most=9000"),
    *("least=20000", "least=10&most=12", "most=20", "least=100"),
    *("mailed=1", "mailed=not-1", "mailed=never", "mailed=2", "documents=none", "documents=suspect"),
    *("documents=missing-1", "documents=missing-2"),
    *(
        "q=keller",
        "q=NT-2610-19",
        "q=1000123",
        "q=C1234",
        "q=keller 17",
        "q=NT-2",
        "q=zzzz",
        "q=data services",
    ),
    *("status=approved&currency=CHF", "status=closed&currency=USD", "status=approved&q=media"),
    "status=closed&cluster=Shared&include_children=y",
    "status=open&cluster=Spain&include_children=y",
    "from=2026-10-01&to=2026-10-31&mailed=not-1",
    "from=2026-09-01&to=2026-09-30&documents=missing-1",
    "from=2026-10-01&to=2026-10-31&currency=CHF&least=100",
    "currency=CHF&cluster=Shared&include_children=y",
    "cluster=West&include_children=y&q=keller",
    "cluster=Germany&documents=missing-2&status=approved",
)
SEARCHES = (
    *("keller", "keller data", "C100123", "NT-2610-19", "1000123", "customer4711@", "@customer", "zzzzqq"),
    *(
        "bakker media 1234",
        "october",
        "run 7",
        "4Q777777",
        "<1.123456.1.abcdef01@example.com>",
        "data services",
    ),
    *("de wit", "nt-2", "ab", "as bakker", "keller 17 de", "monthly invoice"),
)
FIXES = (
    *(
        "",
        "cause=no_recipient",
        "cause=failed",
        "cause=failed_otherwise",
        "cause=bounced",
        "cause=unconfirmed",
    ),
    *("cause=no_attachment", "cause=suspect_document", "cause=no_password", "cause=unlockable"),
    *("run=5", "run=4&cause=failed", "cluster=Shared", "cluster=Ireland", "cluster=Shared&run=4"),
)
OTHERS = ("/clusters", "/clusters?cluster=4", "/runs", "/runs/4/results", "/customers/4711", "/invoices/4711")
NEXT = re.compile(r'href="(/(?:customers|invoices|fix)\?[^"]*after=[^"]*)"')


@dataclass(frozen=True)
class Asked:
    """A page, of which kind it is, and how many milliseconds it may take."""

    kind: str
    address: str
    limit: float = LIMIT_MS


@dataclass(frozen=True)
class Looked:
    """What this number of looks at a page took, in milliseconds; `cpu`, on average, with the database's."""

    viewer: str
    asked: Asked
    times: tuple[float, ...]
    cpu: float

    @property
    def least(self) -> float:
        """What the quickest look took."""
        return min(self.times)

    @property
    def median(self) -> float:
        """Half of the looks took less."""
        return statistics.median(self.times)

    @property
    def p95(self) -> float:
        """95 of 100 looks took less."""
        return sorted(self.times)[int(0.95 * (len(self.times) - 1))]

    def __str__(self) -> str:
        numbers = f"{self.least:6.0f} {self.median:6.0f} {self.p95:6.0f} {self.cpu:6.0f}"
        return (
            f"{numbers}  {'!' if self.p95 > self.asked.limit else ' '} {self.viewer:16} {self.asked.address}"
        )


def all_pages() -> list[Asked]:
    """Every page that is measured."""
    pages = [
        Asked(kind, f"{path}?{given.replace(' ', '+')}&sort={order}")
        for kind, path, filters, orders in (
            ("customers", "/customers", CUSTOMER_FILTERS, CUSTOMER_ORDERS),
            ("invoices", "/invoices", INVOICE_FILTERS, INVOICE_ORDERS),
        )
        for given, order in product(filters, orders)
    ]
    pages += [Asked("palette", f"/search?palette=1&q={quote_plus(wanted)}") for wanted in SEARCHES]
    pages += [Asked("search", f"/search?q={quote_plus(wanted)}") for wanted in SEARCHES]
    pages += [Asked("to fix", f"/fix?{given}", FIX_LIMIT_MS) for given in FIXES]
    return pages + [Asked("others", path) for path in OTHERS]


def measure(options: Options, report: Report) -> None:
    """Fill each database, and look at every page."""
    customers, times = (10_000, 5) if options.quick else (200_000, 20)
    with tempfile.TemporaryDirectory(prefix="mailrun-bench-") as name:
        for kind in options.databases:
            with database(kind, Path(name)) as (url, postmaster):
                if not url:
                    print(f"lists: {kind}: not measured, there is none")
                    continue
                print(
                    f"lists: {kind}: filling {customers:,} customers, {customers * 5:,} invoices", flush=True
                )
                with opened(url, Path(name) / f"{kind}-documents", postmaster=postmaster) as site:
                    fill(site, customers)
                    looked = []
                    for each in look(site, times):
                        print(f"  {each}", flush=True)
                        looked.append(each)
            notes = (
                f"{customers:,} customers, {customers * 5:,} invoices and results; {times} looks at a page."
            )
            label = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
            report.add(f"Lists on {label}", HEADER, _by_kind(looked), notes)
            report.targets += list(_judged(label, looked))


def fill(site: Site, customers: int) -> None:
    """Make the tables and all rows, and leave them as they are some minutes later."""
    migrations.upgrade(site.runtime.database)
    for part in (filling.fill, mailed.fill):
        with site.runtime.database.writing() as session:
            part(session, customers)
    settle(site.runtime.database)


HEADER = ("who", "pages", "how many", "p50", "p95, the worst", "which", "CPU, mean", "above the limit")


def _by_kind(looked: Sequence[Looked]) -> Iterator[tuple[str, ...]]:
    """A row for each viewer and kind of page; milliseconds."""
    for viewer, kind in dict.fromkeys((each.viewer, each.asked.kind) for each in looked):
        ours = [each for each in looked if (each.viewer, each.asked.kind) == (viewer, kind)]
        worst = max(ours, key=lambda each: each.p95)
        half = statistics.median(each.median for each in ours)
        cpu = statistics.mean(each.cpu for each in ours)
        above = sum(each.p95 > each.asked.limit for each in ours)
        numbers = (f"{half:.0f}", f"{worst.p95:.0f}", f"`{worst.asked.address}`", f"{cpu:.0f}", str(above))
        yield viewer, kind, str(len(ours)), *numbers


def _judged(label: str, looked: Sequence[Looked]) -> Iterator[Target]:
    for limit in (LIMIT_MS, FIX_LIMIT_MS):
        ours = [each for each in looked if each.asked.limit == limit]
        worst = max(each.p95 for each in ours)
        what = "/fix" if limit == FIX_LIMIT_MS else "every list, filter, order and search"
        held = worst <= limit
        yield Target("S11", f"{label}: {what} (p95)", f"≤ {limit:.0f} ms", f"{worst:.0f} ms at worst", held)


def look(site: Site, times: int, pages: Sequence[Asked] | None = None) -> Iterator[Looked]:
    """Look at every page, this number of times after a first one that warms up; and once on from each list
    that has a next page."""
    app = create_app(site.runtime.settings)
    for viewer, clusters in VIEWERS:
        browser = _logged_in(site, Browser(app.test_client()), clusters)
        for asked in all_pages() if pages is None else pages:
            further = yield from _look(site, browser, viewer, asked, times)
            if further and asked.address.endswith(("sort=", "sort=-amount", "cause=failed")):
                yield from _look(site, browser, viewer, Asked(asked.kind, further, asked.limit), times)


def _look(
    site: Site, browser: Browser, viewer: str, asked: Asked, times: int
) -> Generator[Looked, None, str]:
    is_piece = "palette=1" in asked.address or asked.address.endswith("/results")
    headers = {"HX-Request": "true"} if is_piece else {}
    answer = browser.client.get(asked.address, headers=headers)
    if answer.status_code != 200 and not (answer.status_code == 404 and viewer != VIEWERS[0][0]):
        raise RuntimeError(f"{viewer}: {asked.address}: {answer.status}")
    took, cpu = [], site.cpu()
    for _ in range(times):
        began = time.perf_counter()
        browser.client.get(asked.address, headers=headers)
        took.append(1000 * (time.perf_counter() - began))
    yield Looked(viewer, asked, tuple(took), 1000 * (site.cpu() - cpu) / times)
    found = NEXT.search(answer.text)
    return html.unescape(found[1]) if found else ""


def _logged_in(site: Site, browser: Browser, clusters: tuple[str, ...]) -> Browser:
    email, role = f"{secrets.token_hex(4)}@example.com", "manager" if clusters else "admin"
    with site.runtime.database.writing() as session:
        create_user(session, email, PASSWORD, role, clusters=clusters)
    if browser.log_in(email).status_code != 303:
        raise RuntimeError("cannot log in")
    return browser
