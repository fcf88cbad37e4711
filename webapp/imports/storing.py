"""Steps 4 to 6 of an import: what is new or changed, the documents, and the one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session

from webapp import audit, progress, sources
from webapp.document_store.stores import DocumentStore
from webapp.documents import findings
from webapp.imports import (
    changes,
    kept,
    kept_sets,
    merging,
    messaging,
    messaging_store,
    references,
    removals,
    staged,
    touched,
)
from webapp.imports import documents as in_folder
from webapp.imports.changes import RowChange
from webapp.imports.circles import ParentLink
from webapp.imports.intake import Work
from webapp.imports.kept import Judgement
from webapp.imports.kinds import CHANGED_HERE, Kind
from webapp.imports.merging import MergeCounts
from webapp.imports.messaging_keys import WORDS
from webapp.imports.problems import ImportRefused, TooMuchRemoved
from webapp.imports.reading import CsvRow
from webapp.imports.staging import must_be_storable
from webapp.imports.targets import TARGETS, Target, respecting_people
from webapp.progress import within
from webapp.store import locks
from webapp.store.users import AuditEntry


@dataclass
class ImportPlan:
    """What is to be stored. `targets` and `judged`, by file: where its rows go, and what people changed of
    what it names. `forgotten`: of settings, what the file says something new of. `after`: the import before
    this one. `row_told` is told of every row that is new, changed or removed, also of those that `rows`
    leaves out."""

    parts: dict[str, tuple[list[CsvRow], list[CsvRow], int]]
    rows_max: int | None
    after: int | None
    row_told: Callable[[RowChange], None] | None = None
    forgotten: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, MergeCounts] = field(default_factory=dict)
    by_file: dict[str, MergeCounts] = field(default_factory=dict)
    edges: tuple[set[ParentLink], set[ParentLink]] = (set(), set())
    rows: list[RowChange] = field(default_factory=list)
    targets: dict[str, Target] = field(default_factory=dict)
    judged: dict[str, Judgement] = field(default_factory=dict)

    def tell(self, rows: Iterable[RowChange]) -> None:
        """Keep as many of these rows of each kind as may be kept."""
        kept = Counter[str]()
        for row in rows:
            if self.row_told is not None:
                self.row_told(row)
            kept[row.kind] += 1
            if self.rows_max is None or kept[row.kind] <= self.rows_max:
                self.rows.append(row)

    @property
    def changes_anything(self) -> bool:
        """Whether anything is new, different or removed, or is the source's from now on."""
        return any(counts.changes_anything or counts.source_wins for counts in self.counts.values())

    def objection(self, allowed: int | None) -> str:
        """Why so much must not be taken away, in words; empty if it may (removals.py)."""
        taken = {words: (counts.removed, counts.new + counts.changed + counts.unchanged)
                 for words, counts in self.counts.items()}  # fmt: skip
        return removals.objection(taken, allowed)


def compare(
    work: Work, rows_max: int | None, row_told: Callable[[RowChange], None] | None = None
) -> ImportPlan:
    """What the folder would change, with up to `rows_max` rows of each kind and file (None: all)."""
    with work.stage.working() as session:
        return _compare(session, work, rows_max, row_told)


def _compare(
    session: Session,
    work: Work,
    rows_max: int | None,
    row_told: Callable[[RowChange], None] | None = None,
) -> ImportPlan:
    found = messaging_store.differing(session, work.messaging, work.stored)
    after = _last_import(session)
    plan = ImportPlan(found.parts, rows_max, after, row_told, forgotten=found.forgotten)
    if messaging.FILE in work.files:
        for table, (new, changed, unchanged) in plan.parts.items():
            told = Counter(kind for kind, _, _ in found.told.get(table, ()))
            kept_here = {"kept": told[changes.KEPT], "source_wins": told[changes.SOURCE_WINS]}
            plan.counts[WORDS[table]] = MergeCounts(len(new), len(changed), unchanged, **kept_here)
        for table in plan.parts:
            plan.tell(changes.of_messaging(WORDS, {table: plan.parts[table]}, work.stored))
        for table, rows in found.told.items():
            plan.tell(RowChange(WORDS[table], kind, name, (words,)) for kind, name, words in rows)
    tell = within(work.progress, progress.COMPARING, len(work.kinds))
    for done, (kind, target) in enumerate(_targets(work)):
        tell(done)
        _compare_file(session, work, plan, kind, target)
    if CHANGED_HERE in work.files:
        plan.counts["values changed by people"] = touched.count_carried(session)
    return plan


def _compare_file(session: Session, work: Work, plan: ImportPlan, kind: Kind, target: Target) -> None:
    merging.clear(session, target)
    found = _judge(session, work, kind, target, plan.rows_max)
    if found.kept or found.spared:
        note = kept_sets.note if target.scope else kept.note
        note(session, target, found)
        target = respecting_people(target)
    counts = merging.compare(session, target, work.rows[kind.file])
    if target.staged is staged.CLUSTER:
        plan.edges = work.graph.changes(references.stored_edges(session))
        known = merging.known_clusters(session)
        moved = len({child for edges in plan.edges for child, _ in edges} & known)
        counts = MergeCounts(counts.new, moved, counts.unchanged - moved)
        plan.tell(changes.of_edges(kind.words, plan.edges, known))
    if target.scope:
        kept_sets.tell_added(session, target, found)
    told = {word.replace(" ", "_"): count for word, count in found.counts.items()}
    plan.by_file[kind.file] = plan.counts[kind.words] = replace(counts, **told)
    at_most = plan.rows_max if plan.row_told is None else None
    plan.tell(changes.of_file(session, kind, target, counts, at_most))
    plan.tell(sorted(found.told, key=lambda row: row.kind))
    plan.targets[kind.file], plan.judged[kind.file] = target, found


def _judge(session: Session, work: Work, kind: Kind, target: Target, rows_max: int | None) -> Judgement:
    """What people changed of what this file names."""
    if target.staged is staged.CLUSTER:
        return kept.judge_parents(session, work.graph, kind.words, rows_max)
    judge = kept_sets.judge if target.scope else kept.judge
    return judge(session, kind, target, rows_max)


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


def store(
    work: Work,
    plan: ImportPlan,
    actor: str,
    allowed_removals: int | None,
    finish: Callable[[Session, ImportPlan], None],
) -> ImportPlan:
    """The one transaction that changes the database, with `finish` at its end; gives what it did, which is
    the plan unless people changed what the folder names meanwhile. Raises ImportRefused if other things were
    changed meanwhile, or if more would be removed by now than may be."""
    if not plan.changes_anything:
        return plan
    targets = _targets(work)
    tell = within(work.progress, progress.STORING, len(targets) + 1)
    try:
        with work.stage.merging() as session:
            locks.lock_imports(session.connection())
            must_be_storable(session, work.passwords, work.erased)
            plan = _settle(session, work, plan)
            if objection := plan.objection(allowed_removals):
                raise TooMuchRemoved([objection])
            last = touched.note_before(session, plan.by_file)
            messaging_store.merge(session, plan.parts)
            sources.forget_all(session, plan.forgotten)
            for done, (kind, _) in enumerate(targets):
                tell(done)
                target, counts = plan.targets[kind.file], plan.by_file[kind.file]
                merging.store(session, target, counts, locks_tables=work.locks_tables)
                if kind.table is staged.CLUSTER:
                    merging.store_edges(session, *plan.edges)
                sources.forget_all(session, plan.judged[kind.file].forgotten)
            tell(len(targets))
            touched.index(session, plan.by_file, last)
            if CHANGED_HERE in work.files:
                touched.store_carried(session)
            _audit(session, work, plan, actor)
            finish(session, plan)
    except (IntegrityError, NoResultFound) as error:
        raise ImportRefused(
            ["what is stored was changed while the import ran; nothing was imported, start it again"]
        ) from error
    with work.stage.working() as session:
        merging.count_rows(session, [target for _, target in targets])
    tell(len(targets) + 1)
    return plan


def _settle(session: Session, work: Work, plan: ImportPlan) -> ImportPlan:
    """Hold what is about to change, and compare once more if people have changed any of it meanwhile, or if
    another import came first: what they changed stays, and this import speaks last."""
    for _ in range(COMPARED_AGAIN_MAX):
        touched.hold(session)
        stored = messaging_store.held(session, plan.parts)
        judged = (
            _judge(session, work, kind, target, 0).seen == plan.judged[kind.file].seen
            for kind, target in _targets(work)
        )
        if _last_import(session) == plan.after and all(judged) and stored == work.stored:
            return plan
        work.stored = stored
        plan = _compare(session, work, plan.rows_max)
    return plan


def _last_import(session: Session) -> int | None:
    imports = select(AuditEntry.id).where(AuditEntry.action == IMPORT)
    return session.scalar(imports.order_by(AuditEntry.id.desc()).limit(1))


IMPORT = "import"
"""The action in the audit trail."""

COMPARED_AGAIN_MAX = 3
"""Once is enough on SQLite, where no one else writes meanwhile; on PostgreSQL rows that only the second
comparison names are held after it."""


def _audit(session: Session, work: Work, plan: ImportPlan, actor: str) -> None:
    told = "; ".join(f"{words}: {_counted(counts)}" for words, counts in plan.counts.items())
    audit.add(session, actor, IMPORT, (work.called or repr(work.folder.name))[:200], told)


def _counted(counts: MergeCounts) -> str:
    rest = (("removed", counts.removed), ("kept", counts.kept + counts.kept_removed))
    return ", ".join(
        [f"{counts.new} new", f"{counts.changed} changed", *(f"{n} {word}" for word, n in rest if n)]
    )
