"""Steps 4 to 6 of an import: what is new or changed, the documents, and the one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, NoResultFound

from webapp.documents import findings
from webapp.imports import (
    changes,
    merging,
    messaging,
    messaging_store,
    progress,
    references,
    removals,
    staged,
)
from webapp.imports import documents as in_folder
from webapp.imports.changes import RowChange
from webapp.imports.circles import ParentLink
from webapp.imports.intake import Work
from webapp.imports.kinds import Kind
from webapp.imports.merging import MergeCounts
from webapp.imports.problems import ImportRefused
from webapp.imports.progress import within
from webapp.imports.reading import CsvRow
from webapp.imports.targets import CLUSTER, TARGETS, Target
from webapp.store.documents import DocumentStore
from webapp.store.users import AuditEntry

WORDS = {
    "mail_server": "mail servers",
    "sender": "senders",
    "recipient_key": "recipient keys",
    "transformation": "invoice transformations",
    "template": "message templates",
    "template_part": "parts of templates",
    "definition": "message definitions",
}


@dataclass
class Plan:
    """What is to be stored."""

    parts: dict[str, tuple[list[CsvRow], list[CsvRow], int]]
    counts: dict[str, MergeCounts] = field(default_factory=dict)
    by_file: dict[str, MergeCounts] = field(default_factory=dict)
    edges: tuple[set[ParentLink], set[ParentLink]] = (set(), set())
    rows: list[RowChange] = field(default_factory=list)

    @property
    def changes_anything(self) -> bool:
        """Whether anything is new, different or removed."""
        return any(counts.changes_anything for counts in self.counts.values())

    def objection(self, allowed: int | None) -> str:
        """Why so much must not be taken away, in words; empty if it may (removals.py)."""
        taken = {words: (counts.removed, counts.new + counts.changed + counts.unchanged)
                 for words, counts in self.counts.items()}  # fmt: skip
        return removals.objection(taken, allowed)


def compare(work: Work, rows_max: int | None) -> Plan:
    """What the folder would change, with up to `rows_max` rows of each kind and file (None: all)."""
    plan = Plan(messaging_store.differing(work.messaging, work.stored))
    if messaging.FILE in work.files:
        for table, (new, changed, unchanged) in plan.parts.items():
            plan.counts[WORDS[table]] = MergeCounts(len(new), len(changed), unchanged)
        plan.rows += changes.of_messaging(WORDS, plan.parts, work.stored)
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
                counts = MergeCounts(counts.new, moved, counts.unchanged - moved)
                plan.rows += changes.of_edges(kind.words, plan.edges, known)
            plan.by_file[kind.file] = plan.counts[kind.words] = counts
            plan.rows += changes.of_file(session, kind, target, counts, rows_max)
    return plan


def _targets(work: Work) -> list[tuple[Kind, Target]]:
    by_table = {target.staged.name: target for target in TARGETS}
    return [(kind, by_table[kind.table.name]) for kind in work.kinds]


def keep_documents(work: Work, documents: DocumentStore) -> None:
    """Every document of the folder into the store, those that it lacks."""
    wanted = select(staged.DOCUMENT.c.sha256, staged.DOCUMENT.c.size, staged.DOCUMENT.c.path)
    with work.stage.working() as session:
        rows = session.execute(wanted.order_by(staged.DOCUMENT.c.line).execution_options(yield_per=1000))
        total = work.rows.get("transformation_results.csv", 0)
        altered = findings.altered(session)
        in_folder.keep(documents, rows, within(work.progress, progress.DOCUMENTS, total), altered)
    if altered:
        with work.stage.merging() as session:
            findings.check_all_again(session, altered)


def store(work: Work, plan: Plan, actor: str) -> None:
    """The one transaction that changes the database. Raises ImportRefused if others changed it meanwhile."""
    if not plan.changes_anything:
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
    with work.stage.working() as session:
        merging.count_rows(session, [target for _, target in targets])
    tell(len(targets))


def _audit(folder: Path, plan: Plan, actor: str) -> AuditEntry:
    parts = [
        f"{words}: {c.new} new, {c.changed} changed{f', {c.removed} removed' if c.removed else ''}"
        for words, c in plan.counts.items()
    ]
    return AuditEntry(actor=actor, action="import", subject=repr(folder.name)[:200], detail="; ".join(parts))
