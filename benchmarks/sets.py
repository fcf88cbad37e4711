"""What takes whole sets of rows: import, preview, creating a run, its pages, actions on 100,000 results."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks import bulk, company, creating, importing, pages, pipeline, postgres
from benchmarks.base import settle
from benchmarks.company import Company, month
from benchmarks.creating import Created
from benchmarks.installation import Site, opened
from benchmarks.options import Options
from benchmarks.pages import Looked
from benchmarks.sink import sink
from benchmarks.spending import Spent
from benchmarks.table import Report, Target
from webapp import migrations

GOES_ON = 0.3
"""At this share of its pace a run that is sent counts as going on, while another is made beside it."""
HEADER = ("", "what", "target", "measured", "")


def measure(options: Options, report: Report) -> None:
    """Imports a large company into each database, and measures everything about it."""
    whole = Company(50 if options.quick else 1_000)
    with tempfile.TemporaryDirectory(prefix="mailrun-bench-") as name:
        folder = Path(name)
        print(f"sets: preparing {whole.customers:,} customers and {whole.invoices:,} invoices", flush=True)
        company.write(whole, folder / "company")
        for kind in options.databases:
            with database(kind, folder) as (url, postmaster):
                if not url:
                    print(f"  {kind}: not measured, there is none")
                    continue
                with opened(url, folder / f"{kind}-documents", postmaster=postmaster) as site:
                    targets = list(_all(site, whole, folder / "company", quick=options.quick))
            label = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind]
            notes = (
                f"{whole.clusters:,} clusters, {whole.customers:,} customers, {whole.invoices:,} invoices."
            )
            report.add(f"Sets on {label}", HEADER, [each.cells() for each in targets], notes)
            judged = [each for each in targets if each.held is not None]
            report.targets += [replace(each, what=f"{label}: {each.what}") for each in judged]


@contextmanager
def database(kind: str, folder: Path) -> Iterator[tuple[str, int]]:
    """The address of an empty database, empty if there is none of this kind; and its server's process."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/mailrun.sqlite3", 0
        return
    with postgres.running() as own:
        if own is None:
            yield "", 0
            return
        with own.server.fresh_database() as url:
            yield url, own.postmaster


def _all(site: Site, whole: Company, folder: Path, *, quick: bool) -> Iterator[Target]:
    """Every measurement in its order, told as it is made."""
    migrations.upgrade(site.runtime.database)
    for target in _steps(site, whole, folder, 20 if quick else 200):
        print(f"  {target.name:3} {target.what:62} {target.measured}", flush=True)
        yield target


def _steps(site: Site, whole: Company, folder: Path, times: int) -> Iterator[Target]:
    yield from _imports(site, whole, folder)
    yield from _previews(site, whole, times // 10)
    small = site.make_run(site.choice(whole.leaf, *month(1, 12)))
    one_month = creating.measure(site, site.choice(whole.root, *month(3)))
    large = creating.measure(site, site.choice(whole.root, *month(1, 12)))
    yield from _creation(one_month, 3.0)
    yield from _creation(large, 4.5)
    yield from _changes(
        site, large.run_id, whole.invoices // 10
    )  # before anything is sent, which could not be sent again
    with sink() as taker:
        site.send_to(taker.port, 4)
        yield _sending_meanwhile(site, whole, one_month.run_id)
        yield _memory(site, large)
    site.start(small)
    site.start(large.run_id)  # no worker sends them, but their pages are live
    settle(site.runtime.database)  # else PostgreSQL's own cleaning up after all this is measured beside them
    yield from _looks(site, large.run_id, small, times)


def _imports(site: Site, whole: Company, folder: Path) -> Iterator[Target]:
    done = importing.measure(site, folder / "data")
    size = f"{whole.customers:,} customers, {whole.invoices:,} invoices"
    yield Target("S10", f"import of {size}", "≤ 60 s", f"{done.seconds:.1f} s", done.seconds <= 60)
    yield Target("S10", "its memory", "≤ 300 MB", f"{done.megabytes:.0f} MB", done.megabytes <= 300)
    wait = f"{done.longest_wait:.1f} s"
    yield Target("S10", "how long another writer waits meanwhile", "≤ 20 s", wait, done.longest_wait <= 20)
    done = importing.measure(site, folder / "documents")
    words = f"{done.seconds:.1f} s, {done.megabytes:.0f} MB, another writer waits {done.longest_wait:.1f} s"
    yield Target("", "import of a document for each invoice", "", words, None)
    settle(site.runtime.database)


def _previews(site: Site, whole: Company, times: int) -> Iterator[Target]:
    browser = pages.logged_in(site)
    for words, cluster, most in (("everybody", whole.root, 1.0), ("one cluster", whole.leaf, 0.1)):
        seconds = pages.preview_seconds(site, browser, site.choice(cluster, *month(10)), times)
        what, target = f"preview in the dialog, one month, {words} (p95)", f"≤ {most * 1000:,.0f} ms"
        yield Target("S7", what, target, f"{seconds * 1000:,.0f} ms", seconds <= most)


def _creation(created: Created, most: float) -> Iterator[Target]:
    """Judged by CPU time: on a machine with other work the clock says more about that."""
    what = f"create a run of {created.results:,}, against CREATE TABLE AS"
    ratio, words = _against(created.spent, created.bare)
    yield Target("S6", what, f"≤ {most:g} ×", words, ratio <= most)
    yield Target(
        "",
        "against one of invoice, customer and reason alone",
        "",
        _against(created.spent, created.thin)[1],
        None,
    )


def _against(spent: Spent, bare: Spent) -> tuple[float, str]:
    ratio, clock = spent.cpu / bare.cpu, spent.seconds / bare.seconds
    return ratio, f"{ratio:.2f} ×: {spent} against {bare}; {clock:.2f} × by the clock"


def _sending_meanwhile(site: Site, whole: Company, sending: int) -> Target:
    other = creating.while_sending(site, sending, site.choice(whole.root, *month(7, 12)))
    words = (
        f"{other.rate:,.0f}/s against {other.rate_before:,.0f}/s, longest pause {other.longest_pause:.1f} s"
    )
    share = other.rate / other.rate_before
    what, target = "sending while a run of half a year is made", f"≥ {GOES_ON:g} × as fast"
    return Target("S6", what, target, f"{share:.2f} ×: {words}", share >= GOES_ON)


def _memory(site: Site, large: Created) -> Target:
    used = pipeline.memory_at_work(site, large.run_id)
    what = f"memory of a worker, {large.results:,} results"
    return Target("S4", what, "≤ 100 MB", f"{used:.0f} MB", used <= 100)


def _looks(site: Site, large: int, small: int, times: int) -> Iterator[Target]:
    for looked in pages.measure(site, large, small, times):
        words = f"{looked.ratio:.2f} ×: {looked.large:.1f} against {looked.small:.1f} ms, {_cpu(looked)}"
        what = f"{looked.name}, very many results against 1,000 (p95)"
        held = looked.ratio <= 1.2 if looked.judged else None
        yield Target("S8" if looked.judged else "", what, "≤ 1.2 ×" if looked.judged else "", words, held)
        if looked.name == pages.POLL:
            yield Target(
                "S8",
                "the same",
                "≤ 10 ms",
                f"{looked.large:.1f} ms, {_cpu(looked)}",
                looked.large <= 10,
            )


def _cpu(looked: Looked) -> str:
    return "CPU {:.1f} and {:.1f} ms".format(*looked.cpu)


def _changes(site: Site, large: int, most: int) -> Iterator[Target]:
    changed, judged = bulk.measure(site, large, most), site.runtime.database.is_sqlite
    for name, spent in (("Send again", changed.send_again), ("Remove", changed.remove)):
        held = spent.seconds <= 2 if judged else None
        what, target = f"{name} on {changed.results:,} matching", "≤ 2 s" if judged else ""
        yield Target("S9" if judged else "", what, target, str(spent), held)
