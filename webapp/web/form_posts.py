"""What every press of a changing button goes through: its form's one-use key, the effect, the words, the way
on. Key and effect are one transaction.

A press that leads to another page leads there. One that leads to the page on screen (htmx) leaves that where
it is: a toast has the words, and the page looks for what has changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from flask import abort, flash, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from webapp.store.db import db
from webapp.web import form_keys, htmx

Flash = str | dict[str, Any]
FormVerb = Callable[[Session], str]
ONCE_ONLY = "This was pressed already. Nothing was done a second time."


def apply_once(effect: Callable[[Session], tuple[str, Flash]]) -> Response:
    """Has the effect, unless this form had it before, and leads on to where the effect says, with its words.

    A second press with the same form is led to where the first one led. Whatever the effect raises rolls the
    key back too, so that the same form can be pressed again.
    """
    key = request.form.get("form_key", "")
    if not form_keys.WELL_FORMED.fullmatch(key):
        abort(400)
    with db.writing() as session:
        if form_keys.use(session, key):
            url, said = effect(session)
            form_keys.lead(session, key, url)
        else:
            url, said = form_keys.answer(session, key) or "/", ONCE_ONLY
    if htmx.is_htmx() and htmx.page_on_screen().partition("?")[0] == url.partition("?")[0]:
        return htmx.changed(render_template("web/_toast.html", said=said))
    if said:
        flash(cast(str, said))  # a dict is as good: it goes through the cookie as JSON
    return htmx.lead_to(url)


def notify(words: str, url: str) -> Response:
    """Says what was done, where nothing on the page that is on screen has changed by it; what is being filled
    in stays."""
    if htmx.is_htmx():
        return htmx.said(render_template("web/_toast.html", said=words))
    flash(words)
    return htmx.lead_to(url)


def refuse(words: str, url: str) -> Response:
    """Says why nothing was done: on top of the page that is on screen, or of the one at this address."""
    if htmx.is_htmx():
        return htmx.tell(render_template("web/_refusal.html", words=words))
    flash(words, "refused")
    return htmx.lead_to(url)


def origin_page(pages: Sequence[str]) -> str:
    """Which of these pages the press came from, with its query; the first if none of them."""
    return htmx.page_on_screen() if is_on(pages) else pages[0]


def is_on(pages: Sequence[str]) -> bool:
    """Whether the person looks at one of these pages; one that ends with a slash stands for all below it."""
    path = htmx.page_on_screen().partition("?")[0]
    return any(
        path == page or (page.endswith("/") and page != "/" and path.startswith(page)) for page in pages
    )
