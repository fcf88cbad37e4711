"""The mails of a run that is not created yet, each as it would go out now. Nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.extensions import runtime
from webapp.keyset import Edge
from webapp.mailing import parsed_mail
from webapp.messages import building, inputs
from webapp.messages.building import Message, NotBuilt
from webapp.messages.inputs import MessageInput
from webapp.new_run import preview_lists
from webapp.new_run.creation import default_name
from webapp.new_run.dialog import Dialog, in_address
from webapp.new_run.preview_files import files_of
from webapp.new_run.preview_lists import READY, Listed
from webapp.new_run.preview_notes import add_documents
from webapp.selection.invoices import Selection
from webapp.store.db import db
from webapp.store.definitions import Content
from webapp.web import untrusted
from webapp.web.access_control import viewer
from webapp.web.query_args import id_in

mail_preview = Blueprint("mail_preview", __name__)


@dataclass(frozen=True)
class PreviewedMail:
    """The mail in the address: its invoices (the named one first), and what it is made of."""

    selection: Selection
    content: Content
    invoices: list[Listed]
    inputs: MessageInput

    def made(self) -> Message | NotBuilt:
        """Built at every request; as it would go out, so in safe mode to the redirect address."""
        parts = runtime()
        return building.render_and_build(
            self.inputs, parts.renderer, parts.documents, parts.settings.redirect_to
        )


@mail_preview.get("/runs/preview/mail")
def mail() -> ResponseReturnValue:
    """The mail of the invoice that the address names, or of the first one that would be sent, and its
    neighbours."""
    dialog = in_address(db.session)
    shown = _shown(db.session, dialog)
    if shown is None:
        return redirect(f"/runs/new?{dialog.query}")
    turns = {rel: _beside(db.session, shown, rel == "prev") for rel in ("prev", "next")}
    add_documents(db.session, shown.content, shown.invoices)
    documents = [document for line in shown.invoices for document in line.documents]
    db.end_reading()
    made = shown.made()
    letter = parsed_mail.read(made.mail.data) if isinstance(made, Message) else None
    files, within = files_of(letter.attachments if letter else [], documents, untrusted.may_be_shown)
    return render_template(
        "new_run/mail.html",
        dialog=dialog,
        shown=shown,
        made=made if isinstance(made, Message) else None,
        unmade=made.words if isinstance(made, NotBuilt) else "",
        letter=letter,
        files=files,
        within=within,
        turns=turns,
        pages=f"/runs/preview/mail?{dialog.query}&invoice=",
        frame=f"/runs/preview/mail/html?{dialog.query}&invoice={shown.invoices[0].invoice_id}",
    )


@mail_preview.get("/runs/preview/mail/html")
def html() -> ResponseReturnValue:
    """The mail's HTML alone, without any right to do or to load something."""
    dialog = in_address(db.session)
    shown = _shown(db.session, dialog)
    if shown is None:
        return redirect(f"/runs/new?{dialog.query}")
    db.end_reading()
    made = shown.made()
    letter = parsed_mail.read(made.mail.data) if isinstance(made, Message) else abort(404)
    return untrusted.framed(letter.html_to_show or abort(404))


def _shown(session: Session, dialog: Dialog) -> PreviewedMail | None:
    """The mail in the address; None if the fields there do not hold together, or nothing would be sent. Ends
    the request with 404 for an invoice that would not be sent."""
    selection, content = dialog.selection, dialog.content
    if selection is None or content is None:
        return None
    invoice_id = _invoice_in_address(session, selection, content)
    if invoice_id is None:
        return None
    invoices = preview_lists.sent_together(session, viewer(), selection, content, invoice_id) or abort(404)
    name = (dialog.form.name.data or "").strip() or default_name(session, selection)
    made_of = inputs.preview_input(session, content, name, dialog.bcc, [line.invoice_id for line in invoices])
    return PreviewedMail(selection, content, invoices, made_of)


def _invoice_in_address(session: Session, selection: Selection, content: Content) -> int | None:
    """The invoice that the address names; where it names none, the first that would be sent, if any."""
    named = request.args.get("invoice", "")
    if not named:
        first = preview_lists.listed(session, viewer(), selection, content, READY, None, 1).rows
        return first[0].invoice_id if first else None
    invoice_id = id_in(named)
    return abort(404) if invoice_id is None else invoice_id


def _beside(session: Session, shown: PreviewedMail, backwards: bool) -> int | None:
    """The invoice before or after this one in the list of those to be sent; None at its ends."""
    one = shown.invoices[0]
    edge = Edge(one.invoice_id, one.place, backwards)
    found = preview_lists.listed(session, viewer(), shown.selection, shown.content, READY, edge, 1).rows
    return found[0].invoice_id if found else None
