"""The documents of one invoice, to look at and to download, and the forms that change them.

A document may contain anything: it is shown in a form that can run nothing, text in a frame without
rights."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.document_store.stores import DocumentMissing
from webapp.documents.media_types import PDF
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.invoices import document_editing, uploads
from webapp.invoices.detail_pages import apply_to_invoice, refuse_form, visible_invoice
from webapp.invoices.uploads import StoredUpload, Upload
from webapp.mailing.parsed_mail import safe_name
from webapp.store.db import db
from webapp.store.invoices import Transformation, TransformationResult
from webapp.translation import _
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
    """A page with a document of text in a frame without rights; with `frame`, the text for that frame. A PDF
    needs the browser's own viewer, which such a frame switches off."""
    found = _visible(invoice_id, document_id)
    is_text = untrusted.may_be_shown(found.media_type) and found.media_type.lower() != PDF
    if request.args.get("frame"):
        return untrusted.as_text(_content(found).decode("utf-8", "replace")) if is_text else abort(404)
    invoice = visible_invoice(invoice_id)
    return render_template("invoices/document.html", invoice=invoice, document=found, is_text=is_text)


@invoice_documents.post("/invoices/<int:invoice_id>/documents")
@takes_documents
def add(invoice_id: int) -> ResponseReturnValue:
    """Add a document under a transformation."""
    kind = id_in(request.form.get("transformation", "")) or abort(400)
    form = f"add-{kind}"
    visible_invoice(invoice_id)
    try:
        kept = _store(kind)
    except Refused as refusal:
        return refuse_form(invoice_id, form, str(refusal))

    def effect(session: Session) -> str:
        made = document_editing.add(session, runtime(), viewer(), invoice_id, kind, kept)
        return _("%(name)s is added.", name=made.file_name)

    return apply_to_invoice(invoice_id, form, "documents", effect)


@invoice_documents.post("/invoices/<int:invoice_id>/documents/<int:document_id>")
@takes_documents
def replace(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """Put another file in the document's place."""
    seen, form = request.form.get("seen", ""), f"document-{document_id}"
    try:
        kept = _store(_visible(invoice_id, document_id).transformation_id)
    except Refused as refusal:
        return refuse_form(invoice_id, form, str(refusal))

    def effect(session: Session) -> str:
        made = document_editing.replace(session, runtime(), viewer(), invoice_id, document_id, kept, seen)
        return _(
            "Replaced by %(name)s. Mails already sent keep the document that they had.", name=made.file_name
        )

    return apply_to_invoice(invoice_id, form, "documents", effect)


@invoice_documents.post("/invoices/<int:invoice_id>/documents/<int:document_id>/remove")
def remove(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """Remove a document."""
    seen = request.form.get("seen", "")

    def effect(session: Session) -> str:
        removed = document_editing.remove(session, viewer(), invoice_id, document_id, seen)
        return _("%(name)s is removed. Mails already sent keep it.", name=removed.file_name)

    return apply_to_invoice(invoice_id, f"document-{document_id}", "documents", effect)


@invoice_documents.post("/invoices/<int:invoice_id>/documents/<int:document_id>/release")
def release(invoice_id: int, document_id: int) -> ResponseReturnValue:
    """Release a suspect document."""
    seen = request.form.get("seen", "")

    def effect(session: Session) -> str:
        document = document_editing.release(session, viewer(), invoice_id, document_id, seen)
        return _("%(name)s is released. Runs can mail it.", name=document.file_name)

    return apply_to_invoice(invoice_id, f"document-{document_id}", "documents", effect)


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


def _store(transformation_id: int) -> StoredUpload:
    """The uploaded file, put into the store. Raises Refused. Ends the request with 404 for an unknown
    transformation."""
    file = request.files.get("file")
    given = Upload(file.filename or "", file.read()) if file else Upload("", b"")
    kind = db.session.get(Transformation, transformation_id) or abort(404)
    db.session.expunge(kind)
    db.end_reading()
    return uploads.put(runtime().documents, kind, given)
