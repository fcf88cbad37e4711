"""A row of the list, as a value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from webapp.fixing.open_results import OpenResult
from webapp.results.to_fix import OpenCause
from webapp.store.customers import Customer


class FixKind(StrEnum):
    """How a row is fixed in place. `again`: nothing is missing any more, or nothing can be filled in."""

    ADDRESS = "address"
    PASSWORD = "password"  # noqa: S105  # a word, not a password
    FILE = "file"
    RELEASE = "release"
    DECIDE = "decide"
    AGAIN = "again"


@dataclass
class FixRow:
    """A row. `subject` tells the rows of a customer apart: a recipient key, a document, an invoice with a
    transformation, a result; what these are is up to the cause. `value` is what the field shows at first, and
    `seen` the fingerprint of what a change is made to. `problem` and `why` are its two lines of words.
    `unmade_by`: the definition with which the mail could not be made; it is made again with today's version,
    not with the one that the run keeps."""

    cause: OpenCause
    customer: Customer
    cluster: str
    kind: FixKind
    subject: tuple[int, int]
    problem: str
    why: str = ""
    label: str = ""
    value: str = ""
    seen: str = ""
    invoice_id: int = 0
    unmade_by: int = 0
    results: list[OpenResult] = field(default_factory=list)

    @property
    def token(self) -> str:
        """A name for the row, for its fields."""
        return ".".join(map(str, (self.cause.value, self.customer.id, *self.subject)))

    @property
    def ours(self) -> list[OpenResult]:
        """The results that the person may have sent."""
        return [result for result in self.results if result.is_whole]

    @property
    def mails(self) -> int:
        """How many mails go out by the fix without a Start."""
        return sum(1 for result in self.ours if result.goes_out)

    @property
    def frees(self) -> list[tuple[int, str, int]]:
        """(run, its name, how many of its results the fix frees)."""
        numbers = Counter((result.run_id, result.run_name) for result in self.ours)
        return [(run_id, name, n) for (run_id, name), n in numbers.items()]

    @property
    def of_others(self) -> int:
        """How many results wait in runs that the person sees in part: others send them."""
        return len(self.results) - len(self.ours)
