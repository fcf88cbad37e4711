"""Documents packed: they open with their password and not without, keep their bytes, and have names."""

from __future__ import annotations

import hashlib
import io
import zipfile

import pikepdf
import pytest
import pyzipper

from webapp.mailing.attach import LONGEST_NAME, PDF, Packing, pack, safe_file_name, told_apart
from webapp.mailing.compose import Document, Uncomposable

PASSWORD = "Grüße 7!"
CSV = b"number;minutes\nINV-1;12\n"


def pdf(pages: int = 1) -> bytes:
    made = io.BytesIO()
    with pikepdf.new() as document:
        for _ in range(pages):
            document.add_blank_page()
        document.save(made)
    return made.getvalue()


def document(name: str = "Größe 1.pdf", content: bytes = b"", media_type: str = PDF) -> Document:
    content = content or pdf()
    return Document(1, name, media_type, hashlib.sha256(content).hexdigest(), content)


CALLS = document("calls.csv", CSV, "text/csv")


def test_without_anything_they_stay_as_they_are() -> None:
    one = document()
    assert pack([one, CALLS], Packing()) == [one, CALLS]
    assert pack([], Packing(zip=True, password=PASSWORD)) == []


def test_a_zip_has_all_of_them_under_their_names() -> None:
    one = document()
    [packed] = pack([one, CALLS], Packing(zip=True, archive="INV-1"))
    assert (packed.file_name, packed.media_type) == ("INV-1.zip", "application/zip")
    assert packed.sha256 == hashlib.sha256(packed.content).hexdigest()
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            "Größe 1.pdf": one.content,
            "calls.csv": CSV,
        }
        assert archive.infolist()[0].flag_bits & 0x800  # the name is UTF-8, and says so


def test_a_zip_with_a_password_opens_with_it_alone() -> None:
    one = document()
    [packed] = pack([one, CALLS], Packing(zip=True, password=PASSWORD))
    with pyzipper.AESZipFile(io.BytesIO(packed.content)) as archive:
        assert [info.wz_aes_strength for info in archive.infolist()] == [3, 3]  # AES-256
        with pytest.raises(RuntimeError):
            archive.read("calls.csv")
        with pytest.raises(RuntimeError):
            archive.read("calls.csv", pwd=b"another")
        assert archive.read("Größe 1.pdf", pwd=PASSWORD.encode()) == one.content
        assert archive.read("calls.csv", pwd=PASSWORD.encode()) == CSV
    assert CSV not in packed.content


def test_a_password_alone_locks_every_document_by_itself() -> None:
    locked, calls = pack([document(content=pdf(3)), CALLS], Packing(password=PASSWORD))
    assert (locked.file_name, calls.file_name) == ("Größe 1.pdf", "calls.csv.zip")
    for wrong in ("", "another"):
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(io.BytesIO(locked.content), password=wrong)
    with pikepdf.open(io.BytesIO(locked.content), password=PASSWORD) as opened:
        assert len(opened.pages) == 3
        assert (opened.encryption.R, opened.encryption.bits) == (6, 256)
        assert not opened.owner_password_matched
    with pyzipper.AESZipFile(io.BytesIO(calls.content)) as archive:
        assert archive.read("calls.csv", pwd=PASSWORD.encode()) == CSV


def test_a_pdf_by_another_media_type_is_locked_too() -> None:
    [locked] = pack([document("a.bin", media_type="application/octet-stream")], Packing(password=PASSWORD))
    with pytest.raises(pikepdf.PasswordError):
        pikepdf.open(io.BytesIO(locked.content))


def locked_already() -> bytes:
    made = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf())) as document:
        document.save(made, encryption=pikepdf.Encryption(user="", owner="x"))
    return made.getvalue()


@pytest.mark.parametrize("content", [b"%PDF-1.4 not one", locked_already()])
def test_what_cannot_be_locked_never_goes_out_open(content: bytes) -> None:
    with pytest.raises(Uncomposable, match="no password can be set"):
        pack([document(content=content)], Packing(password=PASSWORD))


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n  "])
def test_c5_a_pdf_with_something_before_its_header_is_locked_as_one(before: bytes) -> None:
    one = document("a.bin", before + pdf(), "application/octet-stream")
    [locked] = pack([one], Packing(password=PASSWORD))
    with pikepdf.open(io.BytesIO(locked.content), password=PASSWORD) as opened:
        assert len(opened.pages) == 1


def test_c3_a_zip_takes_the_password_composed_and_a_pdf_as_readers_derive_it() -> None:
    typed = "Gru\u0308\u00dfe \uff17"
    locked, calls = pack([document(), CALLS], Packing(password=typed))
    with pyzipper.AESZipFile(io.BytesIO(calls.content)) as archive:
        assert archive.read("calls.csv", pwd="Gr\u00fc\u00dfe \uff17".encode()) == CSV
    with pikepdf.open(io.BytesIO(locked.content), password="Gr\u00fc\u00dfe 7") as opened:
        assert len(opened.pages) == 1


@pytest.mark.parametrize("password", ["x" * 128, "a\x00b", "a\nb"])
def test_what_cannot_be_a_password_is_told(password: str) -> None:
    with pytest.raises(Uncomposable, match="the password has"):
        pack([document()], Packing(password=password))


def test_equal_names_are_told_apart() -> None:
    names = [each.file_name for each in told_apart([document(name) for name in ("a.pdf", "A.pdf", "a.pdf")])]
    assert names == ["a.pdf", "A (2).pdf", "a (3).pdf"]
    [packed] = pack([document("a.pdf"), document("a.pdf", pdf(2))], Packing(zip=True))
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        assert archive.namelist() == ["a.pdf", "a (2).pdf"]


@pytest.mark.security("C20", "C21")
@pytest.mark.parametrize("name", ["../../.bashrc", "..\\..\\x.pdf", "/etc/x.pdf", "C:\\x.pdf", ".."])
def test_no_name_in_an_archive_leads_out_of_its_folder(name: str) -> None:
    [packed] = pack([document(name)], Packing(zip=True))
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        [inside] = archive.namelist()
    assert not any(character in inside for character in "/\\:")
    assert inside.strip(".")


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ("INV-1", "INV-1.pdf"),
        ("INV-1.PDF", "INV-1.pdf"),
        ("../../etc/passwd", "_.._etc_passwd.pdf"),
        ("a\r\nBcc: x", "a__Bcc_ x.pdf"),
        ("fdp\u202egnp", "fdp_gnp.pdf"),
        ("con", "_con.pdf"),
        ("Rechnung Größe 東京", "Rechnung Größe 東京.pdf"),
        (" . ", ""),
        ("x" * 300, "x" * (LONGEST_NAME - 4) + ".pdf"),
    ],
)
def test_a_name_is_one_that_every_file_system_takes(wanted: str, name: str) -> None:
    assert safe_file_name(wanted, ".pdf") == name
