"""Changes of documents of one invoice by a person, which an import respects (webapp/sources.py). The bytes of
a document that is replaced or removed stay in the store: a mail may have gone out with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit, edits, since_mailed, sources
from webapp.access import Viewer
from webapp.documents import document_checks, findings
from webapp.errors import NotFound, Refused
from webapp.extensions import Runtime
from webapp.invoices.detail import subject
from webapp.invoices.editing import locked
from webapp.invoices.uploads import StoredUpload
from webapp.store.database import after_commit
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.statuses import Finding, LockProblem, Origin
from webapp.translation import _


def document_values(documents: list[TransformationResult]) -> dict[str, Any]:
    """The documents under a transformation, for a fingerprint."""
    return {"documents": sorted([each.id, each.file_name, each.sha256] for each in documents)}


def add(
    session: Session,
    runtime: Runtime,
    viewer: Viewer,
    invoice_id: int,
    transformation_id: int,
    kept: StoredUpload,
) -> TransformationResult:
    """Add a document that is stored; an import never removes it. Raises Refused and NotFound."""
    invoice = locked(session, viewer, invoice_id)
    kind = transformation(session, transformation_id)
    stored = _under(session, invoice, kind)
    _refuse_twice(stored, kept, kind)
    made = TransformationResult(
        invoice_id=invoice.id, transformation_id=kind.id, origin=Origin.ADDED, **vars(kept)
    )
    session.add(made)
    session.flush()
    _note(session, viewer, invoice, kind, _said(stored), _said([*stored, made]))
    _check_later(session, runtime, made)
    return made


def replace(
    session: Session,
    runtime: Runtime,
    viewer: Viewer,
    invoice_id: int,
    document_id: int,
    kept: StoredUpload,
    seen: str,
) -> TransformationResult:
    """Put another file, which is stored, in this document's place. Raises Refused and NotFound."""
    invoice, kind, stored, replaced = _locked(session, viewer, invoice_id, document_id, seen)
    _refuse_twice([each for each in stored if each is not replaced], kept, kind)
    before = _said(stored)
    if kept.sha256 == replaced.sha256 and kept.file_name == replaced.file_name:
        raise Refused(_("“%(name)s” is this very document. Choose another file.", name=kept.file_name))
    sources.remember_documents(session, invoice.id, kind.name)
    for name, value in vars(kept).items():
        setattr(replaced, name, value)
    replaced.origin = Origin.ADDED if replaced.origin == Origin.ADDED else Origin.CHANGED
    replaced.found_in, replaced.finding, replaced.finding_words = "", Finding.UNCHECKED, ""
    replaced.suspect, replaced.lock_problem = False, LockProblem.NONE
    replaced.passed_by, replaced.passed_at = "", None
    session.flush()
    _note(session, viewer, invoice, kind, before, _said(stored))
    _check_later(session, runtime, replaced)
    return replaced


STATE = ("file_name", "media_type", "size", "sha256", "found_in", "finding", "finding_words", "suspect",
         "lock_problem", "passed_by", "origin")  # fmt: skip


def state_of(document: TransformationResult) -> list[Any]:
    """What a document is, for `restore`."""
    return [getattr(document, name) for name in STATE]


def restore(session: Session, viewer: Viewer, document_id: int, state: list[Any], seen: str) -> None:
    """Make a document again what it was: `state` is what `state_of` gave. Raises Refused and NotFound."""
    invoice, kind, stored, document = _locked(
        session, viewer, _owner(session, document_id), document_id, seen
    )
    before = _said(stored)
    for name, value in zip(STATE, state, strict=True):
        setattr(document, name, value)
    session.flush()
    _note(session, viewer, invoice, kind, before, _said(stored))


def take_out(session: Session, viewer: Viewer, document_id: int, seen: str) -> None:
    """Remove a document that is known by its id alone. Raises Refused and NotFound."""
    remove(session, viewer, _owner(session, document_id), document_id, seen)


def seen_beside(session: Session, document: TransformationResult) -> str:
    """The fingerprint of all documents under this one's transformation, as a form has it."""
    invoice = session.get_one(Invoice, document.invoice_id)
    kind = transformation(session, document.transformation_id)
    return edits.fingerprint(document_values(_under(session, invoice, kind)))


def _owner(session: Session, document_id: int) -> int:
    owner = select(TransformationResult.invoice_id).where(TransformationResult.id == document_id)
    return session.scalar(owner) or 0


def remove(
    session: Session, viewer: Viewer, invoice_id: int, document_id: int, seen: str
) -> TransformationResult:
    """Remove a document. Raises Refused and NotFound."""
    invoice, kind, stored, removed = _locked(session, viewer, invoice_id, document_id, seen)
    sources.remember_documents(session, invoice.id, kind.name)
    session.delete(removed)
    session.flush()
    left = [each for each in stored if each is not removed]
    _note(session, viewer, invoice, kind, _said(stored), _said(left))
    return removed


def release(
    session: Session, viewer: Viewer, invoice_id: int, document_id: int, seen: str
) -> TransformationResult:
    """Let a suspect document pass: a person has looked at it. Raises Refused and NotFound."""
    invoice, _kind, _stored, document = _locked(session, viewer, invoice_id, document_id, seen)
    if not document.suspect:
        return document
    this = select(TransformationResult.id).where(TransformationResult.id == document.id)
    findings.let_pass(session, this, viewer.name)
    session.refresh(document)
    if document.suspect:
        raise Refused(
            _(
                "%(name)s %(finding)s. Replace it with the right file.",
                name=document.file_name,
                finding=findings.said(document),
            )
        )
    audit.note(session, viewer.name, "release", subject(invoice), document.file_name)
    return document


def transformation(session: Session, transformation_id: int) -> Transformation:
    """The transformation. Raises NotFound."""
    found = session.get(Transformation, transformation_id)
    if found is None:
        raise NotFound(_("There is no such transformation."))
    return found


def _locked(
    session: Session, viewer: Viewer, invoice_id: int, document_id: int, seen: str
) -> tuple[Invoice, Transformation, list[TransformationResult], TransformationResult]:
    """The document with its invoice, locked, and all others under its transformation. Raises Refused if these
    are not what the form showed."""
    invoice = locked(session, viewer, invoice_id)
    document = session.get(TransformationResult, document_id, populate_existing=True)
    if document is None or document.invoice_id != invoice.id:
        raise NotFound(_("There is no such document."))
    kind = session.get_one(Transformation, document.transformation_id)
    stored = _under(session, invoice, kind)
    edits.refuse_if_changed(session, subject(invoice), document_values(stored), seen)
    return invoice, kind, stored, document


def _under(session: Session, invoice: Invoice, kind: Transformation) -> list[TransformationResult]:
    return list(
        session.scalars(
            select(TransformationResult)
            .where(
                TransformationResult.invoice_id == invoice.id,
                TransformationResult.transformation_id == kind.id,
            )
            .order_by(TransformationResult.id)
        )
    )


def _note(
    session: Session,
    viewer: Viewer,
    invoice: Invoice,
    kind: Transformation,
    before: list[str],
    after: list[str],
) -> None:
    name = f"documents “{kind.name}”"
    since_mailed.mark(session, Invoice.id == invoice.id)
    edits.note_change(session, viewer.name, subject(invoice), {name: before}, {name: after})


def _said(documents: list[TransformationResult]) -> list[str]:
    return [f"{each.file_name} ({each.sha256[:12]})" for each in documents]


def _refuse_twice(stored: list[TransformationResult], kept: StoredUpload, kind: Transformation) -> None:
    if any(each.file_name == kept.file_name for each in stored):
        raise Refused(
            _(
                "There is a document “%(name)s” under %(kind)s already. Replace that one, or give the file "
                "another name.",
                name=kept.file_name,
                kind=kind.name,
            )
        )


def _check_later(session: Session, runtime: Runtime, document: TransformationResult) -> None:
    """Have the document checked once it is committed, so that the page says at once what was found."""
    ours = TransformationResult.id == document.id
    callback: Callable[[], object] = lambda: document_checks.check(runtime.database, runtime.documents, ours)  # noqa: E731
    after_commit(session, callback)
