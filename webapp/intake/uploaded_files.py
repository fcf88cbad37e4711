"""The CSV files of an upload: how each is written and what its columns are, as found out or as a person has
said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy.orm import Session

from webapp.errors import Refused
from webapp.file_styles import FileReading, FileStyle
from webapp.intake import columns, looks
from webapp.intake.columns import BY_FILE, ColumnChoice
from webapp.intake.looks import LOCALES
from webapp.intake.receiving import Received, as_document
from webapp.intake.set_folders import SetFolder
from webapp.translation import _

ENCODINGS = ("utf-8", "cp1252", "utf-16", "iso8859-15", "cp850", "mac_roman")
DELIMITERS = (";", ",", "\t", "|")


@dataclass(frozen=True)
class UploadedTable:
    """A CSV file. `kind` is the file of the import format that it is; empty: not known, and not imported."""

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

    @property
    def choice(self) -> ColumnChoice:
        """What its columns are."""
        return ColumnChoice(self.kind, self.columns, self.fixed, self.is_known)

    @property
    def reading(self) -> FileReading:
        """How an import reads it."""
        style = FileStyle(self.delimiter, self.encoding, self.locale)
        return FileReading(style, self.columns, self.fixed)

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


def chosen(
    session: Session, folder: SetFolder, table: UploadedTable, typed: Mapping[str, str]
) -> UploadedTable:
    """The file as a person says that it is. `typed` has the fields of the form, without the file's number:
    kind, encoding, delimiter, locale, column-<place> and fixed-<column>. Where the separator or the encoding
    is another, or the kind, the columns are found out again. Raises Refused."""
    kind, delimiter = typed.get("kind", table.kind), typed.get("delimiter", table.delimiter)
    encoding, locale = typed.get("encoding", table.encoding), typed.get("locale", table.locale)
    allowed = encoding in ENCODINGS and delimiter in DELIMITERS and locale in LOCALES
    if not allowed or (kind and kind not in BY_FILE):
        raise Refused(_("This is no way to read a file that can be chosen. Choose again."))
    if (encoding, delimiter) != (table.encoding, table.delimiter):
        look = looks.look_at(folder.csv / str(table.number), encoding, delimiter)
        table = replace(table, headers=list(look.headers), examples=look.examples, kind="")
    style: dict[str, Any] = {"encoding": encoding, "delimiter": delimiter, "locale": locale}
    if kind != table.kind:
        choice = columns.guess(session, kind, table.headers) if kind else ColumnChoice(is_known=False)
        found: dict[str, Any] = {
            "columns": dict(choice.columns),
            "fixed": dict(choice.fixed),
            "is_known": choice.is_known,
        }
        return replace(table, kind=kind, is_unsure=False, **style, **found)
    return replace(table, is_unsure=False, is_known=True, **style, **_typed_columns(table, typed))


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
                kind=table.kind,
            )
    return ""


def _typed_columns(table: UploadedTable, typed: Mapping[str, str]) -> dict[str, Any]:
    if not table.kind:
        return {}
    taken: dict[str, str] = {}
    for place, header in enumerate(table.headers):
        wanted = typed.get(f"column-{place}", table.columns.get(header, ""))
        if wanted and wanted not in columns.choices(table.kind, header):
            raise Refused(_("“%(column)s” is no column of this file. Choose again.", column=wanted[:80]))
        if wanted and wanted in taken.values():
            raise Refused(
                _(
                    "Two columns of “%(file)s” are to be “%(column)s”. Leave one of them out.",
                    file=table.name,
                    column=wanted,
                )
            )
        if header:
            taken[header] = wanted
    empty = columns.MAY_BE_EMPTY.get(table.kind, ())
    fixed = {}
    for column in BY_FILE[table.kind].columns:
        value = typed.get(f"fixed-{column.name}", table.fixed.get(column.name, "")).strip()
        if column.name not in taken.values() and (value or column.name in empty):
            fixed[column.name] = value
    return {"columns": taken, "fixed": fixed}
