"""A run's pages at very many results, against the same at 1,000: the whole application answers a person who
is logged in."""

from __future__ import annotations

import secrets
import statistics
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy import select

from benchmarks.installation import Site
from benchmarks.spending import Spent
from tests.http_client import PASSWORD, Browser
from webapp import create_app
from webapp.selection.invoices import Selection
from webapp.store.customers import Cluster
from webapp.store.runs import Result
from webapp.users.accounts import create_user


@dataclass(frozen=True)
class Looked:
    """95 of 100 answers came within this number of milliseconds: of the large run, and of the small one.
    `cpu`: the
    median CPU milliseconds of this process for one of either. `judged`: the target speaks of this page."""

    name: str
    judged: bool
    large: float
    small: float
    cpu: tuple[float, float]

    @property
    def ratio(self) -> float:
        return self.large / self.small


POLL = "live poll"
PAGES = (
    ("run page", "/runs/{run}", True),
    ("results, first page", "/runs/{run}/results", True),
    ("results, one status", "/runs/{run}/results?status=ready", True),
    (POLL, "/runs/{run}/live?since={at}&rows={rows}", True),
    ("results, by amount", "/runs/{run}/results?sort=amount", False),
    ("results, a search", "/runs/{run}/results?q=keller", False),
)
"""A page's words, its address, and whether the target speaks of it."""


def measure(site: Site, large: int, small: int, times: int) -> list[Looked]:
    """Looks at both runs in turns, this number of times at each page (at those that are not judged, 10
    times)."""
    browser = logged_in(site)
    looked = []
    for name, address, judged in PAGES:
        spent: dict[int, list[Spent]] = {large: [], small: []}
        addresses = {run: address.format(run=run, at=time.time(), rows=_rows(site, run)) for run in spent}
        for _ in range(1 + (times if judged else min(10, times))):
            for run, found in spent.items():
                found.append(_look(browser, addresses[run], piece=name != "run page"))
        p95 = {run: 1000 * _p95(found[1:]) for run, found in spent.items()}  # the first one warms up
        cpu = tuple(1000 * statistics.median(each.cpu for each in spent[run][1:]) for run in (large, small))
        looked.append(Looked(name, judged, p95[large], p95[small], (cpu[0], cpu[1])))
    return looked


def preview_seconds(site: Site, browser: Browser, choice: Selection, times: int) -> float:
    """95 of 100 answers of the run dialog's preview came within this number of seconds."""
    with site.runtime.database.reading() as session:
        cluster = session.get_one(Cluster, choice.cluster_id).tag_name
    fields = {
        "definition": choice.definition_id,
        "cluster": cluster,
        "include_children": "y",
        "period_from": choice.period_from,
        "period_to": choice.period_to,
    }
    address = f"/runs/preview?{urlencode(fields)}"
    return _p95([_look(browser, address, piece=True) for _ in range(times + 1)][1:])


def logged_in(site: Site) -> Browser:
    """An admin's browser; the application answers in this process."""
    app = create_app(site.runtime.settings)
    email = f"{secrets.token_hex(4)}@example.com"
    with site.runtime.database.writing() as session:
        create_user(session, email, PASSWORD, "admin")
    browser = Browser(app.test_client())
    answer = browser.log_in(email)
    if answer.status_code != 303:
        raise RuntimeError(f"cannot log in: {answer.status}")
    return browser


def _look(browser: Browser, address: str, *, piece: bool) -> Spent:
    cpu, began = time.thread_time(), time.perf_counter()
    answer = browser.look(address, htmx=piece)
    spent = Spent(time.perf_counter() - began, time.thread_time() - cpu)
    if answer.status_code != 200:
        raise RuntimeError(f"{address}: {answer.status}")
    return spent


def _rows(site: Site, run: int) -> str:
    """The rows that are on the screen of a person who looks at this run."""
    with site.runtime.database.reading() as session:
        ids = session.scalars(select(Result.id).where(Result.run_id == run).order_by(Result.id).limit(50))
        return "-".join(str(id) for id in ids)


def _p95(spent: list[Spent]) -> float:
    return sorted(each.seconds for each in spent)[int(0.95 * (len(spent) - 1))]
