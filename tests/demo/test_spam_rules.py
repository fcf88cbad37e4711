"""SpamAssassin (Debian's package, its local rules alone) finds nothing wrong with the form of the demo's
mails."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select

from webapp.definitions.versions import content_of
from webapp.demo import loading
from webapp.extensions import Runtime
from webapp.messages.building import Message, render_and_build
from webapp.messages.inputs import preview_input
from webapp.store.customers import Customer
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice

OF_THE_SETTING = {"NO_RECEIVED", "NO_RELAYS", "ALL_TRUSTED", "NO_HEADERS_MESSAGE"}
"""Marks that say where a mail comes from, not how it is made: ours have not been sent yet."""

pytestmark = pytest.mark.usefixtures("set_once")


@pytest.fixture
def spamassassin() -> str:
    found = shutil.which("spamassassin")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("spamassassin is missing: apt-get install spamassassin")
        pytest.skip("spamassassin is not installed")
    return found


def demo_mails(runtime: Runtime) -> list[bytes]:
    """One mail of each of the demo's definitions, and of the first in each of its customers' languages."""
    loading.load(runtime, date(2026, 11, 23), lambda _: None)
    made: list[bytes] = []
    with runtime.database.reading() as session:
        for definition in session.scalars(select(MessageDefinition).order_by(MessageDefinition.id)):
            content = content_of(session, definition)
            first = (
                select(func.min(Invoice.id))
                .join(Customer, Customer.id == Invoice.customer_id)
                .group_by(Customer.language)
            )
            for invoice_id in session.scalars(first).all()[: 1 if made else None]:
                work = preview_input(session, content, "October", definition.bcc, [invoice_id])
                message = render_and_build(work, runtime.renderer, runtime.documents, "")
                made += [message.mail.data] if isinstance(message, Message) else []
    return made


def marks(spamassassin: str, folder: Path, *mails: bytes) -> dict[str, float]:
    """Rule → points, of the rules that speak against any of these mails."""
    paths = [folder / f"{number}.eml" for number in range(len(mails))]
    for path, mail in zip(paths, mails, strict=True):
        path.write_bytes(mail)
    report = subprocess.run(
        [spamassassin, "--local", "--test-mode", *paths], capture_output=True, timeout=120, check=False
    ).stdout.decode("utf-8", "replace")
    _, *tables = report.split("Content analysis details:")
    assert len(tables) >= len(mails), report[-500:]
    found = re.findall(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)", "\n".join(tables), re.M)
    return {rule: float(points) for points, rule in found if float(points) > 0}


def test_nothing_speaks_against_the_form_of_the_demos_mails(
    runtime: Runtime, spamassassin: str, tmp_path: Path
) -> None:
    if not runtime.database.is_sqlite:
        return  # the mails are the same
    mails = demo_mails(runtime)
    assert len(mails) >= 4
    assert set(marks(spamassassin, tmp_path, *mails)) <= OF_THE_SETTING


def test_it_would_tell(spamassassin: str, tmp_path: Path) -> None:
    bad = b"From: x\r\nSubject: FREE MONEY\r\nDate: yesterday\r\nMIME-Version: 1.0\r\n\r\nviagra\r\n"
    assert len(marks(spamassassin, tmp_path, bad)) >= 2
