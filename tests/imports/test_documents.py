"""Documents: only from within the folder, only what they say they are, stored when all is right."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from tests.imports import folders
from webapp.documents import findings
from webapp.extensions import Runtime
from webapp.imports import staging
from webapp.imports.documents import LARGEST, SMALL
from webapp.imports.folder import import_folder
from webapp.imports.problems import ImportRefused
from webapp.store.invoices import TransformationResult

ONLY_SQLITE = pytest.mark.parametrize("engine", ["sqlite"])
HEADER = "invoice_number,transformation,file,media_type\n"
MORE_TYPES = "".join(
    f'[[transformation]]\nname = "{kind}"\noutput_type = "{kind}"\n'
    for kind in ("text", "csv", "html", "xml")
)


def folder_with(tmp_path: Path, rows: str) -> Path:
    return folders.write(
        tmp_path / "in",
        messaging_toml=folders.MESSAGING + MORE_TYPES,
        transformation_results_csv=HEADER + rows,
    )


def refused(runtime: Runtime, folder: Path) -> str:
    with pytest.raises(ImportRefused) as refusal:
        import_folder(runtime.database, runtime.documents, folder)
    [error] = refusal.value.errors
    return error


def test_an_import_may_take_its_time_where_it_locks_nothing(runtime: Runtime) -> None:
    if runtime.database.is_sqlite:
        pytest.skip("SQLite ends no transaction")
    limit = text("SHOW idle_in_transaction_session_timeout")
    with staging.opened(runtime.database) as stage:
        with stage.working() as session:
            assert session.scalar(limit) == "0"
        with stage.merging() as session:
            assert session.scalar(limit) == "15s"
        with stage.working() as session:
            assert session.scalar(limit) == "0"


@ONLY_SQLITE
def test_links_within_the_folder_are_followed_and_paths_may_turn(runtime: Runtime, tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        "I1,Invoice PDF,results/link.pdf,\n"
        "I1,Invoice PDF,results/../other/I1.pdf,\n"
        "I2,Invoice PDF,linked/I2.pdf,\n",
    )
    os.symlink("I1.pdf", folder / "results/link.pdf")
    os.symlink("results", folder / "linked")
    os.symlink("results", folder / "other")
    os.symlink(folder, tmp_path / "shortcut")
    import_folder(runtime.database, runtime.documents, tmp_path / "shortcut")
    with runtime.database.reading() as session:
        kept = session.execute(
            select(TransformationResult.file_name, TransformationResult.sha256).order_by(
                TransformationResult.id
            )
        )
        contents = [(name, runtime.documents.get(digest)) for name, digest in kept]
    assert contents == [
        ("link.pdf", b"%PDF-1.4 one"), ("I1.pdf", b"%PDF-1.4 one"), ("I2.pdf", b"%PDF-1.4 two"),
    ]  # fmt: skip


@pytest.mark.security("C20")
@ONLY_SQLITE
@pytest.mark.parametrize(
    "path", ["../secret.pdf", "results/../../secret.pdf", "link.pdf", "linked/secret.pdf"]
)
def test_no_path_leads_out_of_the_folder(runtime: Runtime, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-1.4 secret")
    folder = folder_with(tmp_path, f"I1,Invoice PDF,{path},\n")
    os.symlink("../secret.pdf", folder / "link.pdf")
    os.symlink("..", folder / "linked")
    assert refused(runtime, folder).endswith(f"2: file: {path!r} leads out of the folder")


@pytest.mark.security("C20")
@ONLY_SQLITE
def test_a_pipe_a_loop_and_an_unbearably_large_file_are_refused(runtime: Runtime, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "I1,Invoice PDF,pipe.pdf,\n")
    os.mkfifo(folder / "pipe.pdf")
    assert refused(runtime, folder).endswith("'pipe.pdf' is not a file")
    folder = folder_with(tmp_path, "I1,Invoice PDF,loop.pdf,\n")
    os.symlink("loop.pdf", folder / "loop.pdf")
    assert refused(runtime, folder).endswith("'loop.pdf' cannot be followed to a file")
    folder = folder_with(tmp_path, "I1,Invoice PDF,large.pdf,\n")
    with open(folder / "large.pdf", "wb") as file:
        file.truncate(LARGEST + 1)
    assert refused(runtime, folder).endswith("has 52,428,801 bytes; at most 52,428,800 can be mailed")


@ONLY_SQLITE
def test_one_name_from_two_places_is_one_document_too_many(runtime: Runtime, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "I1,Invoice PDF,results/I1.pdf,\nI1,Invoice PDF,copy/I1.pdf,\n")
    folders.write(folder, {"copy/I1.pdf": "%PDF-1.4 another"})
    assert "3: file: 'I1', 'Invoice PDF', 'I1.pdf' stands in line 2 already" in refused(runtime, folder)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("row", "content", "media_type"),
    [
        ("Invoice PDF,a.pdf,", "%PDF-1.7", "application/pdf"),
        ("Invoice PDF,a,", "%PDF-1.7", "application/pdf"),
        ("Invoice PDF,c5.pdf,", "\ufeff%PDF-1.7", "application/pdf"),
        ("Invoice PDF,c5.pdf,", "\r\n\n%PDF-1.7", "application/pdf"),
        ("Invoice PDF,c5.pdf,", "Content-Type: application/pdf\r\n\r\n%PDF-1.7", "application/pdf"),
        ("text,usage.csv,", "a;b", "text/csv"),
        ("text,usage,", "a;b", "text/plain"),
        ("csv,usage.csv,Text/Plain", "a;b", "text/plain"),
        ("html,a.htm,", "<p>", "text/html"),
        ("xml,a.xml,", "\ufeff <Invoice/>", "application/xml"),
        ("xml,a.bin,application/vnd.etsi.asic-e+zip", "PK", "application/vnd.etsi.asic-e+zip"),
    ],
)
def test_the_media_type_is_given_or_guessed(
    runtime: Runtime, tmp_path: Path, row: str, content: str, media_type: str
) -> None:
    folder = folder_with(tmp_path, f"I1,{row}\n")
    folders.write(folder, {row.split(",")[1]: content})
    import_folder(runtime.database, runtime.documents, folder)
    with runtime.database.reading() as session:
        assert session.scalars(select(TransformationResult.media_type)).one() == media_type


def test_a_document_of_another_type_is_checked_again(runtime: Runtime, tmp_path: Path) -> None:
    """By its type the guard knows whether to read it."""
    for media_type, is_unchecked in (("application/octet-stream", True), ("text/xml", True)):
        folder = folder_with(tmp_path, f"I1,xml,a.bin,{media_type}\n")
        folders.write(folder, {"a.bin": "<Invoice/>"})
        import_folder(runtime.database, runtime.documents, folder)
        with runtime.database.writing() as session:
            assert (findings.count_unchecked(session) == 1) == is_unchecked
            session.execute(update(TransformationResult).values(found_in=TransformationResult.sha256))
    import_folder(runtime.database, runtime.documents, folder)
    with runtime.database.reading() as session:
        assert findings.count_unchecked(session) == 0


@pytest.mark.security("C20")
@ONLY_SQLITE
@pytest.mark.parametrize(
    ("row", "content", "words"),
    [
        ("Invoice PDF,a.pdf,", "Dear customer", "file: 'a.pdf' is no PDF"),
        ("Invoice PDF,a.txt,", "Dear customer", "is text/plain, but the transformation makes PDF"),
        ("Invoice PDF,a.pdf,text/plain", "%PDF-1.7", "media_type: 'a.pdf' is text/plain, but"),
        ("text,a.pdf,", "Dear customer", "is no PDF"),
        ("text,a.txt,", "%PDF-1.7", "is a PDF by its content, not text/plain"),
        ("csv,a.csv,", "a\0b", "has NUL bytes"),
        ("xml,a.xml,", "{}", "is no XML"),
        ("xml,a.xml.p7m,", "MIIFBAYJKoZIhvcNAQcCoIIE9TCC", "is a signed envelope (.p7m): import the XML"),
        ("Invoice PDF,a.pdf,", "x" * 1024 + "%PDF-1.7", "is no PDF: its first 1,024 bytes have no %PDF"),
        ("csv,a.csv,", "\ufeff\n%PDF-1.7", "is a PDF by its content, not text/csv"),
    ],
)
def test_the_content_must_not_contradict_the_type(
    runtime: Runtime, tmp_path: Path, row: str, content: str, words: str
) -> None:
    folder = folder_with(tmp_path, f"I1,{row}\n")
    folders.write(folder, {row.split(",")[1]: content})
    assert words in refused(runtime, folder)


@ONLY_SQLITE
def test_many_documents_small_and_large_are_kept_each_once(runtime: Runtime, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {f"d/{n}.pdf": f"%PDF-1.4 document {n % 500}" for n in range(600)}
    files["d/large.pdf"] = b"%PDF-1.4" + bytes(SMALL)
    folder = folder_with(tmp_path, "".join(f"I1,Invoice PDF,{path},\n" for path in files))
    folders.write(folder, files)
    done = import_folder(runtime.database, runtime.documents, folder)
    assert done.counts["transformation results"].new == 601
    assert sum(path.is_file() for path in Path(runtime.settings.store_url).rglob("*")) == 501
    with runtime.database.reading() as session:
        for digest in session.scalars(select(TransformationResult.sha256)):
            assert runtime.documents.get(digest).startswith(b"%PDF")


@ONLY_SQLITE
def test_a_document_that_was_lost_from_the_store_comes_back(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    import_folder(runtime.database, runtime.documents, folder)
    with runtime.database.reading() as session:
        digest = session.scalars(select(TransformationResult.sha256)).first()
    assert digest is not None
    [path] = Path(runtime.settings.store_url).rglob(digest)
    path.unlink()
    assert not import_folder(runtime.database, runtime.documents, folder).changed_anything
    assert runtime.documents.get(digest)


@ONLY_SQLITE
@pytest.mark.parametrize(
    ("content", "words"), [(b"%PDF-1.4 other", "was changed"), (None, "there is no file")]
)
def test_a_document_that_changes_during_the_import_refuses_it(
    runtime: Runtime, tmp_path: Path, content: bytes | None, words: str
) -> None:
    folder = folders.write(tmp_path / "in")

    def report(step: str, share: float) -> None:
        if step == "Comparing":
            (folder / "results/I2.pdf").unlink(missing_ok=True)
            if content is not None:
                (folder / "results/I2.pdf").write_bytes(content)

    with pytest.raises(ImportRefused, match=words):
        import_folder(runtime.database, runtime.documents, folder, report=report)
    with runtime.database.reading() as session:
        assert folders.rows_stored(session) == 0
