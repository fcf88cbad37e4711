"""The demo's invoices, set by typst no more often than the tests need."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from webapp.demo import papers
from webapp.demo.billing import Bill

_set: dict[str, bytes] = {}


@pytest.fixture(scope="module")
def set_once() -> Iterator[None]:
    """Sets each invoice once for all tests that use this. The demo has six hundred; the same invoice
    gives the same bytes (test_folder.py)."""
    invoice = papers.Press.invoice

    def first_or_again(press: papers.Press, bill: Bill) -> bytes:
        shown = f"{bill.issued} {json.dumps(papers._shown(bill))}"
        if shown not in _set:
            _set[shown] = invoice(press, bill)
        return _set[shown]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(papers.Press, "invoice", first_or_again)
        yield
