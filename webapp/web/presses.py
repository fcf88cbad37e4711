"""What every press of a changing button goes through: its form's one-use key, the effect, the words, the way
on. Key and effect are one transaction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from flask import abort, flash, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from webapp.extensions import runtime
from webapp.web import form_keys, htmx

Said = str | dict[str, Any]
Verb = Callable[[Session], str]
ONCE_ONLY = "This was pressed already. Nothing was done a second time."


def once(effect: Callable[[Session], tuple[str, Said]]) -> Response:
    """Has the effect, unless this form had it before, and leads on to where the effect says, with its words.

    A second press with the same form is led to where the first one led. Whatever the effect raises rolls the
    key back too, so that the same form can be pressed again.
    """
    key = request.form.get("form_key", "")
    if not form_keys.WELL_FORMED.fullmatch(key):
        abort(400)
    with runtime().database.writing() as session:
        if form_keys.use(session, key):
            url, said = effect(session)
            form_keys.lead(session, key, url)
        else:
            url, said = form_keys.answer(session, key) or "/", ONCE_ONLY
    if said:
        flash(cast(str, said))  # a dict is as good: it goes through the cookie as JSON
    return htmx.lead_to(url)


def refused(words: str, url: str) -> Response:
    """Leads to a page that says why nothing was done."""
    flash(words, "refused")
    return htmx.lead_to(url)
