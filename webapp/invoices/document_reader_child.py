"""The process that reads documents: `python -m webapp.invoices.document_reader_child SECONDS MEGABYTES`."""

from __future__ import annotations

from webapp.invoices.document_reader import DocumentQuestion, Names
from webapp.invoices.document_text import Unreadable, findings
from webapp.mailing.sandbox_child import Answer, serve


def answer(question: DocumentQuestion) -> Answer:
    """The finding for each invoice, or why the document cannot be opened."""
    media_type, content, of = question
    try:
        found = findings(media_type, content, [Names(*each) for each in of])
    except Unreadable as why:
        return "unreadable", str(why)
    return "read", [finding.value for finding in found]


if __name__ == "__main__":
    serve(answer)
