"""`mailrun customers`: a customer's data exported, and erased."""

from __future__ import annotations

import threading
from pathlib import Path

import click
from flask.cli import AppGroup
from sqlalchemy import select

from webapp import audit, notation
from webapp.access import OPERATOR
from webapp.console import fail, or_fail, say
from webapp.extensions import runtime
from webapp.privacy import erased_documents, erasing, reach
from webapp.privacy.exporting import customer_data
from webapp.privacy.reach import ErasureReach
from webapp.store.customers import Customer
from webapp.translation import _

customer_commands = AppGroup("customers", help="Personal data of customers: export them, erase them.")


@customer_commands.command("export")
@click.argument("code")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(code: str, file: Path) -> None:
    """Write everything about the customer CODE to a ZIP. FILE must not exist yet."""
    parts, customer = runtime(), _customer(code)
    aside = file.with_name(f".{file.name}.part")
    try:
        if file.exists():
            fail(_("%(file)s exists already.", file=file))
        with parts.database.writing() as session:
            audit.note(session, OPERATOR.name, "export customer", f"customer {customer.code}")
        with open(aside, "wb") as written:
            for piece in customer_data(parts.database, parts.documents, customer.id):
                written.write(piece)
        aside.replace(file)
    except OSError as problem:
        fail(_("%(file)s cannot be written: %(problem)s", file=file, problem=problem.strerror))
    finally:
        aside.unlink(missing_ok=True)
    say(_("%(file)s: %(number)s bytes", file=file, number=notation.number(file.stat().st_size)))


@customer_commands.command("erase")
@click.argument("code")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(code: str, yes: bool) -> None:
    """Erase the personal data of the customer CODE. Invoices stay, and the proof that mails went out."""
    parts, customer = runtime(), _customer(code)
    with parts.database.reading() as session:
        or_fail(lambda: reach.must_be_erasable(session, customer))
        there = reach.of_customer(session, customer)
    say(_words(there))
    if not yes and click.prompt(_("Type the code %(code)s to confirm.", code=code), default="") != code:
        fail(_("Nothing was erased."))

    def verb() -> None:
        with parts.database.writing() as session:
            erasing.erase(session, OPERATOR, code, code)

    or_fail(verb)
    try:
        erased_documents.delete_erased(parts.database, parts.documents, threading.Event())
    except OSError as problem:
        say(
            _(
                "The document store is away (%(why)s); a worker deletes the documents later.",
                why=problem.strerror,
            )
        )
    say(_("The personal data of %(code)s are erased.", code=code))


def _words(there: ErasureReach) -> str:
    numbers = {name: notation.number(getattr(there, name)) for name in ErasureReach.__annotations__
               if name != "outstanding"}  # fmt: skip
    return _(
        "This erases for good: addresses: %(addresses)s, fields: %(fields)s, kept mails: %(kept_mails)s, "
        "documents: %(documents)s. Invoices (%(invoices)s) with their amounts stay, and that mails went out "
        "(%(mails)s), since accounting law asks for it.",
        **numbers,
    )


def _customer(code: str) -> Customer:
    with runtime().database.reading() as session:
        found = session.scalar(select(Customer).where(Customer.code == code))
    return found or fail(_("There is no customer %(code)s.", code=code))
