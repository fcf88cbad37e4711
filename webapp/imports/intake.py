"""Steps 1 and 2 of an import: everything goes into the temporary tables, and what is wrong with it is
found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from webapp import progress, sealed
from webapp.destinations import Service
from webapp.file_styles import AS_IT_IS, FileReading
from webapp.imports import kept, kinds, messaging, messaging_store, references, staged, staging
from webapp.imports.circles import ImportedParents, renamed_clusters
from webapp.imports.documents import ImportedFile, Inspector
from webapp.imports.kinds import Kind
from webapp.imports.messaging_keys import templates_lacking_subjects
from webapp.imports.problems import Problems
from webapp.imports.reading import CsvRow, checked_rows
from webapp.imports.staging import Stage, StagedPasswords, batched, seal_remembered, seal_rows
from webapp.imports.values import shown
from webapp.progress import ReportProgress, within
from webapp.sources import TAG_NAME
from webapp.store.statuses import SourceSubject
from webapp.translation import _


@dataclass
class Work:
    """What the steps of one import pass to each other. `readings`: how each file is read, and `others`: how
    those are of which nothing is said. `locks_tables`: see `import_folder`."""

    folder: Path
    files: tuple[str, ...]
    stage: Stage
    progress: ReportProgress
    readings: Mapping[str, FileReading] = field(default_factory=dict)
    others: FileReading = AS_IT_IS
    problems: Problems = field(default_factory=Problems)
    graph: ImportedParents = field(default_factory=ImportedParents)
    messaging: messaging.Messaging = field(default_factory=messaging.Messaging)
    stored: messaging_store.Stored = field(default_factory=dict)
    kinds: list[Kind] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    passwords: StagedPasswords = field(default_factory=StagedPasswords)
    called: str = ""
    erased: int = 0
    locks_tables: bool = False

    def reading(self, file: str) -> FileReading:
        """How this file is read."""
        return self.readings.get(file, self.others)


def read(work: Work, bcc_domains: Sequence[str], own_services: Sequence[Service] = ()) -> None:
    """Read everything into the temporary tables, and check it row by row."""
    sizes = {name: (work.folder / name).stat().st_size for name in work.files}
    tell = within(work.progress, progress.READING, sum(sizes.values()))
    before = 0
    with work.stage.working() as session:
        work.stored = messaging_store.stored(session)
        work.graph.renamed = renamed_clusters(session)
    if messaging.FILE in work.files:
        _read_messaging(work, bcc_domains, own_services)
        before = sizes[messaging.FILE]
    if kinds.CHANGED_HERE in work.files:
        _read_changed(work, lambda read, before=before: tell(before + read))  # type: ignore[misc]
        before += sizes[kinds.CHANGED_HERE]
    for kind in _kinds(work):
        if kind.file in work.files:
            _read_csv(work, kind, lambda read, before=before: tell(before + read))  # type: ignore[misc]
            before += sizes[kind.file]


def _read_messaging(work: Work, bcc_domains: Sequence[str], own_services: Sequence[Service]) -> None:
    work.messaging = messaging.read(work.folder / messaging.FILE, work.problems, bcc_domains)
    messaging.note_forbidden(work.messaging, own_services, bcc_domains, work.problems)
    names = {table: {key[0] for key in found} for table, found in work.stored.items()}
    messaging.note_unknown(work.messaging, names, work.problems)
    messaging.note_formats(work.messaging, work.stored["template"], work.problems)
    _note_subjects(work)
    with work.stage.working() as session:
        for table, where, column in (
            ("recipient_key", staged.RECIPIENT_KEY, "key"),
            ("transformation", staged.TRANSFORMATION, "name"),
        ):
            rows = ({"line": n, column: name} for n, name in enumerate(work.messaging.names(table)))
            work.stage.fill(session, where, rows)


def _note_subjects(work: Work) -> None:
    """Report definitions without a subject, in the file or stored, whose template would not always have
    one."""
    texts = {key: values["subject"] for key, values in work.stored["template"].items()}
    definitions = {key[0]: (values, 0) for key, values in work.stored["definition"].items()}
    for entry in work.messaging.entries["template"]:
        texts[entry.values["name"], entry.values["language"]] = entry.values["subject"] or ""
    for entry in work.messaging.entries["definition"]:
        definitions[entry.values["name"]] = entry.values, entry.lines("subject")
    lacking = templates_lacking_subjects(texts)
    for name, (values, line) in definitions.items():
        if values["subject"] != "" or values["template"] not in lacking:
            continue
        words = _("is empty; a mail needs one here, or in each language of the template")
        if not line:
            line = _line_of_template(work, values["template"])
            words = _("is missing; the stored definition %(name)s has none of its own", name=shown(name))
        work.problems.add(messaging.FILE, line, "subject", words)


def _line_of_template(work: Work, name: str) -> int:
    entries = work.messaging.entries["template"]
    return next((entry.line for entry in entries if entry.values["name"] == name), 0)


def _kinds(work: Work) -> list[Kind]:
    scaled = work.stage.dialect == "sqlite"
    files = [
        kinds.clusters(),
        kinds.customers(),
        kinds.emails(),
        kinds.invoices(scaled=scaled, spelling=work.reading("invoices.csv").style.spelling),
    ]
    return [*files, kinds.transformation_results(lambda row: ())]


def _read_csv(work: Work, kind: Kind, tell: Callable[[int], None]) -> None:
    work.kinds.append(kind)
    path = work.folder / kind.file
    with work.stage.working() as session:
        if kind.table is staged.RESULT:
            rows = _with_documents(work, session, path, tell)
        else:
            rows = checked_rows(path, kind, work.problems, tell, work.reading(kind.file))
        if kind.table is staged.CLUSTER:
            rows = _into_graph(work.graph, work.graph.renamed.translate_clusters(rows))
        if kind.table is staged.CUSTOMER and work.graph.renamed.now:
            rows = work.graph.renamed.translate_customers(rows)
        if kind.table is staged.CUSTOMER and (names := _secret_names(work, session)):
            rows = seal_rows(session, rows, names, work.passwords)
        work.rows[kind.file] = work.stage.fill(session, kind.table, rows)


def _read_changed(work: Work, tell: Callable[[int], None]) -> None:
    """What people changed where the folder was exported from."""
    with work.stage.working() as session:
        names = _secret_names(work, session)
        path, reading = work.folder / kinds.CHANGED_HERE, work.reading(kinds.CHANGED_HERE)
        rows = checked_rows(path, kinds.changed_here(), work.problems, tell, reading)
        waiting: list[dict[str, Any]] = []
        numbers = count(1)
        for some in batched(seal_remembered(session, rows, names, work.passwords)):
            for row in some:
                of = {"owner": row["owner"], "field": row["field"]}
                for item, origin in (row.get("origins") or {}).items():
                    waiting.append({**of, "line": next(numbers), "item": item, "origin": origin})
                if row["subject"] == SourceSubject.CLUSTER and row["field"] == TAG_NAME:
                    work.graph.renamed.carried.add(row["owner"])
            work.stage.fill(session, staged.CHANGED_HERE, some)
            work.stage.fill(session, staged.ROW_OF_PEOPLE, waiting)
            waiting.clear()


def _secret_names(work: Work, session: Session) -> frozenset[str]:
    """The fields that hold passwords, for the definitions that are stored and for those of the folder."""
    named = {entry.values.get("password_key") for entry in work.messaging.entries["definition"]}
    return sealed.secret_names(session) | {str(name) for name in named if name}


def _into_graph(graph: ImportedParents, rows: Iterable[CsvRow]) -> Iterable[CsvRow]:
    for row in rows:
        graph.add(row["line"], row["tag_name"], row.get("parents") or ())
        yield row


def _with_documents(
    work: Work, session: Session, path: Path, tell: Callable[[int], None]
) -> Iterable[CsvRow]:
    """The rows of transformation_results.csv, each with what was found out about its document."""
    waiting: list[dict[str, Any]] = []
    numbers = count(1)

    def found(document: ImportedFile) -> None:
        values = {"sha256": document.sha256, "size": document.size, "path": str(document.path)}
        waiting.append({"line": next(numbers), **values})

    types = {name[0]: str(values["output_type"]) for name, values in work.stored["transformation"].items()}
    for entry in work.messaging.entries["transformation"]:
        types[entry.values["name"]] = entry.values["output_type"]
    inspector = Inspector(work.folder, types, found)
    kind = kinds.transformation_results(inspector.judge)
    for row in checked_rows(path, kind, work.problems, tell, work.reading(kind.file)):
        yield row
        if len(waiting) >= staging.BATCH:
            work.stage.fill(session, staged.DOCUMENT, waiting)
            waiting.clear()
    work.stage.fill(session, staged.DOCUMENT, waiting)


def check(work: Work) -> None:
    """Check what only all rows together show."""
    tell = within(work.progress, progress.CHECKING, len(work.kinds) + 3)
    with work.stage.working() as session:
        for done, kind in enumerate(work.kinds):
            tell(done)
            references.index_keys(session, kind, work.problems)
        tell(len(work.kinds))
        kept.judge_parents(session, work.graph, "", 0)
        references.note_wrong_parents(session, work.graph, work.problems)
        references.note_unknown(session, work.problems)
        tell(len(work.kinds) + 2)
        references.note_others_invoices(session, work.problems)
        references.warn_of_addresses(session, work.problems)
        work.erased = references.leave_out_erased(session, work.problems)
    messaging.warn_of_addresses(work.messaging, work.problems)
