"""The mail of one result and its documents, to read and to save.

They may contain anything that templates and data contain: a mail is shown in a frame without rights, from a
route of its own; a document in a form that can do nothing."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.extensions import runtime
from webapp.mailing.parsed_mail import safe_name
from webapp.messages import sent_mail
from webapp.messages.sent_mail import CannotRebuild, MailView
from webapp.results import detail
from webapp.results.detail import ResultDetail
from webapp.store.db import db
from webapp.store.documents import DocumentMissing
from webapp.store.statuses import ResultStatus
from webapp.web import untrusted
from webapp.web.access_control import viewer
from webapp.web.query_args import address

mails = Blueprint("mails_of_results", __name__)


DONE_WITH = (ResultStatus.SENDING, ResultStatus.SENT, ResultStatus.UNCONFIRMED, ResultStatus.REMOVED)
"""Of results in these statuses only what went out is shown, not what would go out now."""

NOW = "now"
"""The value of `attempt` in an address for the mail as it would go out now."""


@mails.get("/results/<int:result_id>/mail")
def mail(result_id: int) -> ResponseReturnValue:
    """The mail's HTML as the customer gets it, for the frame."""
    letter = mail_in_address(db.session, visible(db.session, result_id)).parsed
    if letter is None or letter.html is None:
        abort(404)
    return untrusted.framed(letter.html_to_show or abort(404))


@mails.get("/results/<int:result_id>/mail.eml")
def eml(result_id: int) -> ResponseReturnValue:
    """The mail byte for byte, to be saved."""
    found = visible(db.session, result_id)
    try:
        data = sent_mail.rebuild_mail(mail_in_address(db.session, found), runtime().documents)
    except CannotRebuild as why:
        abort(404, f"{why}.")
    return untrusted.to_save(data, "message/rfc822", f"{safe_name(found.line.label)}.eml")


@mails.get("/results/<int:result_id>/documents/<int:number>")
def document(result_id: int, number: int) -> ResponseReturnValue:
    """A document of the mail, counted from 1: to save or, with `look`, for the browser to show."""
    documents = mail_in_address(db.session, visible(db.session, result_id)).documents
    if not 1 <= number <= len(documents):
        abort(404)
    carried = documents[number - 1]
    try:
        content = runtime().documents.get(carried.sha256)
    except DocumentMissing as missing:
        abort(404, f"{missing}.")
    answer = untrusted.to_look_at if request.args.get("look") else untrusted.to_save
    response: Response = answer(content, carried.media_type, safe_name(carried.name) or f"document-{number}")
    return response


def visible(session: Session, result_id: int) -> ResultDetail:
    """The result in the address. Ends the request with 404 if there is none that this person may see."""
    return detail.find(session, viewer(), result_id) or abort(404)


def mail_in_address(session: Session, found: ResultDetail) -> MailView:
    """The mail that the address asks for by `attempt`; else the one that was handed over last. Before any
    attempt, and when the result waits to be sent again, the mail as it would go out now."""
    asked = request.args.get("attempt", "")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else None
    if not asked and found.kept and found.result.status != ResultStatus.READY:
        number = found.kept[0]
    store = runtime().documents
    if number is None:
        if asked not in ("", NOW):
            abort(404)
        redirect_to = runtime().settings.redirect_to
        return sent_mail.as_it_would_be_sent(session, found.result.id, runtime().renderer, store, redirect_to)
    mail = sent_mail.as_sent(session, found.result.id, number, found.line.invoices, store)
    return mail or abort(404)


def addresses(found: ResultDetail, mail: MailView, args: dict[str, str]) -> dict[str, object]:
    """The addresses of page, mail and documents."""
    here = f"/results/{found.result.id}"
    which = {"attempt": str(mail.attempt.number) if mail.attempt else NOW}
    asked = {"attempt": request.args.get("attempt", "")}
    files = [
        {
            "name": carried.name,
            "kind": carried.kind or carried.media_type,
            "size": carried.size,
            "save": address(f"{here}/documents/{number}", **which) if carried.size is not None else "",
            "look": address(f"{here}/documents/{number}", **which, look="1")
            if carried.size is not None and untrusted.may_be_shown(carried.media_type)
            else "",
        }
        for number, carried in enumerate(mail.documents, start=1)
    ]
    return {
        "here_url": address(here, **args, **asked),
        "live_url": address(f"{here}/live", **args, **asked),
        "frame_url": address(f"{here}/mail", **which),
        "eml_url": address(f"{here}/mail.eml", **which),
        "mail_urls": {name: address(here, **args, attempt=name) for name in _mails(found)},
        "files": files,
        "total": sum(carried.size or 0 for carried in mail.documents),
    }


def _mails(found: ResultDetail) -> list[str]:
    """The mails to choose from, as `attempt` names them in an address."""
    numbers = [str(number) for number in found.kept]
    return numbers if found.result.status in DONE_WITH else [NOW, *numbers]


def not_whole(mail: MailView) -> str:
    """Why what is shown is not, byte for byte, what went out; empty if it is."""
    if mail.attempt is None:
        return ""
    try:
        sent_mail.rebuild_mail(mail, runtime().documents)
    except CannotRebuild as why:
        return str(why)
    return ""
