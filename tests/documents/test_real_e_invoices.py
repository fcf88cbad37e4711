"""The document check on real e-invoices: a folder of public ones, named by MAILRUN_TEST_EINVOICES (such as
the files of ZUGFeRD/corpus, itplr-kosit/xrechnung-testsuite and OpenPEPPOL/peppol-bis-invoice-3)."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.documents import real_e_invoices
from tests.documents.real_e_invoices import RealInvoice
from webapp.documents.document_reader import DocumentFinding, Names, Reader, ToRead
from webapp.store.statuses import Finding

FOLDER = os.environ.get("MAILRUN_TEST_EINVOICES", "")
SHUFFLES = 5
PASSING_MAX = 0.005

pytestmark = pytest.mark.skipif(
    not FOLDER, reason="MAILRUN_TEST_EINVOICES names no folder of real e-invoices"
)


@pytest.fixture(scope="module")
def real() -> list[RealInvoice]:
    found = list(real_e_invoices.load(Path(FOLDER)))
    assert len(found) >= 300, f"{FOLDER} has only {len(found)} e-invoices"
    return found


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader()
    yield reader
    reader.close()


def found(reader: Reader, filed: Sequence[tuple[RealInvoice, Names]]) -> list[DocumentFinding]:
    questions = [ToRead(each.media_type, each.content, (names,)) for each, names in filed]
    return [finding for [finding] in reader.read_all(questions)]


def test_a4_no_right_e_invoice_is_held(reader: Reader, real: list[RealInvoice]) -> None:
    findings = found(reader, [(each, each.names) for each in real])
    held = [
        f"{each.path.name}: {finding.finding} {finding.words}"
        for each, finding in zip(real, findings, strict=True)
        if finding.finding != Finding.FINE
    ]
    print(f"{len(real)} right e-invoices, {len(held)} held", *held, sep="\n  ")
    assert [each for each in held if "in its text, but its embedded XML is" not in each] == []


@pytest.mark.parametrize("media_type", ["application/pdf", "application/xml"])
def test_a4_swapped_e_invoices_are_held(reader: Reader, real: list[RealInvoice], media_type: str) -> None:
    ours = [each for each in real if each.media_type == media_type]
    swapped = [pair for seed in range(SHUFFLES) for pair in _pairs(ours, seed)]
    findings = found(reader, [(each, other.names) for each, other in swapped])
    passed = [
        (each, other)
        for (each, other), finding in zip(swapped, findings, strict=True)
        if finding.finding == Finding.FINE
    ]
    print(f"{media_type}: {len(swapped)} swapped, {len(passed)} passed")
    for each, other in passed:
        print(" ", each.path.name, each.names, other.path.name, other.names)
    assert len(passed) <= PASSING_MAX * len(swapped)
    strangers = [
        (each.path.name, other.path.name)
        for each, other in passed
        if each.names.number != other.names.number and each.names.customer != other.names.customer
    ]
    assert strangers == []


def _pairs(invoices: list[RealInvoice], seed: int) -> Iterator[tuple[RealInvoice, RealInvoice]]:
    """Each with another's place, except where both are of the same invoice."""
    shuffled = random.Random(seed).sample(invoices, len(invoices))
    for one, other in zip(shuffled, [*shuffled[1:], shuffled[0]], strict=True):
        if one.names != other.names:
            yield one, other
