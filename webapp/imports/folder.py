"""`import_folder`: everything that a folder says goes into the database, or nothing.

 1. Read and check messaging.toml, then the CSV files line by line into temporary tables (no write lock).
 2. Check what only all rows together show.
 3. Refuse, with every problem, or go on.
 4. Compare with what is stored: new, changed, unchanged.
 5. Put the documents into the store; they are found by their content, so that they harm nobody if step 6 fails.
 6. Store what is new and changed, in one short transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, NoResultFound, OperationalError
from sqlalchemy.orm import Session

from webapp.imports import documents as in_folder
from webapp.imports import kinds, merging, messaging, messaging_store, progress, references, staged, staging
from webapp.imports.circles import Graph
from webapp.imports.documents import Found, Inspector
from webapp.imports.kinds import Kind
from webapp.imports.merging import Counts
from webapp.imports.problems import ImportRefused, Problems
from webapp.imports.progress import Progress, within
from webapp.imports.reading import Row, checked_rows
from webapp.imports.staging import Stage
from webapp.imports.targets import CLUSTER, TARGETS
from webapp.store.database import Database
from webapp.store.documents import DocumentFolder
from webapp.store.people import AuditEntry

CSV_FILES = ("clusters.csv", "customers.csv", "emails.csv", "invoices.csv", "transformation_results.csv")
FILES = (messaging.FILE, *CSV_FILES)

WORDS = {
    "mail_server": "mail servers",
    "sender": "senders",
    "recipient_key": "recipient keys",
    "transformation": "invoice transformations",
    "template": "message templates",
    "definition": "message definitions",
}


@dataclass(frozen=True)
class Imported:
    """What an import did, or, after a dry run, would do: counts by the word for the things, those of the
    folder's files only."""

    counts: dict[str, Counts]
    dry_run: bool

    @property
    def changed_anything(self) -> bool:
        """Whether anything was new or different."""
        return any(counts.new or counts.changed for counts in self.counts.values())


@dataclass
class Work:
    """What the steps of one import hand to each other."""

    folder: Path
    files: tuple[str, ...]
    stage: Stage
    progress: Progress
    problems: Problems = field(default_factory=Problems)
    graph: Graph = field(default_factory=Graph)
    messaging: messaging.Messaging = field(default_factory=messaging.Messaging)
    stored: messaging_store.Stored = field(default_factory=dict)
    kinds: list[Kind] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)


def import_folder(
    database: Database,
    documents: DocumentFolder,
    folder: Path,
    *,
    dry_run: bool = False,
    report: Progress = progress.silent,
    bcc_domains: Sequence[str] = (),
    actor: str = "command line",
) -> Imported:
    """Imports the folder whole, or raises ImportRefused with everything that is wrong, and changes nothing.

    `dry_run` checks and compares only. `bcc_domains`: where a Bcc of a definition may go, none: anywhere.
    Memory is bounded, however large the files are."""
    files = _files(folder)
    try:
        with staging.opened(database) as stage:
            work = Work(folder, files, stage, report)
            _read(work, bcc_domains)
            _check(work)
            work.problems.refuse()
            plan = _compare(work)
            if not dry_run:
                _keep_documents(work, documents)
                _store(work, plan, actor)
            return Imported(plan.counts, dry_run)
    except OperationalError as error:
        raise ImportRefused([f"the database cannot go on: {error.orig}; nothing was imported"]) from error


def _files(folder: Path) -> tuple[str, ...]:
    if not folder.is_dir():
        raise ImportRefused([f"{folder}: there is no such folder"])
    files = tuple(name for name in FILES if (folder / name).exists())
    if not files:
        raise ImportRefused([f"{folder}: there is nothing to import; it has none of {', '.join(FILES)}"])
    for name in files:
        if not (folder / name).is_file():
            raise ImportRefused([f"{name}: is not a file"])
    return files


def _read(work: Work, bcc_domains: Sequence[str]) -> None:
    """Everything into the temporary tables, row by row checked."""
    sizes = {name: (work.folder / name).stat().st_size for name in work.files}
    tell = within(work.progress, progress.READING, sum(sizes.values()))
    before = 0
    with work.stage.working() as session:
        work.stored = messaging_store.stored(session)
    if messaging.FILE in work.files:
        _read_messaging(work, bcc_domains)
        before = sizes[messaging.FILE]
    for kind in _kinds(work):
        if kind.file in work.files:
            _read_csv(work, kind, lambda read, before=before: tell(before + read))  # type: ignore[misc]
            before += sizes[kind.file]


def _read_messaging(work: Work, bcc_domains: Sequence[str]) -> None:
    work.messaging = messaging.read(work.folder / messaging.FILE, work.problems, bcc_domains)
    names = {table: {key[0] for key in found} for table, found in work.stored.items()}
    messaging.note_unknown(work.messaging, names, work.problems)
    with work.stage.working() as session:
        for table, where, column in (
            ("recipient_key", staged.RECIPIENT_KEY, "key"),
            ("transformation", staged.TRANSFORMATION, "name"),
        ):
            rows = ({"line": n, column: name} for n, name in enumerate(work.messaging.names(table)))
            work.stage.fill(session, where, rows)


def _kinds(work: Work) -> list[Kind]:
    scaled = work.stage.dialect == "sqlite"
    files = [kinds.clusters(), kinds.customers(), kinds.emails(), kinds.invoices(scaled=scaled)]
    return [*files, kinds.transformation_results(lambda row: ())]


def _read_csv(work: Work, kind: Kind, tell: Callable[[int], None]) -> None:
    work.kinds.append(kind)
    path = work.folder / kind.file
    with work.stage.working() as session:
        if kind.table is staged.RESULT:
            rows = _with_documents(work, session, path, tell)
        else:
            rows = checked_rows(path, kind, work.problems, tell)
        if kind.table is staged.CLUSTER:
            rows = _into_graph(work.graph, rows)
        work.rows[kind.file] = work.stage.fill(session, kind.table, rows)


def _into_graph(graph: Graph, rows: Iterable[Row]) -> Iterable[Row]:
    for row in rows:
        graph.add(row["line"], row["tag_name"], row["parents"] or ())
        yield row


def _with_documents(
    work: Work, session: Session, path: Path, tell: Callable[[int], None]
) -> Iterable[Row]:
    """The rows of transformation_results.csv, each with what was found out about its document."""
    waiting: list[dict[str, Any]] = []
    count = 0

    def found(document: Found) -> None:
        nonlocal count
        count += 1
        values = {"sha256": document.sha256, "size": document.size, "path": str(document.path)}
        waiting.append({"line": count, **values})

    types = {name[0]: str(values["output_type"]) for name, values in work.stored["transformation"].items()}
    for entry in work.messaging.entries["transformation"]:
        types[entry.values["name"]] = entry.values["output_type"]
    inspector = Inspector(work.folder, types, found)
    for row in checked_rows(path, kinds.transformation_results(inspector.judge), work.problems, tell):
        yield row
        if len(waiting) >= staging.BATCH:
            work.stage.fill(session, staged.DOCUMENT, waiting)
            waiting.clear()
    work.stage.fill(session, staged.DOCUMENT, waiting)


def _check(work: Work) -> None:
    """What only all rows together show."""
    tell = within(work.progress, progress.CHECKING, len(work.kinds) + 3)
    with work.stage.working() as session:
        for done, kind in enumerate(work.kinds):
            tell(done)
            references.index_keys(session, kind, work.problems)
        tell(len(work.kinds))
        references.note_wrong_parents(session, work.graph, work.problems)
        references.note_unknown(session, work.problems)
        tell(len(work.kinds) + 2)
        references.note_others_invoices(session, work.problems)


@dataclass
class Plan:
    """What is to be stored."""

    parts: dict[str, tuple[list[Row], list[Row], int]]
    counts: dict[str, Counts] = field(default_factory=dict)
    by_file: dict[str, Counts] = field(default_factory=dict)
    edges: tuple[set[tuple[str, str]], set[tuple[str, str]]] = (set(), set())


def _compare(work: Work) -> Plan:
    plan = Plan(messaging_store.differing(work.messaging, work.stored))
    if messaging.FILE in work.files:
        for table, (new, changed, unchanged) in plan.parts.items():
            plan.counts[WORDS[table]] = Counts(len(new), len(changed), unchanged)
    tell = within(work.progress, progress.COMPARING, len(work.kinds))
    with work.stage.working() as session:
        for done, (kind, target) in enumerate(_targets(work)):
            tell(done)
            counts = merging.compare(session, target, work.rows[kind.file])
            if target is CLUSTER:
                stored = references.stored_edges(session)
                plan.edges = work.graph.changes(stored)
                known = merging.known_clusters(session)
                moved = len({child for edges in plan.edges for child, _ in edges} & known)
                counts = Counts(counts.new, moved, counts.unchanged - moved)
            plan.by_file[kind.file] = plan.counts[kind.words] = counts
    return plan


def _targets(work: Work) -> list[tuple[Kind, merging.Target]]:
    by_table = {target.staged.name: target for target in TARGETS}
    return [(kind, by_table[kind.table.name]) for kind in work.kinds]


def _keep_documents(work: Work, documents: DocumentFolder) -> None:
    wanted = select(staged.DOCUMENT.c.sha256, staged.DOCUMENT.c.size, staged.DOCUMENT.c.path)
    with work.stage.working() as session:
        rows = session.execute(wanted.order_by(staged.DOCUMENT.c.line).execution_options(yield_per=1000))
        total = work.rows.get("transformation_results.csv", 0)
        in_folder.keep(documents, rows.tuples(), within(work.progress, progress.DOCUMENTS, total))


def _store(work: Work, plan: Plan, actor: str) -> None:
    if not Imported(plan.counts, False).changed_anything:
        return
    targets = _targets(work)
    tell = within(work.progress, progress.STORING, len(targets))
    try:
        with work.stage.merging() as session:
            messaging_store.merge(session, plan.parts)
            for done, (kind, target) in enumerate(targets):
                tell(done)
                merging.store(session, target, plan.by_file[kind.file])
                if target is CLUSTER:
                    merging.store_edges(session, *plan.edges)
            session.add(_audit(work.folder, plan, actor))
    except (IntegrityError, NoResultFound) as error:
        raise ImportRefused(
            ["what is stored was changed while the import ran; nothing was imported, start it again"]
        ) from error
    tell(len(targets))


def _audit(folder: Path, plan: Plan, actor: str) -> AuditEntry:
    parts = [f"{words}: {c.new} new, {c.changed} changed" for words, c in plan.counts.items()]
    return AuditEntry(actor=actor, action="import", subject=repr(folder.name)[:200], detail="; ".join(parts))
