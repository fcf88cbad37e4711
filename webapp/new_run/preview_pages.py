"""The lists behind the preview's numbers, to read and to save."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

from flask import Blueprint, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp.access import Viewer
from webapp.extensions import runtime
from webapp.keyset import Counted, Edge
from webapp.new_run.dialog import Dialog, in_address
from webapp.new_run.labels import note_heading
from webapp.new_run.preview import preview
from webapp.new_run.preview_lists import LISTS, ORDERS, Listed, is_large, listed, number_listed
from webapp.new_run.preview_notes import add_documents, add_notes
from webapp.selection.invoices import Selection
from webapp.store.database import Database
from webapp.store.db import db
from webapp.store.definitions import Content
from webapp.store.statuses import SkipReason
from webapp.translation import N_, _, english
from webapp.web.access_control import viewer
from webapp.web.downloads import table_file
from webapp.web.htmx import piece_of_list, wants_piece
from webapp.web.lists import SEARCH_MAX, ListColumn, ListRequest, ListView
from webapp.web.query_args import edge_in

run_preview = Blueprint("run_preview", __name__)

TITLES = {
    "ready": N_("Will be sent"),
    "skipped": N_("All skipped"),
    SkipReason.SUSPENDED.value: N_("Skipped: suspended"),
    SkipReason.NOT_APPROVED.value: N_("Skipped: not approved"),
    SkipReason.NO_RECIPIENT.value: N_("Skipped: no recipient"),
    SkipReason.NO_ATTACHMENT.value: N_("Skipped: no attachment"),
    SkipReason.ALREADY_SENT.value: N_("Skipped: already sent"),
    SkipReason.NO_PASSWORD.value: N_("Skipped: no password"),
    SkipReason.UNLOCKABLE.value: N_("Skipped: unlockable"),
    SkipReason.SUSPECT_DOCUMENT.value: N_("Skipped: suspect document"),
    "overlapping": N_("Outside this period"),
    "mailed_before": N_("Mailed before"),
    "bounced_before": N_("Bounced last time"),
}


@run_preview.get("/runs/preview/list")
def show_list() -> ResponseReturnValue:
    """The invoices behind one number of the preview; with `numbers` only the links to its lists, with the
    number of each: of very many invoices the page asks for them once it is shown. An address with invalid
    fields leads to the dialog, which says what is wrong."""
    show = _list_in_address()
    dialog = in_address(db.session)
    selection, content = dialog.selection, dialog.content
    if selection is None or content is None:
        return redirect(f"/runs/new?{dialog.query}")
    asked, session = _asked(dialog, show), db.session
    if request.args.get("numbers") or not is_large(session, viewer(), selection):
        counted = preview(session, selection, viewer())
    else:
        counted = None
    titles = {name: _(title) for name, title in TITLES.items()}
    shown = {"dialog": dialog, "content": content, "show": show, "titles": titles, "counted": counted}
    if request.args.get("numbers"):
        return render_template("new_run/_lists.html", **shown)
    try:
        page = listed(db.session, viewer(), selection, content, show, asked.edge, search=asked.search)
    except ValueError:
        abort(404)
    if counted and not asked.search:
        count = Counted(counted.of_list(show))
    else:
        count = number_listed(session, viewer(), selection, content, show, asked.search)
    add_notes(db.session, selection.definition_id, content, show, page.rows)
    add_documents(db.session, content, page.rows)
    view: ListView[Listed] = ListView(
        asked, page, count, _columns(show), ORDERS, _("invoice"), _("invoices"), way=_("by period")
    )
    if wants_piece():
        return piece_of_list(render_template("new_run/_invoices.html", list=view, **shown), view.here)
    return render_template("new_run/invoices.html", list=view, **shown)


def _asked(dialog: Dialog, show: str) -> ListRequest:
    """The list of the address. Its filters are the fields of the dialog, whole: half of the selected invoices
    would be another selection."""
    return ListRequest(
        path="/runs/preview/list",
        filters={**dict(parse_qsl(dialog.query)), "show": show},
        search=request.args.get("q", "").strip()[:SEARCH_MAX],
        sort="",
        edge=edge_in(request.args),
    )


def _columns(show: str) -> tuple[ListColumn, ...]:
    return (
        *map(ListColumn, (_("Customer"), _("Invoice"), _("Period"))),
        ListColumn(_("Amount"), numeric=True),
        *map(ListColumn, (_("Documents"), note_heading(show))),
    )


@run_preview.get("/runs/preview/list.csv")
def save_list() -> ResponseReturnValue:
    """The whole list, as a file."""
    return _saved("csv")


@run_preview.get("/runs/preview/list.xlsx")
def save_workbook() -> ResponseReturnValue:
    """The whole list, as a workbook."""
    return _saved("xlsx")


def _saved(kind: str) -> ResponseReturnValue:
    show = _list_in_address()
    dialog = in_address(db.session)
    selection, content = dialog.selection, dialog.content
    if selection is None or content is None:
        return redirect(f"/runs/new?{dialog.query}")
    search = _asked(dialog, show).search
    rows = _rows(runtime().database, viewer(), selection, content, show, search)
    return table_file(kind, lambda: iter([(rows, PREVIEW_COLUMNS)]), f"mailrun-{show.replace('_', '-')}")


def _list_in_address() -> str:
    show = request.args.get("show", "ready")
    return show if show in LISTS else abort(404)


INVOICES_PER_READ = 1_000
PREVIEW_COLUMNS = (
    "customer",
    "name",
    "invoice",
    "period_start",
    "period_end",
    "currency",
    "gross_amount",
    "note",
    "reason",
)


def _rows(
    database: Database, viewer: Viewer, selection: Selection, content: Content, show: str, search: str
) -> Iterator[dict[str, Any]]:
    """The rows, one page in memory at a time, each page read by itself: a slow download holds nothing up."""
    edge: Edge | None = None
    while True:
        with database.reading() as session:
            page = listed(session, viewer, selection, content, show, edge, INVOICES_PER_READ, search)
            with english():
                add_notes(session, selection.definition_id, content, show, page.rows)
        for line in page.rows:
            note = ", ".join(line.notes)
            cells = (
                line.code,
                line.name,
                line.number,
                *line.period,
                line.currency,
                line.gross,
                note,
                line.reason,
            )
            yield dict(zip(PREVIEW_COLUMNS, cells, strict=True))
        if not page.next:
            return
        id, value = page.next.split("~", 1)
        edge = Edge(int(id), value, backwards=False)
