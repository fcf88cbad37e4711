"""Which customers of a selection get a mail, or a piece of it, in another language than their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, seen_by
from webapp.mailing.locale_filters import language_name
from webapp.messages.languages import LanguageGap, gap_of, has_languages, language_of
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching, planned_customer_filter
from webapp.store.customers import Customer
from webapp.store.definitions import Content
from webapp.store.invoices import Invoice
from webapp.translation import _, all_of


@dataclass(frozen=True)
class OtherLanguage:
    """How many customers of a language would be sent something in another, and what, in words: “get
    English”."""

    language: str
    customers: int
    get: str


def other_languages(
    session: Session, viewer: Viewer, selection: Selection, content: Content
) -> list[OtherLanguage]:
    """Count them, by language, those of most customers first. None where a template has one text for all."""
    if not has_languages(content):
        return []
    spoken = session.scalars(select(Customer.language).where(Customer.language != "").distinct())
    lacking = {gap.language: gap for gap in (gap_of(content, each) for each in spoken) if gap}
    if not lacking:
        return []
    chosen = [Invoice.id.in_(selection.invoice_ids)] if selection.invoice_ids else []
    rows = invoices_matching(
        selection,
        requirements_of(selection.definition_id, content),
        seen_by(viewer),
        Customer.language.in_(lacking),
        *chosen,
        customers=planned_customer_filter(session, selection),
    )
    seen = rows.add_columns(Customer.language.label("language")).cte("seen")
    counted = session.execute(
        select(seen.c.language, func.count(seen.c.customer_id.distinct()))
        .where(seen.c.reason == "")
        .group_by(seen.c.language)
    )
    return _together((lacking[language], count, content) for language, count in counted)


def _together(found: Iterable[tuple[LanguageGap, int, Content]]) -> list[OtherLanguage]:
    notes = [
        OtherLanguage(language_name(gap.language), count, _get(gap, content)) for gap, count, content in found
    ]
    return sorted(notes, key=lambda note: (-note.customers, note.language))


def _get(gap: LanguageGap, content: Content) -> str:
    if not gap.lacks_body:
        return _("get the default %(pieces)s", pieces=all_of(gap.said))
    given = language_of(content, gap.language)
    return _("get %(language)s", language=language_name(given)) if given else _("get the default text")
