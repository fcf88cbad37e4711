"""The list as lines of a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.fixing import open_results, words, worklist
from webapp.fixing.open_results import Scope
from webapp.fixing.rows import rows_of
from webapp.results.to_fix import OF_RESULTS, OpenCause
from webapp.translation import english

FIX_COLUMNS = (
    *("cause", "customer_code", "customer_name", "cluster", "problem", "why"),
    *("results", "runs", "mails_at_once"),
)


def open_rows(
    session: Session, viewer: Viewer, scope: Scope, cause: OpenCause | None
) -> Iterator[dict[str, Any]]:
    """Every row of this cause, or of each, oldest first, with one page of customers in memory at a time; runs
    that wait for a server come last."""
    for each in OF_RESULTS:
        if cause in (None, each):
            yield from _of_cause(session, viewer, each, scope)
    with english():
        runs = worklist.waiting(session, viewer, scope, cause)
    for waiting in runs:
        title = words.WORDS[OpenCause.WAITING].title
        yield {**dict.fromkeys(FIX_COLUMNS, ""), "cause": title, "problem": waiting.words,
               "runs": waiting.run.name}  # fmt: skip


def _of_cause(session: Session, viewer: Viewer, cause: OpenCause, scope: Scope) -> Iterator[dict[str, Any]]:
    after, at_most = 0, worklist.PAGE_CUSTOMERS
    ours = open_results.among(session, viewer, scope)
    while found := open_results.customers(session, ours, cause, scope, after, at_most):
        with english():
            rows = rows_of(session, viewer, cause, [customer_id for _, customer_id in found], scope)
        for row in rows:
            yield {
                "cause": words.WORDS[cause].title,
                "customer_code": row.customer.code,
                "customer_name": row.customer.name,
                "cluster": row.cluster,
                "problem": row.problem,
                "why": row.why,
                "results": len(row.results),
                "runs": ", ".join(dict.fromkeys(result.run_name for result in row.results)),
                "mails_at_once": row.mails,
            }
        session.expunge_all()
        after = found[-1][0]
