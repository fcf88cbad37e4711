"""Documents that no list names: each is filed under the invoice whose number is in its name, else in its
text.

What is not certain is not filed: a customer must never get a stranger's invoice. The document check looks at
what is filed here as at every other document."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy.orm import Session

from webapp.documents import media_types
from webapp.file_styles import AS_IT_IS, FileReading
from webapp.imports.documents import LARGEST
from webapp.imports.folder import FILES
from webapp.intake import invoice_numbers
from webapp.intake.invoice_numbers import bare
from webapp.intake.set_folders import SetFolder
from webapp.mailing.sandbox import NoAnswer, SandboxProcess
from webapp.translation import _

LIST = "transformation_results.csv"
STEP = "Matching"
UNMATCHED_SHOWN = 100
BATCH_FILES, BATCH_BYTES = 25, 8_000_000
READING_SECONDS = 10.0
TYPES = {".pdf": "pdf", ".xml": "xml", ".txt": "text", ".csv": "csv", ".html": "html", ".htm": "html"}
"""By suffix: the output type of the transformation that makes such documents."""
READ_TYPES = ("pdf", "xml")


@dataclass
class LooseDocument:
    """A document without a list. `number` is that of its invoice, `is_named` whether its own name has it;
    `why` says why it has none."""

    path: PurePosixPath
    transformation: str = ""
    number: str = ""
    is_named: bool = False
    why: str = ""

    @property
    def kind(self) -> str:
        return TYPES.get(self.path.suffix.lower(), "")


@dataclass(frozen=True)
class Numbers:
    """Where invoices are looked up: those stored, and the file of this upload."""

    session: Session
    path: Path | None
    reading: FileReading

    def known(self, wanted: set[str]) -> dict[str, set[str]]:
        """Those of the wanted numbers that there are."""
        return invoice_numbers.known(self.session, self.path, self.reading, wanted) if wanted else {}


@dataclass
class Matched:
    """What was found: how many documents are filed, those that are not, and those that are by their text
    alone."""

    count: int = 0
    left: list[LooseDocument] = field(default_factory=list)
    by_text: list[LooseDocument] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """As a summary has it."""
        shown = [[str(each.path), each.why] for each in self.left[:UNMATCHED_SHOWN]]
        by_text = [[str(each.path), each.number] for each in self.by_text[:UNMATCHED_SHOWN]]
        found = {"matched": self.count, "by_text": by_text}
        return {**found, "unmatched": shown, "unmatched_total": len(self.left)}


def match(
    session: Session,
    folder: SetFolder,
    reading: FileReading | None,
    offered: dict[str, list[str]],
    chosen: dict[str, str],
    report: Callable[[str, float], None],
) -> Matched:
    """File the documents in the folder: write the list of them, as an import reads it, and that of those
    left.

    `reading` is how invoices.csv is read, if there is one; `offered` the transformations by output type, and
    `chosen` the one that a person chose for each.

    1. By the name of the file: the longest number in it that an invoice has.
    2. By what the document says: an e-invoice its own number; a PDF the one number that is known.
    3. Of two documents for one invoice and transformation, the one whose name has the number is filed; if
    both have it in their names, or neither, both are left: one of them may be a stranger's."""
    documents = [LooseDocument(path) for path in _paths(folder.folder)]
    for each in documents:
        _note_transformation(each, offered, chosen)
    path = folder.folder / "invoices.csv" if reading is not None else None
    numbers = Numbers(session, path, reading or AS_IT_IS)
    report(STEP, 0.0)
    _by_name([each for each in documents if not each.why], numbers)
    _by_text(folder, [each for each in documents if not each.why and not each.number], numbers, report)
    _leave_twice(documents)
    return _write(folder, documents)


def _paths(root: Path) -> Iterator[PurePosixPath]:
    for at, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = PurePosixPath(Path(at, name).relative_to(root).as_posix())
            if str(path) not in FILES:
                yield path


def _note_transformation(
    document: LooseDocument, offered: dict[str, list[str]], chosen: dict[str, str]
) -> None:
    """By the folder that it is in, by choice, or since there is one only."""
    names = offered.get(document.kind, [])
    by_folder = {name.casefold(): name for name in names}
    for part in reversed(document.path.parts[:-1]):
        if part.casefold() in by_folder:
            document.transformation = by_folder[part.casefold()]
            return
    if not names:
        document.why = _("no transformation makes such documents")
    elif chosen.get(document.kind) in names:
        document.transformation = chosen[document.kind]
    elif len(names) == 1:
        document.transformation = names[0]
    else:
        document.why = _("choose the transformation that it belongs to")


def _by_name(documents: Sequence[LooseDocument], numbers: Numbers) -> None:
    wanted = {number for each in documents for number in invoice_numbers.in_name(each.path.stem)}
    known = numbers.known(wanted)
    for each in documents:
        found = [number for number in invoice_numbers.in_name(each.path.stem) if number in known]
        longest = max(map(len, found), default=0)
        best = sorted({whole for short in found if len(short) == longest for whole in known[short]})
        _take(each, best)
        each.is_named = bool(each.number)


def _take(document: LooseDocument, found: Sequence[str]) -> None:
    if len(found) == 1:
        [document.number] = found
    elif found:
        document.why = _("it may belong to %(one)s or to %(other)s", one=found[0], other=found[1])


def _by_text(
    folder: SetFolder,
    documents: Sequence[LooseDocument],
    numbers: Numbers,
    report: Callable[[str, float], None],
) -> None:
    said: list[tuple[LooseDocument, list[str], list[str]]] = []
    reader = SandboxProcess("webapp.documents.number_reader_child", READING_SECONDS)
    try:
        for done, batch in enumerate(_batches(folder, documents)):
            report(STEP, min(0.99, done * BATCH_FILES / max(1, len(documents))))
            questions = [(media_types.guessed(str(each.path), None), content) for each, content in batch]
            answers = reader.ask_all(questions)
            for (each, _content), answer in zip(batch, answers, strict=True):
                match answer:
                    case ["read", list(own), list(words)]:
                        said.append((each, own, words))
                    case ["unreadable", str(why)]:
                        each.why = why
                    case NoAnswer() | _:
                        each.why = _("it took too long to read")
    finally:
        reader.close()
    known = numbers.known({bare(number) for _each, own, words in said for number in (*own, *words)})
    for each, own, words in said:
        stated = sorted({whole for number in own for whole in known.get(bare(number), ())})
        in_text = sorted({whole for number in words for whole in known.get(bare(number), ())})
        _take(each, stated or in_text)
        if not each.number and not each.why:
            each.why = _("no number of an invoice is in its name or its text")


def _batches(
    folder: SetFolder, documents: Sequence[LooseDocument]
) -> Iterator[list[tuple[LooseDocument, bytes]]]:
    batch: list[tuple[LooseDocument, bytes]] = []
    size = 0
    for each in documents:
        path = folder.folder / each.path
        if each.kind not in READ_TYPES or path.stat().st_size > LARGEST:
            each.why = _("no number of an invoice is in its name")
            continue
        content = path.read_bytes()
        batch.append((each, content))
        size += len(content)
        if len(batch) >= BATCH_FILES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _leave_twice(documents: Sequence[LooseDocument]) -> None:
    same = defaultdict(list)
    for each in documents:
        if each.number:
            same[each.number, each.transformation].append(each)
    for group in same.values():
        named = [each for each in group if each.is_named]
        winner = named[0] if len(named) == 1 else None
        for each in group if len(group) > 1 else ():
            if each is not winner:
                other = winner or next(one for one in group if one is not each)
                number, each.number = each.number, ""
                each.why = _why_left(str(other.path), number, is_filed=other is winner)


def _why_left(other: str, number: str, *, is_filed: bool) -> str:
    if is_filed:
        return _(
            "its text names invoice %(number)s, and %(other)s has that number in its name, so that one is "
            "taken. If this one belongs to another invoice, put the number of that into its name; if it is "
            "the right one, upload it without the other",
            number=number,
            other=other,
        )
    return _(
        "%(other)s is for the same invoice, %(number)s, too. Upload the right one without the other",
        other=other,
        number=number,
    )


def _write(folder: SetFolder, documents: Sequence[LooseDocument]) -> Matched:
    filed = [each for each in documents if each.number]
    left = [each for each in documents if not each.number]
    if filed:
        with (folder.folder / LIST).open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("invoice_number", "transformation", "file"))
            rows.writerows((each.number, each.transformation, str(each.path)) for each in filed)
    with folder.unmatched.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([("file", "why"), *((str(each.path), each.why) for each in left)])
    return Matched(len(filed), left, [each for each in filed if not each.is_named])
