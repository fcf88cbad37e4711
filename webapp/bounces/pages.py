"""The page of bounces: what waits for a person, what was matched, and one returned mail."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit
from webapp.bounces import deciding, listing, reading, words
from webapp.errors import NotAllowed
from webapp.extensions import runtime
from webapp.store.db import db
from webapp.translation import _, ngettext
from webapp.web import form_posts, layout
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash

bounces = Blueprint("bounces", __name__)


def init_app(app: Flask) -> None:
    """Register the pages, and the number beside their link."""
    app.jinja_env.globals["bounce_words"] = words
    app.register_blueprint(bounces)
    layout.show_count(app, "Bounces", listing.count_unmatched)


@bounces.get("/bounces")
def index() -> ResponseReturnValue:
    """What waits for a person, then what was matched."""
    session, who = db.session, viewer()
    found = listing.matched(session, who, request.args.get("before", type=int))
    return render_template(
        "bounces/index.html",
        mailboxes=listing.mailboxes(session) if who.sees_all_returned else [],
        counts=listing.counts(session) if who.sees_all_returned else None,
        unmatched=listing.unmatched(session, who),
        waiting=listing.count_unmatched(session, who),
        matched=found[: listing.SHOWN_MAX],
        older=found[listing.SHOWN_MAX - 1].mail.id if len(found) > listing.SHOWN_MAX else None,
    )


@bounces.get("/bounces/<int:mail_id>")
def show(mail_id: int) -> ResponseReturnValue:
    """One returned mail: what it says, what it is about, and its text as it came."""
    line = listing.one(db.session, viewer(), mail_id) or abort(404)
    return render_template("bounces/show.html", line=line, mail=line.mail)


@bounces.post("/bounces/<int:mail_id>/match")
def match(mail_id: int) -> ResponseReturnValue:
    """Say which mail it is of."""
    named, is_bounce = request.form.get("named", ""), "is_bounce" in request.form

    def effect(session: Session) -> tuple[str, Flash]:
        said = deciding.match(session, viewer(), mail_id, named, is_bounce=is_bounce)
        return "/bounces", said

    return form_posts.apply_once(effect, back=f"/bounces/{mail_id}")


@bounces.post("/bounces/<int:mail_id>/dismiss")
def dismiss(mail_id: int) -> ResponseReturnValue:
    """Say that nothing is to be done about it."""

    def effect(session: Session) -> tuple[str, Flash]:
        return "/bounces", deciding.dismiss(session, viewer(), mail_id)

    return form_posts.apply_once(effect, back=f"/bounces/{mail_id}")


@bounces.post("/bounces/read")
def read_now() -> ResponseReturnValue:
    """Have the workers read every mailbox now."""

    def effect(session: Session) -> tuple[str, Flash]:
        if not viewer().sees_all_returned:
            raise NotAllowed(_(deciding.FOR_ALL_CUSTOMERS), "mailboxes", "read now")
        n = reading.ask_for_reading(session, runtime().settings.redirect_to)
        audit.note(session, viewer().name, "read mailboxes", "mailboxes", f"{n} mailboxes")
        return "/bounces", ngettext(
            "%(num)s mailbox is read within some seconds.",
            "%(num)s mailboxes are read within some seconds.",
            n,
        )

    return form_posts.apply_once(effect, back="/bounces")
