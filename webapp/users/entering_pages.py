"""What every way to log in ends with: where the person is led, and why one was refused."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, make_response, render_template, request
from flask.typing import ResponseReturnValue

from webapp.translation import N_, _
from webapp.web import held_forms, htmx
from webapp.web.devices import remember

ANOTHERS = N_("What was typed before belongs to another login. It was not sent.")


@dataclass(frozen=True)
class Refusal:
    """A login that was refused: whose, why in words, and the status of the answer."""

    email: str
    problem: str
    status: int


@dataclass(frozen=True)
class HalfLogin:
    """A login with the right password, whose second step is still to be done."""

    user_id: int
    email: str


def enter(email: str) -> ResponseReturnValue:
    """Lead the person who has just logged in on; or hand back the form that was sent when the login had
    ended."""
    form = held_forms.held(request.form.get("held", ""))
    if form is None:
        return remember(make_response(htmx.lead_to(wanted_page())), email)
    if form.by != email:
        flash(_(ANOTHERS), "refused")
        return remember(make_response(htmx.lead_to("/")), email)
    return remember(make_response(render_template("users/held.html", held=form)), email)


def wanted_page() -> str:
    """Where to go after the login: a page of this host, else the start."""
    wanted = request.values.get("next", "")
    return wanted if htmx.stays_here(wanted) else "/"


def refuse_login(refusal: Refusal) -> ResponseReturnValue:
    """The page to log in at, with the reason."""
    held = request.form.get("held", "")
    page = held_forms.login_page(wanted_page(), email=refusal.email, problem=refusal.problem, held=held)
    return page, refusal.status
