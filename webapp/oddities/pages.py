"""The pages of oddities: the section that is shown beside a preview or on a run's page, and the lists behind
it. Those of a run are here; those of a run to come are in new_run/oddity_pages.py."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.access import Viewer, looked_up
from webapp.keyset import PAGE_SIZE
from webapp.lifecycle import runs
from webapp.oddities import words
from webapp.oddities.finding import Oddities, find
from webapp.oddities.kinds import OddityKind
from webapp.oddities.mails import Mails, frozen
from webapp.oddities.rows import ORDERS, OddInvoice, listed
from webapp.store.db import db
from webapp.store.runs import Run
from webapp.translation import N_, _
from webapp.web.access_control import viewer
from webapp.web.htmx import piece_of_list, wants_piece
from webapp.web.lists import PRINTED_MAX, ListColumn, ListRequest, ListView
from webapp.web.query_args import edge_in

oddity_lists = Blueprint("oddities", __name__)

NOTES = {
    OddityKind.LARGE: N_("Usual amount"),
    OddityKind.UNNAMED: N_("Document"),
    OddityKind.MAILED_BEFORE: N_("Definition"),
    OddityKind.SHARED: N_("Address"),
    OddityKind.NEW_DOMAIN: N_("Domain"),
}
"""The heading over what a row says beside customer and invoice."""


def init_app(app: Flask) -> None:
    """Register the pages, and give the templates the words."""
    app.jinja_env.globals.update(odd=words)
    app.register_blueprint(oddity_lists)


@oddity_lists.get("/runs/<int:run_id>/oddities")
def show(run_id: int) -> ResponseReturnValue:
    """What differs in this run from what was usual."""
    run = _run(run_id)
    return page_or_section(shown_of_run(db.session, viewer(), run), [_above(run)])


@oddity_lists.get("/runs/<int:run_id>/oddities/<kind>")
def show_list(run_id: int, kind: str) -> ResponseReturnValue:
    """The invoices of this run that are odd in one way."""
    run = _run(run_id)
    asked = request_of(f"/runs/{run.id}/oddities/{kind}", {})
    return list_page(frozen(db.session, _person(), run), kind, asked, above=[_above(run)])


def section(
    found: Oddities,
    rest: str,
    query: str,
    elsewhere: Mapping[OddityKind, str],
    *,
    above: list[tuple[str, str]],
) -> ResponseReturnValue:
    """The oddities as a piece of the page that is on screen, or as a page of its own. `rest`: the beginning
    of the addresses of their lists, `query` their end; `elsewhere`: what is listed by another page."""

    return page_or_section(lines_shown(found, rest, query, elsewhere), above)


def page_or_section(shown: Mapping[str, object], above: list[tuple[str, str]]) -> ResponseReturnValue:
    """The oddities as a piece of the page that is on screen, or as a page of its own."""
    return render_template(f"oddities/{'_section' if wants_piece() else 'page'}.html", above=above, **shown)


def lines_shown(
    found: Oddities, rest: str, query: str, elsewhere: Mapping[OddityKind, str]
) -> dict[str, object]:
    """What oddities/_section.html needs, with the same arguments as `section`."""

    def rows_of(kind: OddityKind) -> str:
        return elsewhere.get(kind) or f"{rest}/oddities/{kind.value}{query}"

    return {"oddities": found, "lines": words.lines(found, rows_of)}


def shown_of_run(session: Session, who: Viewer, run: Run) -> dict[str, object]:
    """The same of a run."""
    here = f"/runs/{run.id}"
    found = find(session, frozen(session, looked_up(session, who), run))
    return lines_shown(found, here, "", {OddityKind.NUMBER: here, OddityKind.AMOUNT: here})


def list_page(
    mails: Mails, kind: str, asked: ListRequest, *, above: list[tuple[str, str]]
) -> ResponseReturnValue:
    """The list of an oddity. Ends the request with 404 for one that does not exist."""
    if kind not in set(words.TITLES):
        abort(404)
    of = OddityKind(kind)
    try:
        size = PRINTED_MAX if asked.is_printed else PAGE_SIZE
        page, count = listed(db.session, mails, of, asked.edge, size)
    except ValueError:
        abort(404)
    columns = (
        *map(ListColumn, (_("Customer"), _("Invoice"), _("Period"))),
        ListColumn(_("Amount"), numeric=True),
        *([ListColumn(_(NOTES[of]))] if of in NOTES else []),
    )
    view: ListView[OddInvoice] = ListView(
        asked, page, count, columns, ORDERS, _("invoice"), _("invoices"), way=_("by period")
    )
    shown = {"list": view, "kind": of.value, "title": _(words.TITLES[of]), "above": above}
    if wants_piece():
        return piece_of_list(render_template("oddities/_invoices.html", **shown), view.here)
    return render_template("oddities/invoices.html", **shown)


def request_of(path: str, filters: dict[str, str]) -> ListRequest:
    """The list that the address names."""
    edge, is_printed = edge_in(request.args), bool(request.args.get("print"))
    return ListRequest(path, filters, search="", sort="", edge=edge, is_printed=is_printed)


def _run(run_id: int) -> Run:
    return runs.run(db.session, viewer(), run_id) or abort(404)


def _person() -> Viewer:
    return looked_up(db.session, viewer())


def _above(run: Run) -> tuple[str, str]:
    return f"/runs/{run.id}", _("Run %(id)s", id=run.id)
