"""The process that reads documents: `python -m webapp.documents.document_reader_child SECONDS MEGABYTES`."""

from __future__ import annotations

from webapp.documents.document_reader import NAMES_AMOUNT, DocumentQuestion, Names, Unreadable
from webapp.documents.document_text import findings
from webapp.mailing.sandbox_child import Answer, serve
from webapp.store.statuses import LockProblem


def answer(question: DocumentQuestion) -> Answer:
    """The finding for each invoice, or why the document cannot be opened."""
    media_type, content, of = question
    try:
        found = findings(media_type, content, [Names(*each) for each in of])
    except Unreadable as why:
        return "unreadable", str(why), why.lock_problem.value
    problem = found[0].lock_problem if found else LockProblem.NONE
    amounts = [AMOUNT_WORDS[each.names_amount] for each in found]
    return (
        "read",
        [each.finding.value for each in found],
        [each.words for each in found],
        amounts,
        problem.value,
    )


AMOUNT_WORDS = {names_it: word for word, names_it in NAMES_AMOUNT.items()}


if __name__ == "__main__":
    serve(answer)
