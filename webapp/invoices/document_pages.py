"""The documents of one invoice, to look at and to download, and the forms that change them.

A document may contain anything: it is shown in a form that can run nothing, text in a frame without
rights."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.extensions import runtime
from webapp.invoices import document_editing
from webapp.invoices.detail_pages import apply_to_invoice, visible_invoice
from webapp.invoices.document_editing import Upload
from webapp.mailing.parsed_mail import safe_name
from webapp.store.db import db
from webapp.store.documents import DocumentMissing
from webapp.store.invoices import TransformationResult
from webapp.web import untrusted
from webapp.web.access_control import viewer
from webapp.web.query_args import id_in
from webapp.web.view_flags import takes_documents

invoice_documents = Blueprint("invoice_documents", __name__)


@invoice_documents.get("/invoices/<int:invoice_id>/documents/<int:document_id>")
def document(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """A document: as a download or, with `look`, for the browser to show."""
    found = _visible(invoice_id, document_id)
    content = _content(found)
    answer = untrusted.to_look_at if request.args.get("look") else untrusted.to_save
    shown: Response = answer(content, found.media_type, safe_name(found.file_name) or f"document-{found.id}")
    return shown


@invoice_documents.get("/invoices/<int:invoice_id>/documents/<int:document_id>/view")
def view(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """A page with a document of text in a frame without rights."""
    found = _visible(invoice_id, document_id)
    if not is_framed(found):
        abort(404)
    return render_template("invoices/document.html", invoice=visible_invoice(invoice_id), document=found)


@invoice_documents.get("/invoices/<int:invoice_id>/documents/<int:document_id>/frame")
def frame(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """The text of a document, for that frame."""
    found = _visible(invoice_id, document_id)
    if not is_framed(found):
        abort(404)
    return untrusted.as_text(_content(found).decode("utf-8", "replace"))


@invoice_documents.post("/invoices/<int:invoice_id>/documents")
@takes_documents
def add(invoice_id: int) -> ResponseReturnValue:
    """Add a document under a transformation."""
    kind, given = id_in(request.form.get("transformation", "")) or abort(400), _upload()

    def effect(session: Session) -> str:
        made = document_editing.add(session, runtime(), viewer(), invoice_id, kind, given)
        return f"{made.file_name} is added."

    return apply_to_invoice(invoice_id, f"add-{kind}", "documents", effect)


@invoice_documents.post("/invoices/<int:invoice_id>/documents/<int:document_id>")
@takes_documents
def replace(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """Put another file in the document's place."""
    given, seen = _upload(), request.form.get("seen", "")

    def effect(session: Session) -> str:
        made = document_editing.replace(session, runtime(), viewer(), invoice_id, document_id, given, seen)
        return f"Replaced by {made.file_name}. Mails already sent keep the document that they had."

    return apply_to_invoice(invoice_id, f"document-{document_id}", "documents", effect)


@invoice_documents.post("/invoices/<int:invoice_id>/documents/<int:document_id>/remove")
def remove(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """Remove a document."""
    seen = request.form.get("seen", "")

    def effect(session: Session) -> str:
        removed = document_editing.remove(session, viewer(), invoice_id, document_id, seen)
        return f"{removed.file_name} is removed. Mails already sent keep it."

    return apply_to_invoice(invoice_id, f"document-{document_id}", "documents", effect)


@invoice_documents.post("/invoices/<int:invoice_id>/documents/<int:document_id>/release")
def release(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """Release a suspect document."""
    seen = request.form.get("seen", "")

    def effect(session: Session) -> str:
        document = document_editing.release(session, viewer(), invoice_id, document_id, seen)
        return f"{document.file_name} is released. Runs can mail it."

    return apply_to_invoice(invoice_id, f"document-{document_id}", "documents", effect)


def is_framed(document: TransformationResult) -> bool:
    """Whether the document is text, which a frame shows; a PDF needs the browser's own viewer, which a frame
    without rights switches off."""
    return untrusted.may_be_shown(document.media_type) and document.media_type.lower() != "application/pdf"


def _visible(invoice_id: int, document_id: int) -> TransformationResult:
    invoice = visible_invoice(invoice_id)
    found = db.session.scalar(
        select(TransformationResult).where(
            TransformationResult.id == document_id, TransformationResult.invoice_id == invoice.id
        )
    )
    return found or abort(404)


def _content(document: TransformationResult) -> bytes:
    digest = document.sha256
    db.session.expunge(document)
    db.end_reading()
    try:
        return runtime().documents.get(digest)
    except DocumentMissing as missing:
        abort(404, f"{missing}.")


def _upload() -> Upload:
    file = request.files.get("file")
    return Upload(file.filename or "", file.read()) if file else Upload("", b"")
