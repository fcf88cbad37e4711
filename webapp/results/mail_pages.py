"""The mail of one result and its documents, to look at and to download.

Both may contain anything that templates and data contain. So a mail is shown in a frame without rights, from
its own route, and a document in a form that can run nothing."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request
from flask.typing import ResponseReturnValue

from webapp.document_store.stores import DocumentMissing
from webapp.extensions import runtime
from webapp.mailing.parsed_mail import safe_name
from webapp.messages import sent_mail
from webapp.messages.inputs import load_inputs
from webapp.messages.sent_mail import AttachedFile, CannotRebuild, MailView
from webapp.results import detail
from webapp.results.detail import ResultDetail
from webapp.store.db import db
from webapp.store.statuses import ResultStatus
from webapp.web import untrusted
from webapp.web.access_control import viewer
from webapp.web.query_args import address, id_in

mails = Blueprint("mails_of_results", __name__)


NOT_TO_BE_SENT = (ResultStatus.SENDING, ResultStatus.SENT, ResultStatus.UNCONFIRMED, ResultStatus.REMOVED)
"""For these the page offers only mails that went out, not the one that would go out now."""

NOW = "now"
"""What `attempt` says in an address for the mail as it would go out now."""


@mails.get("/results/<int:result_id>/mail")
def mail(result_id: int) -> ResponseReturnValue:
    """The mail's HTML as the customer gets it, for the frame."""
    parsed = mail_in_address(visible(result_id)).parsed
    if parsed is None or parsed.html is None:
        abort(404)
    return untrusted.framed(parsed.html_to_show or abort(404))


@mails.get("/results/<int:result_id>/mail.eml")
def eml(result_id: int) -> ResponseReturnValue:
    """The mail byte for byte, as a download."""
    found = visible(result_id)
    mail = mail_in_address(found)
    db.end_reading()
    try:
        data = sent_mail.rebuild_mail(mail, runtime().documents)
    except CannotRebuild as why:
        abort(404, f"{why}.")
    return untrusted.to_save(data, "message/rfc822", f"{safe_name(found.line.label)}.eml")


@mails.get("/results/<int:result_id>/documents/<int:number>")
def document(result_id: int, number: int) -> ResponseReturnValue:
    """A document of the mail, counted from 1: as a download or, with `look`, for the browser to show."""
    documents = mail_in_address(visible(result_id)).documents
    if not 1 <= number <= len(documents):
        abort(404)
    file = documents[number - 1]
    db.end_reading()
    try:
        content = runtime().documents.get(file.sha256)
    except DocumentMissing as missing:
        abort(404, f"{missing}.")
    answer = untrusted.to_look_at if request.args.get("look") else untrusted.to_save
    response: Response = answer(content, file.media_type, safe_name(file.name) or f"document-{number}")
    return response


def visible(result_id: int) -> ResultDetail:
    """The result in the address. Ends the request with 404 if there is none that this person may see."""
    return detail.find(db.session, viewer(), result_id) or abort(404)


def mail_in_address(found: ResultDetail) -> MailView:
    """The mail that the address asks for in `attempt`; else the last one that was handed over or, if there is
    none or the result is ready to go out again, the mail as it would go out now. To build that may take
    seconds: the session is closed first, and `found` detached."""
    asked = request.args.get("attempt", "")
    number = id_in(asked, below=ATTEMPT_NUMBERS_END)
    if not asked and found.kept and found.result.status != ResultStatus.READY:
        number = found.kept[0]
    parts = runtime()
    if number is None:
        if asked not in ("", NOW):
            abort(404)
        [work] = load_inputs(db.session, [found.result.id])
        db.end_reading()
        return sent_mail.as_it_would_be_sent(
            work, parts.renderer, parts.documents, parts.settings.redirect_to
        )
    mail = sent_mail.as_sent(db.session, found.result.id, number, found.line.invoices, parts.documents)
    return mail or abort(404)


ATTEMPT_NUMBERS_END = 2**31
"""Attempts are numbered in a 32-bit column."""


def addresses(found: ResultDetail, mail: MailView, args: dict[str, str]) -> dict[str, object]:
    """The addresses of the page, the mail and its documents."""
    here = f"/results/{found.result.id}"
    which = {"attempt": str(mail.attempt.number) if mail.attempt else NOW}
    asked = {"attempt": request.args.get("attempt", "")}
    files = [
        _file(file, f"{here}/documents/{number}", which) for number, file in enumerate(mail.documents, 1)
    ]
    return {
        "here_url": address(here, **args, **asked),
        "live_url": address(f"{here}/live", **args, **asked),
        "frame_url": address(f"{here}/mail", **which),
        "eml_url": address(f"{here}/mail.eml", **which),
        "mail_urls": {name: address(here, **args, attempt=name) for name in _mails(found)},
        "files": files,
        "total": sum(file.size or 0 for file in mail.documents),
    }


def _file(file: AttachedFile, page: str, which: dict[str, str]) -> dict[str, object]:
    """A document with its addresses; without any if the document store has lost it."""
    is_stored = file.size is not None
    can_be_shown = is_stored and untrusted.may_be_shown(file.media_type)
    return {
        "name": file.name,
        "kind": file.kind or file.media_type,
        "size": file.size,
        "save": address(page, **which) if is_stored else "",
        "look": address(page, **which, look="1") if can_be_shown else "",
    }


def _mails(found: ResultDetail) -> list[str]:
    """The mails that can be looked at, as `attempt` names them in an address."""
    numbers = [str(number) for number in found.kept]
    return numbers if found.result.status in NOT_TO_BE_SENT else [NOW, *numbers]


def not_whole(mail: MailView) -> str:
    """Why the mail cannot be shown byte for byte as it went out; empty if it can."""
    if mail.attempt is None:
        return ""
    try:
        sent_mail.rebuild_mail(mail, runtime().documents)
    except CannotRebuild as why:
        return str(why)
    return ""
