"""People change data while imports run: what a person changed is not lost, no one waits for ever, and no
import overwrites what it did not look at."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.imports import folders
from tests.imports.test_folder import load
from tests.imports.test_kept import CUSTOMERS, add_address, change_address, change_customer
from tests.imports.test_sources import EMAILS, addresses
from webapp import found_by
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.imports.problems import ImportRefused
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice
from webapp.store.text_search import CUSTOMER_SEARCH, found_in

PEOPLE = 50


def import_meanwhile(runtime: Runtime, folder: Path, edit: Callable[[], object]) -> None:
    """Import the folder; make the edit when everything has been compared, before anything is stored."""
    done: list[str] = []

    def report(step: str, share: float) -> None:
        if step == "Documents" and not done:
            done.append(step)
            edit()

    import_folder(runtime.database, runtime.documents, folder, report=report)
    assert done


def test_what_is_changed_between_comparing_and_storing_stays(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    changed = CUSTOMERS + "C1,Müller & Söhne,North,fr,1234\nC2,Smith,Both,en,\n"
    folders.write(
        folder, {}, customers_csv=changed, emails_csv=EMAILS + "C2,billing,bills@customers.test,Bills\n"
    )

    def edit() -> None:
        change_customer(runtime, "C1", name="By hand")
        change_address(runtime, "C2", "bills@customers.test", "mine@customers.test")
        add_address(runtime, "C2", "more@customers.test")

    import_meanwhile(runtime, folder, edit)
    with runtime.database.reading() as session:
        one, two = session.scalars(select(Customer).order_by(Customer.code))
        assert (one.name, one.language, two.name) == ("By hand", "fr", "Smith")
    assert addresses(runtime)["C2", "billing"] == {"bills@customers.test", "more@customers.test"}


def test_what_may_be_removed_is_counted_again(runtime: Runtime, tmp_path: Path) -> None:
    """Another import brings addresses that this one would take away: too many by now."""
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    many = EMAILS + "".join(f"C1,billing,a{n}@customers.test,\n" for n in range(60))
    other = folders.write(tmp_path / "other", {}, emails_csv=many)
    folders.write(folder, {}, emails_csv=EMAILS + "C1,billing,a1@customers.test,\n")

    with pytest.raises(ImportRefused, match="would take away 59 customer emails"):
        import_meanwhile(runtime, folder, lambda: load(runtime, other))
    assert len(addresses(runtime)["C1", "billing"]) == 60


def test_the_import_that_stores_last_speaks_last(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    other = folders.write(tmp_path / "other", {}, emails_csv=EMAILS + "C1,billing,other@customers.test,\n")
    folders.write(folder, {}, emails_csv=EMAILS + "C1,billing,this@customers.test,\n")
    import_meanwhile(runtime, folder, lambda: load(runtime, other))
    assert addresses(runtime)["C1", "billing"] == {"this@customers.test"}


def test_what_lists_find_follows_each_import(runtime: Runtime, tmp_path: Path) -> None:
    def found(words: str) -> tuple[int, int]:
        with runtime.database.reading() as session:
            customers = session.scalars(found_in(session, CUSTOMER_SEARCH, words)).all()
            return len(customers), len(found_by.invoices_found(session, words, 10))

    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    assert [found(words) for words in ("muller", "copy@cust", "i1 c1", "smith")] == [
        (1, 1), (1, 0), (0, 1), (1, 1),
    ]  # fmt: skip
    renamed = CUSTOMERS + "C2,Jansen,Both,en,\n"
    mails = EMAILS + "C2,billing,bills@customers.test,\n"
    load(runtime, folders.write(tmp_path / "alone", {}, customers_csv=renamed, emails_csv=mails))
    assert [found(words) for words in ("muller", "copy@cust", "bills@cust", "smith", "jansen")] == [
        (1, 1), (0, 0), (1, 0), (0, 0), (1, 1),
    ]  # fmt: skip
    with runtime.database.reading() as session:
        names = session.execute(select(Customer.code, Customer.sort_name).order_by(Customer.sort_name)).all()
    assert [tuple(row) for row in names] == [("C2", "jansen"), ("C1", "muller & sohne")]


def test_fifty_people_and_imports_at_once_lose_nothing(runtime: Runtime, tmp_path: Path) -> None:
    rows = [f"P{n},Person {n},North,en,{n}" for n in range(PEOPLE)]
    mails = [f"P{n},billing,p{n}@customers.test," for n in range(PEOPLE)]
    first = folders.write(
        tmp_path / "first",
        customers_csv=folders.GOOD["customers.csv"] + "\n".join(rows) + "\n",
        emails_csv=folders.GOOD["emails.csv"] + "\n".join(mails) + "\n",
    )
    load(runtime, first)
    ended = threading.Event()

    def edit(n: int) -> None:
        change_customer(runtime, f"P{n}", name=f"By hand {n}")
        add_address(runtime, f"P{n}", f"more{n}@customers.test")
        with runtime.database.writing() as session:
            found_by.index_customers(session, select(Customer.id).where(Customer.code == f"P{n}"))

    def import_again(number: int) -> int:
        """Import until the people are done; each time everyone gets another language, in another order."""
        imported = 0
        while not ended.is_set() or not imported:
            order = range(PEOPLE)[:: 1 - 2 * number]
            text = "".join(f"P{n},Person {n},North,x{number}-{imported},{n}\n" for n in order)
            folder = folders.write(
                tmp_path / f"more{number}", {}, customers_csv=CUSTOMERS + text,
                emails_csv=EMAILS + "\n".join(mails) + "\n",
            )  # fmt: skip
            with suppress(ImportRefused):  # another import changed the same rows meanwhile
                import_folder(runtime.database, runtime.documents, folder)
                imported += 1
        return imported

    with ThreadPoolExecutor(PEOPLE + 2) as pool:
        imports = [pool.submit(import_again, number) for number in range(2)]
        edits = [pool.submit(edit, n) for n in range(PEOPLE)]
        for each in edits:
            each.result(120)
        ended.set()
        assert all(each.result(120) for each in imports)
    load(runtime, first)  # says again what the source said at first: of the names, and of the addresses
    with runtime.database.reading() as session:
        names = set(session.scalars(select(Customer.name).where(Customer.code.startswith("P"))))
        languages = set(session.scalars(select(Customer.language).where(Customer.code.startswith("P"))))
        assert session.scalar(select(func.count()).select_from(Invoice)) == 2
    assert names == {f"By hand {n}" for n in range(PEOPLE)}
    assert languages == {"en"}
    for n in range(PEOPLE):
        assert addresses(runtime)[f"P{n}", "billing"] == {f"p{n}@customers.test", f"more{n}@customers.test"}
