"""Reads documents in a child process: a harmful one costs only its own check (mailing/sandbox.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace

from webapp.mailing.attach import PDF
from webapp.mailing.pdf_locking import begins_like_pdf
from webapp.mailing.sandbox import MEGABYTES, NoAnswer, SandboxProcess
from webapp.store.statuses import Finding, LockProblem
from webapp.translation import N_

READING_TIME_LIMIT = 10.0
"""Seconds for one document."""

DocumentQuestion = tuple[str, bytes, list[tuple[str, str, str, tuple[str, ...]]]]
"""A media type, the bytes, and the names of each invoice that they are filed under."""


@dataclass(frozen=True)
class Names:
    """What a document should say: its invoice's number, and its customer's code or name. `amounts`: of these
    a PDF usually names one (documents/amounts.py); none: that is not looked for."""

    number: str
    code: str
    customer: str
    amounts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ToRead:
    """A document's bytes, with each invoice that they are filed under."""

    media_type: str
    content: bytes
    of: tuple[Names, ...]


@dataclass(frozen=True)
class DocumentFinding:
    """The finding in a document for one invoice; `words` say more where there is more to say. `lock_problem`:
    why the document cannot be given a password. `names_amount`: None if that is not known."""

    finding: Finding
    words: str = ""
    lock_problem: LockProblem = LockProblem.NONE
    names_amount: bool | None = None


NAMES_AMOUNT: dict[str, bool | None] = {"": None, "named": True, "unnamed": False}
"""`DocumentFinding.names_amount` as the child process says it."""


class Unreadable(Exception):
    """The document cannot be opened; the message says why."""

    def __init__(self, words: str, lock_problem: LockProblem = LockProblem.UNREADABLE) -> None:
        super().__init__(words)
        self.lock_problem = lock_problem


def is_pdf(media_type: str) -> bool:
    """Whether this is the type of a PDF."""
    return media_type == PDF


def names_its_invoice(media_type: str) -> bool:
    """Whether documents of this type must name their invoice. A list of calls or a page of HTML need not."""
    is_xml = media_type in ("application/xml", "text/xml") or media_type.endswith("+xml")
    return is_pdf(media_type) or is_xml or media_type in SIGNED_TYPES


SIGNED_TYPES = ("application/pkcs7-mime", "application/x-pkcs7-mime")
"""FatturaPA in a signed envelope (.xml.p7m)."""
SIGNED_ENVELOPE = (b"\x30\x80", b"\x30\x82", b"\x30\x83", b"MII", b"-----BEGIN PKCS7")
"""How such an envelope begins, in binary and as text."""


def is_read(media_type: str, content: bytes) -> bool:
    """Whether such a document is opened: to see what it names, or whether a PDF by another name can be given
    a password."""
    return names_its_invoice(media_type) or begins_like_pdf(content)


class Reader:
    """The documents' child process. May be used from several threads; it reads one batch at a time."""

    def __init__(self, seconds: float = READING_TIME_LIMIT, megabytes: int = MEGABYTES) -> None:
        self.sandbox = SandboxProcess("webapp.documents.document_reader_child", seconds, megabytes)

    def read_all(self, batch: Sequence[ToRead]) -> list[list[DocumentFinding]]:
        """For each document, the finding for each of its invoices, in order. Raises OSError if no child
        process can be started."""
        questions: list[DocumentQuestion] = [
            (each.media_type, each.content, [astuple(names) for names in each.of]) for each in batch
        ]
        answers = self.sandbox.ask_all(questions)
        return [self._found(each, answer) for each, answer in zip(batch, answers, strict=True)]

    def close(self) -> None:
        """End the child; the next batch would start another."""
        self.sandbox.close()

    def _found(self, document: ToRead, answer: list[object] | NoAnswer) -> list[DocumentFinding]:
        match answer:
            case ["read", list(findings), list(words), list(amounts), str(problem)]:
                lock_problem = LockProblem(problem)
                return [
                    DocumentFinding(Finding(finding), said, lock_problem, NAMES_AMOUNT[amount])
                    for finding, said, amount in zip(findings, words, amounts, strict=True)
                ]
            case ["unreadable", str(said), str(problem)]:
                found = DocumentFinding(Finding.UNREADABLE, said, LockProblem(problem))
            case NoAnswer(is_late=True):
                seconds = f"{self.sandbox.seconds:g}"
                said = N_("it took more than %(seconds)s seconds to read") % {"seconds": seconds}
                found = DocumentFinding(Finding.UNREADABLE, said, LockProblem.UNREADABLE)
            case _:
                said = N_("it took more time or memory to read than a document may")
                found = DocumentFinding(Finding.UNREADABLE, said, LockProblem.UNREADABLE)
        return [as_filed(document.media_type, found)] * len(document.of)


def as_filed(media_type: str, found: DocumentFinding) -> DocumentFinding:
    """The finding for a document of this type: one that need not name its invoice need not be readable, and
    only a PDF is given a password of its own."""
    if not names_its_invoice(media_type):
        return DocumentFinding(Finding.FINE, lock_problem=found.lock_problem)
    if not is_pdf(media_type):
        return replace(found, lock_problem=LockProblem.NONE)
    return found
