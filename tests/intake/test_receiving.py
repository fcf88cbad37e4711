"""What an upload may be: nothing leads out of its folder, fills the disk, or is two files of one name."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path
from typing import IO

import pytest

from tests.intake.exports import zipped
from webapp.errors import Refused
from webapp.intake.receiving import Received, UploadLimits, receive
from webapp.intake.set_folders import SetFolder

LIMITS = UploadLimits(1_000_000, 20)


@pytest.fixture
def folder(tmp_path: Path) -> SetFolder:
    made = SetFolder(tmp_path / "set")
    made.make()
    return made


def take(folder: SetFolder, *sent: tuple[str, bytes]) -> Received:
    streams: list[tuple[str, IO[bytes]]] = [(name, io.BytesIO(content)) for name, content in sent]
    return receive(folder, streams, LIMITS)


def test_a_zip_is_unpacked_data_apart_from_documents(folder: SetFolder) -> None:
    files = {
        "export/klanten.csv": b"a;b\n",
        "export/Invoice PDF/I1.pdf": b"%PDF-1.4",
        "export/calls/I1.csv": b"a call",
        "export/.DS_Store": b"x",
        "__MACOSX/export/klanten.csv": b"x",
    }
    received = take(folder, ("october.zip", zipped(files)))
    assert [str(path) for path in received.tables] == ["klanten.csv"]
    assert (folder.csv / "0").read_bytes() == b"a;b\n"
    below = sorted(str(path.relative_to(folder.folder)) for path in folder.folder.rglob("*.*"))
    assert below == ["Invoice PDF/I1.pdf", "calls/I1.csv"]
    assert (received.documents, received.files, received.names) == (2, 3, ["october.zip"])


@pytest.mark.security("C20")
@pytest.mark.parametrize(
    "name", ["../out.pdf", "a/../../out.pdf", "/etc/out.pdf", "C:/out.pdf", "a\nb.pdf", ".."]
)
def test_nothing_leads_out_of_the_folder(folder: SetFolder, name: str) -> None:
    with pytest.raises(Refused, match="is no name of a file that can be imported"):
        take(folder, ("a.zip", zipped({name: b"x"})))
    assert [path for path in folder.path.parent.rglob("*") if path.is_file()] == []


@pytest.mark.security("C20")
def test_a_bomb_is_refused_before_it_fills_the_disk(folder: SetFolder) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pdf", b"\0" * 50_000_000)
    assert len(bomb.getvalue()) < 100_000
    with pytest.raises(Refused, match="more than 1 MB, unpacked"):
        take(folder, ("bomb.zip", bomb.getvalue()))
    assert sum(path.stat().st_size for path in folder.path.rglob("*") if path.is_file()) <= 1_000_000


@pytest.mark.security("C20")
def test_too_many_files_are_refused_also_by_the_list_alone(folder: SetFolder) -> None:
    with pytest.raises(Refused, match="more than 20 files"):
        take(folder, ("a.zip", zipped({f"{n}.pdf": b"x" for n in range(21)})))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 60_000, 60_000, 3_000_000, 0, 0)
    with pytest.raises(Refused, match="more than 20 files"):
        take(folder, ("b.zip", b"\0" * 3_000_000 + end))


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ((("a.zip", b"no zip"),), "is no ZIP that can be opened"),
        ((("a.pdf", b"x"), ("a.pdf", b"y")), "There are two files “a.pdf”"),
        ((("klanten.xlsx", b"PK"),), "is a workbook. Save each of its sheets as CSV"),
        ((), "No file was chosen"),
    ],
)
def test_each_refusal_says_the_way_out(
    folder: SetFolder, sent: tuple[tuple[str, bytes], ...], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        take(folder, *sent)
