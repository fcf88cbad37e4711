"""The files of an upload as an import looks for them: each CSV file by its name of the import format, the
addresses that stand in the file of customers, and the clusters that a person has this import make."""

from __future__ import annotations

import csv
import os
import re
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.file_styles import AS_IT_IS, FileReading, FileRow, NoteWrong, PrepareRows
from webapp.imports import csvfile
from webapp.imports.folder import CSV_FILES
from webapp.imports.problems import Problems
from webapp.intake.preparing import Understood, preparing
from webapp.intake.set_folders import SetFolder
from webapp.intake.uploaded_files import UploadedTable
from webapp.store.customers import Cluster

CLUSTERS, CUSTOMERS, EMAILS = "clusters.csv", "customers.csv", "emails.csv"
EMAIL_COLUMNS = ("customer_code", "key", "address", "display_name")
BETWEEN = re.compile(r"[;,\r\n]+")
"""What stands between several addresses in one field."""
BREAKS = re.compile(r"[\r\n]+")


@dataclass
class AddressLines:
    """Where the rows of emails.csv come from, when it is made from the file of customers. `headers`: its
    columns that have addresses; `lines` and `places`: of each row, the line there, and which of them."""

    headers: list[str] = field(default_factory=list)
    lines: array[int] = field(default_factory=lambda: array("q"))
    places: array[int] = field(default_factory=lambda: array("B"))

    def source(self, line: int) -> tuple[int, str]:
        """The line and the header in the file of customers, for a line of emails.csv."""
        at = line - 2
        if 0 <= at < len(self.lines):
            return self.lines[at], self.headers[self.places[at]]
        return 1, self.headers[0] if self.headers else ""


@dataclass
class LaidOut:
    """What was laid out: how each file is read, what is found in them meanwhile, and, if emails.csv is made
    from the file of customers, from where."""

    readings: dict[str, FileReading] = field(default_factory=dict)
    found: Understood = field(default_factory=Understood)
    addresses: AddressLines | None = None


def lay_out(session: Session, folder: SetFolder, tables: Sequence[UploadedTable]) -> LaidOut:
    """Put the CSV files where an import looks for them. Those of an earlier work go first."""
    laid_out = LaidOut()
    for name in CSV_FILES:
        (folder.folder / name).unlink(missing_ok=True)
    for table in tables:
        if not table.kind:
            continue
        os.link(folder.csv / str(table.number), folder.folder / table.kind)
        reading = table.reading
        prepare = preparing(table.kind, reading.style.spelling, laid_out.found)
        laid_out.readings[table.kind] = replace(reading, prepare=prepare)
        if table.kind == CUSTOMERS and table.address_columns and not table.lacks("code"):
            laid_out.addresses = _write_addresses(folder, table, laid_out.found)
            laid_out.readings[EMAILS] = AS_IT_IS
    _make_clusters(session, folder, tables, laid_out)
    return laid_out


def _write_addresses(folder: SetFolder, table: UploadedTable, found: Understood) -> AddressLines:
    """Write emails.csv from the columns of customers that have addresses. A customer without one is counted:
    the file names none, so those that are stored stay."""
    origin = AddressLines(list(table.address_columns))
    keys = list(table.address_columns.values())
    skipped = frozenset(table.skipped.get(EMAILS, ()))
    with (folder.folder / EMAILS).open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(EMAIL_COLUMNS)
        for line, code, cells in _address_cells(folder, table):
            seen = set()
            for place, cell in enumerate(cells):
                for address in filter(None, map(str.strip, BETWEEN.split(cell))):
                    if (keys[place], address) not in seen and line not in skipped:
                        seen.add((keys[place], address))
                        rows.writerow((code, keys[place], address, ""))
                        origin.lines.append(line)
                        origin.places.append(place)
            if not any(cell.strip() for cell in cells):
                found.no_address.add(line)
    return origin


def _address_cells(folder: SetFolder, table: UploadedTable) -> Iterator[tuple[int, str, list[str]]]:
    """Line, code and what the columns with addresses have, of each customer. What is wrong with the file is
    noted where the customers are read."""
    reading = table.reading
    rows = csvfile.rows(folder.csv / str(table.number), Problems(), style=reading.style)
    _line, header, _spoilt = next(rows, (1, [], False))
    names = [name.strip() for name in header]
    code_place = next((at for at, name in enumerate(names) if reading.columns.get(name) == "code"), None)
    places = [names.index(name) for name in table.address_columns if name in names]
    if code_place is None or len(places) != len(table.address_columns):
        return
    for line, row, spoilt in rows:
        if not spoilt and line not in reading.left_out and max(code_place, *places) < len(row):
            code = BREAKS.sub(" ", row[code_place]).strip()
            if code:
                yield line, code, [row[place] for place in places]


def _make_clusters(
    session: Session, folder: SetFolder, tables: Sequence[UploadedTable], laid_out: LaidOut
) -> None:
    """Add the clusters that a person has chosen to make, without those that there are by now: their parents
    are not this import's business."""
    table = next((each for each in tables if each.kind == CUSTOMERS), None)
    if table is None or not table.new_clusters:
        return
    there = set(session.scalars(select(Cluster.tag_name).where(Cluster.tag_name.in_(table.new_clusters))))
    rows = [[name, table.clusters_below] for name in table.new_clusters if name not in there]
    reading = laid_out.readings.get(CLUSTERS)
    if reading is not None:
        laid_out.readings[CLUSTERS] = replace(reading, prepare=_with_rows(reading.prepare, rows))
    elif rows:
        with (folder.folder / CLUSTERS).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("tag_name", "parents"), *rows])


def _with_rows(prepare: PrepareRows | None, rows: list[list[str]]) -> PrepareRows:
    """The rows of the file, and these behind them, but for those that the file has."""

    def prepared(given: Iterator[FileRow], note: NoteWrong) -> Iterator[FileRow]:
        read = prepare(given, note) if prepare else given
        line, header, spoilt = next(read, (1, [], False))
        yield line, header, spoilt
        named: set[str] = set()
        for line, fields, spoilt in read:
            named.update(
                value.strip() for name, value in zip(header, fields, strict=False) if name == "tag_name"
            )
            yield line, fields, spoilt
        for name, below in rows:
            if name not in named:
                line += 1
                yield line, [{"tag_name": name, "parents": below}.get(each, "") for each in header], False

    return prepared
