"""The bell of the top bar, the page of one's notices, which of them one wants, and how they are mailed.
Registers the room."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Flask, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.edits import fingerprint
from webapp.mailservers import user_mail
from webapp.notices import chosen_sender, listing, preferences, subscription_pages
from webapp.notices.chosen_sender import NoticeSettings
from webapp.notices.listing import Bell
from webapp.notices.words import KIND_WORDS
from webapp.store.db import db
from webapp.store.notices import MailState
from webapp.translation import _, ngettext
from webapp.users import accounts
from webapp.web import form_posts, sessions
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash
from webapp.web.view_flags import allow_viewers

notices = Blueprint("notices", __name__)
SETTINGS, PREFERENCES = "/settings/notices", "/account/notices"


def init_app(app: Flask) -> None:
    """Register the pages, and give the frame of all pages the bell, and the account its preferences."""
    app.add_template_global(bell, "notice_bell")
    app.add_template_global(choices, "notice_choices")
    app.jinja_env.globals.update(
        notice_kinds=KIND_WORDS, notice_ways=preferences.WAY_WORDS, notice_kinds_of_runs=preferences.OF_RUNS
    )
    app.register_blueprint(notices)
    subscription_pages.init_app(app)


def bell() -> Bell:
    """The newest notices of the person of this request, and how many they have not read."""
    return listing.bell(db.session, viewer(), _user_id())


def choices() -> dict[str, preferences.NoticeChoice]:
    """How the person of this request wants to be told of each kind."""
    return {kind.value: choice for kind, choice in preferences.choices_of(db.session, _user_id()).items()}


@notices.get("/notices")
def index() -> ResponseReturnValue:
    """All notices of the last months, the newest first."""
    before = request.args.get("before", type=int)
    page = listing.page(db.session, viewer(), _user_id(), before)
    return render_template("notices/index.html", page=page, before=before, states=MailState)


@notices.post("/notices/read")
@allow_viewers
def read_all() -> ResponseReturnValue:
    """Mark all notices as read, up to the newest that was shown."""
    up_to, user_id = request.form.get("up_to", type=int), _user_id()

    def effect(session: Session) -> tuple[str, Flash]:
        n = listing.mark_read(session, user_id, up_to=up_to or 0)
        return "/notices", ngettext("%(num)s notice marked as read.", "%(num)s notices marked as read.", n)

    return form_posts.apply_once(effect, back="/notices")


@notices.post("/notices/<int:notice_id>/read")
@allow_viewers
def read(notice_id: int) -> ResponseReturnValue:
    """Mark one notice as read."""
    user_id = _user_id()

    def effect(session: Session) -> tuple[str, Flash]:
        n = listing.mark_read(session, user_id, notice_id)
        return "/notices", ngettext("%(num)s notice marked as read.", "%(num)s notices marked as read.", n)

    return form_posts.apply_once(effect, back="/notices")


@notices.post(PREFERENCES)
@allow_viewers
def choose() -> ResponseReturnValue:
    """Store which notices one wants, and how."""

    def effect(session: Session) -> tuple[str, Flash]:
        changed = preferences.change(session, accounts.find(session, viewer().name), request.form)
        return "/account", _("Saved.") if changed else _("Nothing has changed.")

    return form_posts.apply_once(effect, back="/account")


@notices.get(SETTINGS)
def show_settings() -> ResponseReturnValue:
    """By which sender notices are mailed."""
    _for_administrators()
    return _settings_page(chosen_sender.stored(db.session))


@notices.post(SETTINGS)
def change_settings() -> ResponseReturnValue:
    """Change it."""
    _for_administrators()

    def effect(session: Session) -> tuple[str, Flash]:
        changed = chosen_sender.change(session, viewer(), request.form)
        return SETTINGS, _("Saved.") if changed else _("Nothing has changed.")

    typed = chosen_sender.typed(request.form)
    return form_posts.apply_once(effect, on_refusal=lambda why: _settings_page(typed, why, 422))


def _for_administrators() -> None:
    if not viewer().manages_users:
        abort(403, _(chosen_sender.FOR_ADMINS))


def _settings_page(shown: NoticeSettings, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "notices/settings.html",
        shown=shown,
        seen=fingerprint(asdict(chosen_sender.stored(db.session))),
        wrong=wrong,
        senders=user_mail.senders(db.session),
        own_address=request.url_root.rstrip("/"),
        counts=chosen_sender.mail_counts(db.session),
        states=MailState,
    )
    return make_response(page, status)


def _user_id() -> int:
    user = sessions.current()
    return user.id if user else abort(401)
