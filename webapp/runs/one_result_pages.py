"""One result, as a page and as a drawer over the list: looking only. What is pressed there is in
result_pages.py.

Its mail may hold anything that templates and data hold: it is shown in a frame without rights, from a route
of its own."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.extensions import runtime
from webapp.mailing.letters import safe_name
from webapp.runs import happenings, one_mail, one_result
from webapp.runs.neighbours import Place, place
from webapp.runs.one_mail import NotWhole, OneMail
from webapp.runs.one_result import OneResult
from webapp.runs.pages import address, filter_in
from webapp.runs.result_queries import Filter
from webapp.store.documents import DocumentMissing
from webapp.store.statuses import ResultStatus
from webapp.web import foreign, htmx
from webapp.web.gate import viewer
from webapp.web.marks import polled

one = Blueprint("one_result", __name__)

S = ResultStatus

DONE_WITH = (S.SENDING, S.SENT, S.UNCONFIRMED, S.REMOVED)

NOW = "now"
"""What `attempt` in an address says for the mail as it would go now."""


def init_app(app: Flask) -> None:
    app.add_template_filter(capital)
    app.register_blueprint(one)


def capital(words: str) -> str:
    """The words as the beginning of a sentence."""
    return words[:1].upper() + words[1:]


@one.get("/results/<int:result_id>")
def result(result_id: int) -> ResponseReturnValue:
    """One result with its mail and all that happened to it; over the list (htmx) as a drawer."""
    with runtime().database.reading() as session:
        template = "results/_drawer.html" if htmx.in_dialog() else "results/result.html"
        return render_template(template, **_shown(session, result_id))


@one.get("/results/<int:result_id>/live")
@polled
def live(result_id: int) -> ResponseReturnValue:
    """The parts of the page, or of the drawer, that may have changed."""
    with runtime().database.reading() as session:
        return render_template("results/_live.html", **_shown(session, result_id))


@one.get("/results/<int:result_id>/mail")
def mail(result_id: int) -> ResponseReturnValue:
    """The mail's HTML as the customer gets it, for the frame."""
    with runtime().database.reading() as session:
        letter = _mail(session, _visible(session, result_id)).letter
    if letter is None or letter.html is None:
        abort(404)
    return foreign.framed(letter.html)


@one.get("/results/<int:result_id>/mail.eml")
def eml(result_id: int) -> ResponseReturnValue:
    """The mail byte for byte, to be saved."""
    with runtime().database.reading() as session:
        found = _visible(session, result_id)
        try:
            data = one_mail.whole(_mail(session, found), runtime().documents)
        except NotWhole as why:
            abort(404, f"{why}.")
    return foreign.to_save(data, "message/rfc822", f"{safe_name(found.line.label)}.eml")


@one.get("/results/<int:result_id>/documents/<int:number>")
def document(result_id: int, number: int) -> ResponseReturnValue:
    """A document of the mail, counted from 1: to be saved or, with `look`, for the browser to show."""
    with runtime().database.reading() as session:
        documents = _mail(session, _visible(session, result_id)).documents
    if not 1 <= number <= len(documents):
        abort(404)
    carried = documents[number - 1]
    try:
        content = runtime().documents.get(carried.sha256)
    except DocumentMissing as missing:
        abort(404, f"{missing}.")
    answer = foreign.to_look_at if request.args.get("look") else foreign.to_save
    response: Response = answer(content, carried.media_type, safe_name(carried.name) or f"document-{number}")
    return response


def _visible(session: Session, result_id: int) -> OneResult:
    return one_result.find(session, viewer(), result_id) or abort(404)


def _mail(session: Session, found: OneResult) -> OneMail:
    """The mail that the address asks for by `attempt`; else the one that was handed over last, or, before any
    and when the result waits to go once more, as it would go now."""
    asked = request.args.get("attempt", "")
    number = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else None
    if not asked and found.kept and found.result.status != S.READY:
        number = found.kept[0]
    store = runtime().documents
    if number is None:
        if asked not in ("", NOW):
            abort(404)
        return one_mail.as_it_will_go(session, found.result.id, store, runtime().settings.redirect_to)
    mail = one_mail.gone_out(session, found.result.id, number, found.line.invoices, store)
    return mail or abort(404)


def _shown(session: Session, result_id: int) -> dict[str, object]:
    """Everything that page, drawer and live answer show."""
    found = _visible(session, result_id)
    chosen = filter_in(request.args)
    try:
        stands = place(session, viewer(), found.run, found.result, chosen)
    except ValueError:
        abort(404)
    shown = _mail(session, found)
    args = {"status": chosen.status, "reason": chosen.reason, "q": chosen.search, "sort": chosen.order}
    return {
        "one": found,
        "run": found.run,
        "line": found.line,
        "result": found.result,
        "chosen": chosen,
        "list_query": address("", **args),
        "place": stands,
        "place_words": _place_words(stands, chosen),
        "mail": shown,
        "not_whole": _not_whole(shown),
        "happenings": happenings.happenings(session, found),
        **_addresses(found, shown, args),
    }


def _addresses(found: OneResult, mail: OneMail, args: dict[str, str]) -> dict[str, object]:
    """Where page, mail and documents are to be had."""
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
            if carried.size is not None and foreign.may_be_shown(carried.media_type)
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


def _mails(found: OneResult) -> list[str]:
    """The mails there are to look at, as `attempt` names them in an address. That of a result which is done
    with is the one that went out."""
    numbers = [str(number) for number in found.kept]
    return numbers if found.result.status in DONE_WITH else [NOW, *numbers]


def _not_whole(mail: OneMail) -> str:
    """Why what is shown is not, byte for byte, what went out; empty if it is."""
    if mail.attempt is None:
        return ""
    try:
        one_mail.whole(mail, runtime().documents)
    except NotWhole as why:
        return str(why)
    return ""


def _place_words(stands: Place, chosen: Filter) -> str:
    """1 of 3 unconfirmed"""
    if not stands.words or chosen.search:
        return f"{stands.words} found".strip() if stands.words else ""
    return f"{stands.words} {chosen.status or ('skipped' if chosen.reason else '')}".strip()
