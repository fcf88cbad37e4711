"""PDFs with a password: which take one, what a reader derives from what is typed, and what a bomb costs."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pikepdf
import pytest

from tests.pdfs import bomb, encrypted, pdf, signed
from webapp.mailing import sandbox
from webapp.mailing.compose import Uncomposable
from webapp.mailing.pdf_locking import PdfLocker, begins_like_pdf, saslprep

PLAIN = pdf("INV-10042")


@pytest.fixture(scope="module")
def locker() -> Iterator[PdfLocker]:
    locker = PdfLocker()
    yield locker
    locker.close()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (signed(PLAIN), "is signed"),
        (signed(PLAIN, "flags"), "is signed"),
        (signed(PLAIN, "certified"), "is signed"),
        (encrypted(PLAIN), "is restricted"),
        (encrypted(PLAIN, "secret"), "is encrypted already"),
    ],
)
def test_a5_a_pdf_that_a_password_would_harm_is_left_alone(
    locker: PdfLocker, content: bytes, words: str
) -> None:
    with pytest.raises(Uncomposable, match=rf"{words}.* no password can be set: choose ZIP"):
        locker.lock(content, "s3cret")


def test_a5_a_form_without_a_signature_takes_a_password(locker: PdfLocker) -> None:
    whole, out = pikepdf.open(io.BytesIO(PLAIN)), io.BytesIO()
    empty = pikepdf.Dictionary(FT=pikepdf.Name.Sig, T="sign here")
    whole.Root.AcroForm = pikepdf.Dictionary(Fields=[whole.make_indirect(empty)], SigFlags=0)
    whole.save(out)
    assert locker.lock(out.getvalue(), "s3cret")


def test_a5_what_is_encrypted_no_longer_claims_to_be_pdf_a(locker: PdfLocker) -> None:
    whole, out = pikepdf.open(io.BytesIO(PLAIN)), io.BytesIO()
    with whole.open_metadata() as metadata:
        metadata["pdfaid:part"] = "3"
        metadata["pdfaid:conformance"] = "B"
        metadata["dc:title"] = "Invoice INV-10042"
    whole.save(out)
    with pikepdf.open(io.BytesIO(locker.lock(out.getvalue(), "s3cret")), password="s3cret") as locked:
        metadata = locked.open_metadata()
        assert not metadata.pdfa_status
        assert metadata["dc:title"] == "Invoice INV-10042"


@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("１２３４", "1234"),
        ("a\u00a0b", "a b"),
        (unicodedata.normalize("NFD", "Pässwört"), "Pässwört"),
    ],
)
def test_c3_a_password_is_prepared_as_readers_do(locker: PdfLocker, typed: str, prepared: str) -> None:
    """The first five are the examples of RFC 4013."""
    assert saslprep(typed) == prepared
    with pikepdf.open(io.BytesIO(locker.lock(PLAIN, saslprep(typed))), password=prepared) as opened:
        assert len(opened.pages) == 1


@pytest.mark.parametrize("typed", ["\u0007", "\u06271", "\u00ad", "a\ue000"])
def test_c3_what_readers_refuse_is_told(typed: str) -> None:
    with pytest.raises(Uncomposable, match="the password "):
        saslprep(typed)


def test_f5_a_bomb_costs_its_own_lock_only(locker: PdfLocker) -> None:
    before = _resident()
    with pytest.raises(Uncomposable, match="no password can be set"):
        locker.lock(bomb(), "s3cret")
    assert _resident() - before < 50
    assert locker.lock(PLAIN, "s3cret")


def test_f5_a_pdf_that_takes_too_long_is_given_up() -> None:
    hurried = PdfLocker(seconds=0.0001)
    with pytest.raises(Uncomposable, match=r"took more than 0\.0001 seconds, so no password can be set"):
        hurried.lock(PLAIN, "s3cret")
    hurried.close()


def test_f5_a_child_that_answers_too_much_is_ended(
    locker: PdfLocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "ANSWER_BYTES_MAX", 1_000)
    with pytest.raises(Uncomposable, match="takes more memory than a document may"):
        locker.lock(PLAIN, "s3cret")


def test_f5_several_threads_lock_at_once(locker: PdfLocker) -> None:
    with ThreadPoolExecutor(8) as pool:
        locked = list(pool.map(lambda n: locker.lock(pdf(f"INV-{n}"), f"pin{n}"), range(24)))
    for number, content in enumerate(locked):
        with pikepdf.open(io.BytesIO(content), password=f"pin{number}") as opened:
            assert len(opened.pages) == 1


@pytest.mark.parametrize(
    ("content", "is_pdf", "is_said"),
    [
        (b"%PDF-1.7", True, True),
        (b"\xef\xbb\xbf%PDF-1.7", True, True),
        (b"\r\n \n%PDF-1.7", True, True),
        (b"HTTP/1.1 200 OK\r\n\r\n%PDF-1.7", False, True),
        (b"x" * 1020 + b"%PDF-1.7", False, True),
        (b"x" * 1025 + b"%PDF-1.7", False, False),
        (b"number;minutes", False, False),
    ],
)
def test_c5_a_pdf_may_begin_with_something_else(content: bytes, is_pdf: bool, is_said: bool) -> None:
    assert begins_like_pdf(content) == is_pdf
    assert begins_like_pdf(content, is_said_to=True) == is_said


def _resident() -> int:
    """The most memory that this process has had in RAM, in megabytes."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024
