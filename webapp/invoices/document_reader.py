"""Reads documents in a child process: a harmful one costs only its own check (mailing/sandbox.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from webapp.mailing.sandbox import MEGABYTES, NoAnswer, SandboxProcess
from webapp.store.statuses import Finding

READING_TIME_LIMIT = 10.0
"""Seconds for one document."""

DocumentQuestion = tuple[str, bytes, list[tuple[str, str, str]]]
"""A media type, the bytes, and the names of each invoice that they are filed under."""


@dataclass(frozen=True)
class Names:
    """What a document should say: its invoice's number, and its customer's code or name."""

    number: str
    code: str
    customer: str


@dataclass(frozen=True)
class ToRead:
    """A document's bytes, with each invoice that they are filed under."""

    media_type: str
    content: bytes
    of: tuple[Names, ...]


@dataclass(frozen=True)
class DocumentFinding:
    """The finding in a document for one invoice; `words` say more where there is more to say."""

    finding: Finding
    words: str = ""


def is_pdf(media_type: str) -> bool:
    """Whether this is the type of a PDF."""
    return media_type == "application/pdf"


def is_read(media_type: str) -> bool:
    """Whether documents of this type are read. A list of calls or a page of HTML need not name its
    invoice."""
    is_xml = media_type in ("application/xml", "text/xml") or media_type.endswith("+xml")
    return is_pdf(media_type) or is_xml


class Reader:
    """The documents' child process. May be used from several threads; it reads one batch at a time."""

    def __init__(self, seconds: float = READING_TIME_LIMIT, megabytes: int = MEGABYTES) -> None:
        self.sandbox = SandboxProcess("webapp.invoices.document_reader_child", seconds, megabytes)

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
            case ["read", list(findings)]:
                return [DocumentFinding(Finding(finding)) for finding in findings]
            case ["unreadable", str(words)]:
                found = DocumentFinding(Finding.UNREADABLE, words)
            case NoAnswer(is_late=True):
                words = f"it took more than {self.sandbox.seconds:g} seconds to read"
                found = DocumentFinding(Finding.UNREADABLE, words)
            case _:
                found = DocumentFinding(
                    Finding.UNREADABLE, "it took more time or memory to read than a document may"
                )
        return [found] * len(document.of)
