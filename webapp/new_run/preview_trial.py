"""Some mails of a run that is not created yet, made on trial: a template that fails is told before anything
is sent with it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.mailing.renderer import Renderer
from webapp.mailing.texts import Unrenderable
from webapp.messages.building import to_render
from webapp.messages.inputs import preview_input
from webapp.new_run.preview_lists import READY, Listed, listed, sent_together
from webapp.selection.invoices import Selection
from webapp.store.customers import Customer
from webapp.store.definitions import Content
from webapp.store.dialects import id_in

TRIED_MAX = 4
"""Mails that are made on trial, each in another language: a template has one text for each."""


@dataclass(frozen=True)
class Unmade:
    """A mail that cannot be made: whose it is, and why."""

    customer: str
    words: str


def unmade(
    session: Session, viewer: Viewer, selection: Selection, content: Content, renderer: Renderer
) -> list[Unmade]:
    """Render the first mail of each language among the first that would be sent; return those that fail, each
    mistake once. What no renderer is free for is not tried."""
    first = listed(session, viewer, selection, content, READY, None).rows
    tried = _of_each_language(session, first)
    mails = [[line] for line in tried]
    if content["collate"]:
        mails = [sent_together(session, viewer, selection, content, line.invoice_id) for line in tried]
    inputs = [
        preview_input(session, content, "", [], [each.invoice_id for each in mail]) for mail in mails if mail
    ]
    found = renderer.render_all([to_render(each) for each in inputs])
    failed = {
        one.words: each.customer["name"]
        for each, one in zip(inputs, found, strict=True)
        if isinstance(one, Unrenderable) and one.where
    }
    return [Unmade(customer, words) for words, customer in failed.items()]


def _of_each_language(session: Session, lines: list[Listed]) -> list[Listed]:
    ids = id_in(session, Customer.id, {line.customer_id for line in lines})
    languages = {id: said for id, said in session.execute(select(Customer.id, Customer.language).where(ids))}
    by_language: dict[str, Listed] = {}
    for line in lines:
        by_language.setdefault(languages.get(line.customer_id, ""), line)
    return list(by_language.values())[:TRIED_MAX]
