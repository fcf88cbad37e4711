"""The demo's invoices, set by typst no more often than the tests need."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from webapp.demo import papers
from webapp.demo.billing import Bill


@pytest.fixture(scope="session")
def set_invoices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "set-invoices"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def set_once(set_invoices: Path) -> Iterator[None]:
    """Sets each invoice once for all tests that use this. The demo has six hundred; the same invoice
    gives the same bytes (test_folder.py)."""
    invoice = papers.Press.invoice

    def first_or_again(press: papers.Press, bill: Bill) -> bytes:
        shown = f"{bill.issued} {json.dumps(papers._shown(bill))}"
        kept = set_invoices / hashlib.sha256(shown.encode()).hexdigest()
        if not kept.exists():
            aside = kept.with_suffix(f".{os.getpid()}")
            aside.write_bytes(invoice(press, bill))
            aside.replace(kept)
        return kept.read_bytes()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(papers.Press, "invoice", first_or_again)
        yield
