"""Users: who may see, change and send what. For administrators."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import audit, cluster_paths, edits
from webapp.errors import NotFound, Refused
from webapp.extensions import runtime
from webapp.factors import held
from webapp.mailservers import user_mail
from webapp.mailservers.one_mail import NotSent
from webapp.store.db import db
from webapp.store.statuses import Role
from webapp.store.users import User
from webapp.translation import N_, _
from webapp.users import links, listing, mailed_links, managing, open_sessions
from webapp.users.account_pages import sentence
from webapp.users.managing import UserFacts
from webapp.web import form_keys, form_posts
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash

user_pages = Blueprint("user_pages", __name__)
SEARCH_MAX = 200


@user_pages.before_request
def for_administrators() -> None:
    """Users are the business of administrators alone."""
    if not viewer().manages_users:
        abort(403, _(managing.FOR_ADMINS))


@user_pages.get("/users")
def index() -> ResponseReturnValue:
    """All users, those of a state, or those found by name or address."""
    state, search = request.args.get("state", ""), request.args.get("q", "").strip()[:SEARCH_MAX]
    if state not in listing.STATES:
        state = ""
    return render_template(
        "users/index.html",
        lines=listing.lines(db.session, state, search),
        counts=listing.counts(db.session),
        states={value: words for value, (words, condition) in listing.STATES.items()},
        state=state,
        search=search,
        sends_words=listing.sends_words,
        policy=runtime().settings.logins.second_factor,
    )


@user_pages.get("/users/new")
def new() -> ResponseReturnValue:
    """An empty invitation."""
    return _invitation(UserFacts("", Role.MANAGER, [], True))


@user_pages.post("/users/new")
def invite() -> ResponseReturnValue:
    """Make the account, and show its link, once."""
    return _with_link(
        lambda session: managing.invite(session, viewer(), request.form.get("email", ""), _typed()),
        on_refusal=lambda why: _invitation(_typed(), sentence(why), 422),
    )


@user_pages.get("/users/<int:user_id>")
def show(user_id: int) -> ResponseReturnValue:
    """One user."""
    return _page(user_id)


@user_pages.post("/users/<int:user_id>")
def change(user_id: int) -> ResponseReturnValue:
    """Change name, role, clusters and rights."""

    def effect(session: Session) -> tuple[str, Flash]:
        changed = managing.change(session, viewer(), user_id, _typed(), request.form.get("seen", ""))
        said = _("Saved. It holds at once, also in open sessions.") if changed else _("Nothing has changed.")
        return f"/users/{user_id}", said

    return form_posts.apply_once(
        effect, on_refusal=lambda why: _page(user_id, typed=_typed(), wrong=sentence(why), status=422)
    )


@user_pages.post("/users/<int:user_id>/link")
def make_link(user_id: int) -> ResponseReturnValue:
    """Make a one-time link, and show it, once."""

    def made(session: Session) -> tuple[User, str]:
        token = managing.make_link(session, viewer(), user_id)
        return managing.found(session, user_id), token

    return _with_link(made, on_refusal=lambda why: _page(user_id, wrong=sentence(why), status=422))


@user_pages.post("/users/<int:user_id>/disable")
def disable(user_id: int) -> ResponseReturnValue:
    """Let this user no longer log in."""
    return _do(user_id, lambda session: managing.disable(session, viewer(), user_id))


@user_pages.post("/users/<int:user_id>/enable")
def enable(user_id: int) -> ResponseReturnValue:
    """Let this user log in again."""
    return _do(user_id, lambda session: managing.enable(session, viewer(), user_id))


@user_pages.post("/users/<int:user_id>/factor/remove")
def remove_factors(user_id: int) -> ResponseReturnValue:
    """Remove the second factor of a user who has lost it."""
    return _do(user_id, lambda session: managing.remove_factors(session, viewer(), user_id))


@user_pages.post("/users/<int:user_id>/sessions/end")
def end_sessions(user_id: int) -> ResponseReturnValue:
    """End all sessions of this user."""
    return _do(user_id, lambda session: managing.end_sessions(session, viewer(), user_id))


@user_pages.post("/users/<int:user_id>/sessions/<int:session_id>/end")
def end_session(user_id: int, session_id: int) -> ResponseReturnValue:
    """End one session of this user."""
    return _do(
        user_id,
        lambda session: open_sessions.end(
            session, viewer().name, managing.found(session, user_id), session_id
        ),
    )


def _do(user_id: int, verb: form_posts.FormVerb) -> ResponseReturnValue:
    back = f"/users/{user_id}"
    return form_posts.apply_once(
        lambda session: (back, verb(session)),
        back=back,
        on_refusal=lambda why: form_posts.refuse(sentence(why), back),
    )


NO_LINKS = N_(
    "passwords are not used here: an account is made at the first sign-in. `mailrun users login-link` on the "
    "machine makes a link for a person who cannot sign in"
)


def _with_link(
    verb: Callable[[Session], tuple[User, str]], on_refusal: Callable[[str], ResponseReturnValue]
) -> ResponseReturnValue:
    """Make a link, and mail it if the form names a sender; else, or where that fails, show it in the answer
    itself: no cookie, address or log has it. Sending the form again shows the user's page, not the link."""
    if not runtime().settings.logins.has_passwords:
        return on_refusal(_(NO_LINKS))
    key = request.form.get("form_key", "")
    if not form_keys.WELL_FORMED.fullmatch(key):
        abort(400)
    own = form_keys.of_user(key, viewer().name)
    try:
        with db.writing() as session:
            if not form_keys.use(session, own):
                return form_posts.notify(
                    form_posts.ALREADY_APPLIED, form_keys.answer(session, own) or "/users"
                )
            user, token = verb(session)
            form_keys.lead(session, own, f"/users/{user.id}")
    except NotFound:
        abort(404)
    except Refused as refusal:
        return on_refusal(str(refusal))
    address = f"{request.url_root.rstrip('/')}{links.PATH}?token={token}"
    not_mailed = _mailed(user, address)
    return render_template(
        "users/made_link.html", user=user, address=address, hours=links.HOURS, not_mailed=not_mailed
    )


def _mailed(user: User, address: str) -> str | None:
    """Mail the link from the sender that the form names. Returns why it was not; "" if it was; None if no
    sender is named."""
    chosen = request.form.get("sender", type=int)
    sender = next((each for each in user_mail.senders(db.session) if each.id == chosen), None)
    if sender is None:
        return None
    try:
        mailed_links.mail_link(sender, user, address, viewer().name, runtime())
    except NotSent as problem:
        return str(problem)
    with db.writing() as session:
        audit.note(session, viewer().name, "link mailed", user.email, f"from {sender.address}")
    return ""


def _typed() -> UserFacts:
    form = request.form
    return UserFacts(
        form.get("name", ""),
        form.get("role", ""),
        form.getlist("clusters"),
        bool(form.get("may_send")),
        bool(form.get("may_approve")),
    )


def _invitation(facts: UserFacts, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    page = render_template(
        "users/new.html", facts=facts, email=request.form.get("email", ""), wrong=wrong, **_choices(facts)
    )
    return make_response(page, status)


def _page(
    user_id: int, *, typed: UserFacts | None = None, wrong: str = "", status: int = 200
) -> ResponseReturnValue:
    line = listing.line(db.session, user_id)
    if line is None:
        abort(404)
    stored = managing.facts_of(db.session, line.user)
    facts = typed or stored
    page = render_template(
        "users/user.html",
        line=line,
        user=line.user,
        facts=facts,
        seen=edits.fingerprint(stored.told()),
        wrong=wrong,
        plans=listing.plans_held_without(db.session, viewer(), line.user),
        sessions=open_sessions.of_user(db.session, user_id),
        changes=audit.latest(db.session, line.user.email, audit.OF_USERS),
        changes_of=line.user.email,
        own_id=0,
        has=held.of_user(db.session, user_id),
        **_choices(facts),
    )
    return make_response(page, status)


def _choices(facts: UserFacts) -> dict[str, object]:
    tags = list(cluster_paths.cluster_tags(db.session, viewer()))
    return {
        "roles": listing.ROLE_WORDS,
        "tags": tags + [tag for tag in facts.clusters if tag not in tags],
        "senders": user_mail.senders(db.session),
    }
