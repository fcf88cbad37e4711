"""The CSV files of an upload: how each is written and what its columns are, as found out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy.orm import Session

from webapp.file_styles import FileReading, FileStyle
from webapp.intake import columns, looks
from webapp.intake.column_words import ADDRESS_PREFIX
from webapp.intake.columns import ColumnChoice
from webapp.intake.labels import KINDS
from webapp.intake.receiving import Received, as_document
from webapp.intake.set_folders import SetFolder
from webapp.translation import _


@dataclass(frozen=True)
class UploadedTable:
    """A CSV file. `kind` is the file of the import format that it is; empty: not known, and not imported.
    `skipped`: lines that a person leaves out, by the file of the import format that they are for: of a file
    of customers, also those whose addresses alone are. `new_clusters`: made by this import, below another."""

    number: int
    name: str
    kind: str = ""
    encoding: str = ""
    delimiter: str = ""
    locale: str = ""
    is_unsure: bool = False
    is_known: bool = True
    headers: list[str] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, list[int]] = field(default_factory=dict)
    new_clusters: list[str] = field(default_factory=list)
    clusters_below: str = ""

    @property
    def choice(self) -> ColumnChoice:
        """What its columns are."""
        return ColumnChoice(self.kind, self.columns, self.fixed, self.is_known)

    @property
    def reading(self) -> FileReading:
        """How an import reads it."""
        style = FileStyle(self.delimiter, self.encoding, self.locale)
        addresses = dict.fromkeys(self.address_columns, "")
        left_out = frozenset(self.skipped.get(self.kind, ()))
        return FileReading(style, {**self.columns, **addresses}, self.fixed, left_out)

    @property
    def address_columns(self) -> dict[str, str]:
        """The headers of customers' columns that have addresses → their recipient keys."""
        return {name: each.removeprefix(ADDRESS_PREFIX) for name, each in self.columns.items()
                if self.kind == "customers.csv" and each.startswith(ADDRESS_PREFIX)}  # fmt: skip

    def lacks(self, column: str) -> bool:
        """Whether no column of the file is this one."""
        return column not in self.columns.values()

    @property
    def left_out(self) -> list[str]:
        """The headers of columns that are not imported."""
        return [name for name in self.headers if name and not self.columns.get(name)]

    @property
    def missing(self) -> list[str]:
        """The columns that it must have, and has not."""
        return columns.missing(self.choice)

    def header_of(self, column: str) -> str:
        """What the file calls this column, if otherwise."""
        return next((name for name, each in self.columns.items() if each == column and name != each), "")

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def tables_of(stored: Iterable[Mapping[str, Any]]) -> list[UploadedTable]:
    """The files as they are stored."""
    return [UploadedTable(**each) for each in stored]


def look_at_all(session: Session, received: Received) -> list[UploadedTable]:
    """Find out of each table how it is written and what it is. One in a format of its own beside the others,
    such as a text, is a document."""
    found = []
    for number, path in enumerate(received.tables):
        table = _looked_at(session, received.into, number, path)
        if not table.kind and path.suffix.lower() == ".txt":
            as_document(received.into, number, path)
            received.documents += 1
        else:
            found.append(table)
    if any(table.kind == "emails.csv" for table in found):
        found = [replace(table, columns={**table.columns, **dict.fromkeys(table.address_columns, "")})
                 for table in found]  # fmt: skip
    return found


def _looked_at(session: Session, folder: SetFolder, number: int, path: PurePosixPath) -> UploadedTable:
    look = looks.look_at(folder.csv / str(number))
    choice = columns.choose(session, path.name, look.headers)
    return UploadedTable(
        number,
        path.name,
        choice.kind,
        look.style.encoding,
        look.style.delimiter,
        look.style.locale if choice.kind == "invoices.csv" else "",
        look.is_unsure and choice.kind == "invoices.csv",
        choice.is_known,
        list(look.headers),
        look.examples,
        dict(choice.columns),
        dict(choice.fixed),
    )


def refusal(tables: Sequence[UploadedTable]) -> str:
    """Why these files cannot be imported together; empty if they can."""
    for table in tables:
        same = [each.name for each in tables if each.kind == table.kind]
        if table.kind and len(same) > 1:
            return _(
                "“%(one)s” and “%(other)s” are both %(kind)s. Leave one of them out, and import it by itself "
                "afterwards.",
                one=same[0],
                other=same[1],
                kind=_(KINDS[table.kind]),
            )
    with_addresses = [table.name for table in tables if table.address_columns]
    if with_addresses and (other := next((each.name for each in tables if each.kind == "emails.csv"), "")):
        return _(
            "Addresses are in columns of “%(one)s” and in “%(other)s”. Leave out those columns, or that "
            "file.",
            one=with_addresses[0],
            other=other,
        )
    return ""
