"""What every form that changes something goes through: its one-use key, its effect, a message, and the page
to show next. Key and effect are one transaction.

If the effect leads to the page that is on screen (htmx), that page stays: a toast shows the message, and the
page refreshes what may have changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from webapp import audit
from webapp.errors import NotAllowed, NotFound, Refused
from webapp.store.db import db
from webapp.translation import N_
from webapp.web import form_keys, htmx
from webapp.web.access_control import viewer

Flash = str | dict[str, Any]
"""A message, or what the toast's template needs: the message and how to undo."""
FormEffect = Callable[[Session], tuple[str, Flash]]
"""Changes something in this session; returns the address of the next page and the message to show there."""
FormVerb = Callable[[Session], str]
"""Changes something in this session; returns the message to show."""
ALREADY_APPLIED = N_("This form was sent before. Nothing was done a second time.")


def apply_once(
    effect: FormEffect,
    *,
    back: str = "/",
    on_refusal: Callable[[str], ResponseReturnValue] | None = None,
) -> ResponseReturnValue:
    """Apply the effect, unless this form was sent before, and lead to the page that the effect names.

    Sending the same form again leads to the page where the first time led. An effect that raises also rolls
    the key back, so the form can be sent again. For `errors.Refused` the reason is shown on the page `back`,
    or answered by `on_refusal`; for `errors.NotFound` the request ends with 404."""
    key = request.form.get("form_key", "")
    if not form_keys.WELL_FORMED.fullmatch(key):
        abort(400)
    try:
        url, message = _apply(effect, form_keys.of_user(key, viewer().name))
    except NotFound:
        abort(404)
    except Refused as refusal:
        if isinstance(refusal, NotAllowed):
            with db.writing() as session:
                audit.note(session, viewer().name, "refused", refusal.subject, refusal.detail)
        return on_refusal(str(refusal)) if on_refusal else refuse(str(refusal), back)
    return _lead_on(url, message)


def _apply(effect: FormEffect, key: str) -> tuple[str, Flash]:
    with db.writing() as session:
        if not form_keys.use(session, key):
            return form_keys.answer(session, key) or "/", ALREADY_APPLIED
        url, message = effect(session)
        form_keys.lead(session, key, url)
        return url, message


def _lead_on(url: str, message: Flash) -> Response:
    if htmx.is_htmx() and htmx.page_on_screen().partition("?")[0] == url.partition("?")[0]:
        return htmx.changed(render_template("web/_toast.html", said=message))
    if message:
        flash(cast(str, message))  # a dict works too: the cookie carries it as JSON
    return htmx.lead_to(url)


def notify(message: str, url: str) -> Response:
    """Say what was done when nothing on screen has changed by it. What is being filled in stays."""
    if htmx.is_htmx():
        return htmx.said(render_template("web/_toast.html", said=message))
    flash(message)
    return htmx.lead_to(url)


def refuse(reason: str, url: str) -> Response:
    """Say why nothing was done: at the top of the page that is on screen, or of the page at this address."""
    if htmx.is_htmx():
        return htmx.tell(render_template("web/_refusal.html", words=reason))
    flash(reason, "refused")
    return htmx.lead_to(url)


def origin_page(pages: Sequence[str]) -> str:
    """The one of these pages that the form was sent from, with its query; the first if it was none of
    them."""
    return htmx.page_on_screen() if is_on(pages) else pages[0]


def is_on(pages: Sequence[str]) -> bool:
    """Whether one of these pages is on screen. A page that ends with a slash stands for all below it."""
    path = htmx.page_on_screen().partition("?")[0]
    return any(
        path == page or (page.endswith("/") and page != "/" and path.startswith(page)) for page in pages
    )


@dataclass(frozen=True)
class RefusedForm:
    """What was typed into a form of the page that could not be saved, and why."""

    form: str = ""
    wrong: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def value(self, form: str, name: str, stored: str) -> str:
        """What this field of this form shows: what was typed, else what is stored."""
        return self.values.get(name, stored) if form == self.form else stored


NOTHING_TYPED = RefusedForm()
