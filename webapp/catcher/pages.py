"""/dev/mailbox: what the catcher caught. There only while the catcher runs.

A caught mail may hold anything. Its HTML is shown in a frame without rights, from a route of its own; its
attachments are only ever saved, never shown."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, current_app, render_template, request
from flask.typing import ResponseReturnValue

from webapp.catcher.box import Box, Caught
from webapp.extensions import runtime_of
from webapp.mailing import parsed_mail
from webapp.translation import N_, _
from webapp.web import untrusted
from webapp.web.access_control import viewer
from webapp.web.layout import show_only_while

MAILS_PER_PAGE = 50
EVERYBODYS = N_("The mailbox holds the mails of all customers, and you see only some customer clusters.")

catcher = Blueprint("catcher", __name__, url_prefix="/dev/mailbox")


def init_app(app: Flask) -> None:
    """Registers the pages, if this installation has a box of caught mails; they open and close with the
    catcher."""
    folder = runtime_of(app).settings.home / "caught"
    if folder.is_dir():
        found = app.extensions["caught mails"] = Box(folder)
        app.register_blueprint(catcher)
        show_only_while(app, catcher.name, found.is_being_filled)


@catcher.before_request
def while_the_catcher_runs() -> None:
    """Without it there is no mailbox: mails that were caught earlier are not shown."""
    if not box().is_being_filled():
        abort(404)


@catcher.before_request
def for_those_who_see_all() -> None:
    """Mails are not sorted by cluster, so users who see only some clusters see none."""
    if viewer().clusters:
        abort(403, EVERYBODYS)


@catcher.get("")
def index() -> ResponseReturnValue:
    """The mails, newest first, those whose subject or recipients hold the search."""
    search = request.args.get("q", "").strip()[:200]
    found = box().page(search, request.args.get("before", ""), MAILS_PER_PAGE + 1)
    mails, more = found[:MAILS_PER_PAGE], len(found) > MAILS_PER_PAGE
    older = {"q": search, "before": mails[-1].id} if more else {}
    return render_template(
        "catcher/list.html",
        mails=mails,
        search=search,
        is_first=not request.args.get("before"),
        first_page=_address({"q": search}),
        next_page=_address(older) if more else "",
    )


@catcher.get("/<id>")
def mail(id: str) -> ResponseReturnValue:
    """One mail: envelope, headers, text, HTML, attachments."""
    caught, content = _found(id)
    letter = parsed_mail.read(content)
    files = [
        {
            "name": attachment.name,
            "kind": attachment.media_type,
            "size": len(attachment.content),
            "look": "",
            "save": f"/dev/mailbox/{id}/attachments/{number}",
        }
        for number, attachment in enumerate(letter.attachments, start=1)
    ]
    return render_template("catcher/mail.html", mail=caught, letter=letter, files=files)


@catcher.get("/<id>/html")
def html(id: str) -> ResponseReturnValue:
    """The HTML as the customer gets it, without any right to do or to fetch something."""
    letter = parsed_mail.read(_found(id)[1])
    if letter.html is None:
        abort(404)
    return untrusted.framed(letter.html_to_show or abort(404))


@catcher.get("/<id>/raw")
def raw(id: str) -> ResponseReturnValue:
    """The mail, byte for byte as it came over the wire."""
    return untrusted.to_save(_found(id)[1], "message/rfc822", f"{id}.eml")


@catcher.get("/<id>/attachments/<int:number>")
def attachment(id: str, number: int) -> ResponseReturnValue:
    """The attachment, counted from 1."""
    attachments = parsed_mail.read(_found(id)[1]).attachments
    if not 1 <= number <= len(attachments):
        abort(404)
    chosen = attachments[number - 1]
    return untrusted.to_save(chosen.content, chosen.media_type, chosen.name)


def box() -> Box:
    """The box of this installation, as this process knows it."""
    found: Box = current_app.extensions["caught mails"]
    return found


def _found(id: str) -> tuple[Caught, bytes]:
    caught, content = box().summary(id), box().content(id)
    if caught is None or content is None:
        abort(404, _("There is no such mail here. The mailbox keeps the newest 20,000."))
    return caught, content


def _address(args: dict[str, str]) -> str:
    given = urlencode({name: value for name, value in args.items() if value})
    return f"/dev/mailbox?{given}" if given else "/dev/mailbox"
