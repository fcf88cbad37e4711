"""What a person says of the files of an upload: how each is read, what its columns are, which lines are left
out, and which clusters are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.errors import Refused
from webapp.intake import columns, looks
from webapp.intake.column_words import ADDRESS_PREFIX, ISSUE_MONTH, PERIOD, column_name
from webapp.intake.columns import BY_FILE, DAYS, ColumnChoice
from webapp.intake.looks import LOCALES
from webapp.intake.period_words import period_of
from webapp.intake.set_folders import SetFolder
from webapp.intake.uploaded_files import UploadedTable
from webapp.store.customers import Cluster
from webapp.translation import _

ENCODINGS = ("utf-8", "cp1252", "utf-16", "iso8859-15", "cp850", "mac_roman")
DELIMITERS = (";", ",", "\t", "|")
Typed = Mapping[str, str]


def chosen(
    session: Session,
    folder: SetFolder,
    table: UploadedTable,
    typed: Typed,
    missing_clusters: Sequence[str] = (),
) -> UploadedTable:
    """The file as a person says that it is. `typed` has the fields of the form, without the file's number:
    kind, encoding, delimiter, locale, column-<place>, fixed-<column>, clusters, clusters-below, take-in.
    Where the separator or the encoding is another, or the kind, the columns are found out again; where
    anything is read otherwise, no line is left out any more. Raises Refused."""
    read = _as_read(session, folder, table, typed)
    skipped = table.skipped if is_read_alike(read, table) and not typed.get("take-in") else {}
    return replace(read, skipped=skipped, **_clusters(session, read, typed, missing_clusters))


def is_read_alike(one: UploadedTable, other: UploadedTable) -> bool:
    """Whether both have the same columns and styles, so that what was wrong in one is wrong in the other."""
    known = replace(one.choice, is_known=other.is_known)
    return one.reading.style == other.reading.style and known == other.choice


def without_lines(table: UploadedTable, wrong: Mapping[str, Sequence[int]]) -> UploadedTable:
    """The file without these lines, by file of the import format."""
    own = (table.kind, "emails.csv") if table.address_columns else (table.kind,)
    found = {file: sorted({*table.skipped.get(file, ()), *wrong.get(file, ())}) for file in own}
    return replace(table, skipped={file: lines for file, lines in found.items() if lines})


def _as_read(session: Session, folder: SetFolder, table: UploadedTable, typed: Typed) -> UploadedTable:
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
    return replace(table, is_unsure=False, is_known=True, **style, **_columns(session, table, typed))


def _columns(session: Session, table: UploadedTable, typed: Typed) -> dict[str, Any]:
    if not table.kind:
        return {}
    taken: dict[str, str] = {}
    keys = columns.recipient_keys(session)
    for place, header in enumerate(table.headers):
        wanted = typed.get(f"column-{place}", table.columns.get(header, ""))
        if wanted and wanted not in columns.choices(table.kind, header, keys):
            raise Refused(_("“%(column)s” is no column of this file. Choose again.", column=wanted[:80]))
        if wanted and wanted in taken.values() and not wanted.startswith(ADDRESS_PREFIX):
            raise Refused(
                _(
                    "Two columns of “%(file)s” are to be “%(column)s”. Leave one of them out.",
                    file=table.name,
                    column=column_name(table.kind, wanted),
                )
            )
        if header:
            taken[header] = wanted
    if PERIOD in taken.values() and not set(DAYS).isdisjoint(taken.values()):
        raise Refused(
            _(
                "“%(file)s” is to have the period in one column and its days in others. Leave out the one or "
                "the others.",
                file=table.name,
            )
        )
    return {"columns": taken, "fixed": _fixed(table, taken, typed)}


def _fixed(table: UploadedTable, taken: Mapping[str, str], typed: Typed) -> dict[str, str]:
    empty = columns.MAY_BE_EMPTY.get(table.kind, ())
    fixed = {}
    for column in columns.names_of(table.kind):
        value = typed.get(f"fixed-{column}", table.fixed.get(column, "")).strip()
        if column == PERIOD:
            value = _typed_period(taken, value, typed)
        if column not in taken.values() and (value or column in empty):
            fixed[column] = value
    return fixed


def _typed_period(taken: Mapping[str, str], value: str, typed: Typed) -> str:
    """One period for every line, or the word for the month of the issue date."""
    if not set(DAYS).isdisjoint(taken.values()):
        return ""
    source = typed.get("fixed-period-source", "")
    if value == ISSUE_MONTH or (not value and source == ISSUE_MONTH):
        return ISSUE_MONTH
    if value and period_of(value) is None:
        raise Refused(
            _("“%(text)s” is no period. Write it like 2026-10, Oct 2026, Q4 2026 or 2026.", text=value[:40])
        )
    return value


def _clusters(session: Session, table: UploadedTable, typed: Typed, missing: Sequence[str]) -> dict[str, Any]:
    if table.kind != "customers.csv" or not typed.get("clusters"):
        return {"new_clusters": [], "clusters_below": ""}
    below = typed.get("clusters-below", "")
    if below and session.scalar(select(Cluster.id).where(Cluster.tag_name == below)) is None:
        raise Refused(_("There is no cluster “%(name)s” any more. Choose another one.", name=below[:80]))
    return {"new_clusters": [*dict.fromkeys([*table.new_clusters, *missing])], "clusters_below": below}
