"""The list of invoices, its download, and what is done to many of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from webapp import audit, cluster_paths
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.invoices import bulk, export, filters, queries
from webapp.invoices.bulk import Conditions
from webapp.invoices.chosen_run import chosen_run
from webapp.invoices.forms import LIST_PATH, asked_list, conditions_of, filter_of, picked_invoices
from webapp.invoices.orders import ORDERS
from webapp.periods import period_words
from webapp.store.db import db
from webapp.store.invoices import Invoice
from webapp.store.statuses import InvoiceStatus
from webapp.translation import N_, _, ngettext
from webapp.web import confirmations, form_posts
from webapp.web.access_control import viewer
from webapp.web.downloads import Rows, table_file
from webapp.web.htmx import is_htmx, lead_to, page_on_screen, wants_piece
from webapp.web.lists import ListColumn, ListView, Picked
from webapp.web.query_args import address

invoices = Blueprint("invoices", __name__)

COLUMNS = (
    ListColumn(N_("Invoice"), "number"),
    ListColumn(N_("Customer"), "customer"),
    ListColumn(N_("Period"), ""),
    ListColumn(N_("Due"), "due"),
    ListColumn(N_("Status")),
    ListColumn(N_("Gross amount"), "amount", numeric=True),
    ListColumn(N_("Documents")),
    ListColumn(N_("Last mailed")),
)
BulkVerb = Callable[[Session, Conditions], int]
Done = Callable[[int], str]
"""What a number of changed invoices reads like."""
NOTHING_SELECTED = N_("No invoice is selected. Select at least one.")


@invoices.get("/invoices")
def index() -> ResponseReturnValue:
    """The invoices under the filter of the address; as a fragment only what filters and pages change."""
    asked, session = asked_list(), db.session
    shown = filter_of(asked)
    try:
        page, count = asked.read(lambda edge: queries.listing(session, viewer(), shown, asked.sort, edge))
    except ValueError:
        abort(404)
    view: ListView[Any] = ListView(asked, page, count, COLUMNS, ORDERS, N_("invoice"), N_("invoices"))
    context = {"list": view, "shown": shown, "period_words": period_words}
    if wants_piece():
        return render_template("invoices/_list.html", **context)
    return render_template(
        "invoices/index.html",
        any_invoice=asked.narrows or queries.has_any(session),
        clusters=cluster_paths.cluster_tags(session, viewer()),
        definitions=queries.definitions(session),
        transformations=queries.transformations(session),
        **context,
    )


@invoices.get("/invoices.csv")
def download() -> ResponseReturnValue:
    """The invoices under the filter of the address, one per line."""
    return _saved("csv")


@invoices.get("/invoices.xlsx")
def save_workbook() -> ResponseReturnValue:
    """The same as a workbook."""
    return _saved("xlsx")


def _saved(kind: str) -> ResponseReturnValue:
    asked, who, database = asked_list(), viewer(), runtime().database
    shown = filter_of(asked)
    try:
        filters.narrowings(db.session, who, shown)
    except ValueError:
        abort(404)

    def table() -> Iterator[tuple[Rows, Sequence[str]]]:
        with database.reading() as session:
            yield export.invoices(session, who, shown), export.INVOICE_COLUMNS

    with db.writing() as session:
        audit.note(session, who.name, "download invoices", "invoices", address("", **asked.args))
    return table_file(kind, table, "mailrun-invoices")


@invoices.post("/invoices/approve")
def approve() -> ResponseReturnValue:
    """Approve invoices, after a question that says what this touches."""
    return _change(
        "approve",
        bulk.to_approve(viewer()),
        lambda session, ours: bulk.approve(session, viewer(), ours),
        lambda count: ngettext("%(num)s invoice approved.", "%(num)s invoices approved.", count),
    )


@invoices.post("/invoices/close")
def close() -> ResponseReturnValue:
    """Close invoices, after a question that says what this touches."""
    return _change(
        "close",
        bulk.to_close(),
        lambda session, ours: bulk.close(session, viewer(), ours),
        lambda count: ngettext("%(num)s invoice closed.", "%(num)s invoices closed.", count),
    )


@invoices.post("/invoices/run")
def new_run() -> ResponseReturnValue:
    """Lead to the run dialog, narrowed to the selected invoices."""
    chosen = picked_invoices()
    if chosen.ids == ():
        return form_posts.refuse(_(NOTHING_SELECTED), _back(chosen))
    try:
        run = chosen_run(db.session, viewer(), conditions_of(db.session, viewer(), chosen))
    except Refused as reason:
        return form_posts.refuse(str(reason), _back(chosen))
    return lead_to(address("/runs/new", **run.args))


def _change(name: str, changing: ColumnElement[bool], verb: BulkVerb, done: Done) -> ResponseReturnValue:
    """Ask, and then apply the verb, unless by now more invoices match than the question named: then it is
    asked again."""
    chosen = picked_invoices()
    if chosen.ids == ():
        return form_posts.refuse(_(NOTHING_SELECTED), _back(chosen))
    ours = conditions_of(db.session, viewer(), chosen)
    matching = queries.number_of(db.session, ours)
    if not chosen.is_confirmed or chosen.has_grown(matching):
        return confirmations.ask(
            f"invoices/confirm_{name}.html",
            here="Invoices",
            picked=chosen,
            touched=bulk.touched(db.session, ours, changing),
            back=_back(chosen),
        )

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        changed = verb(session, ours)
        left = matching - changed
        words = done(changed)
        if left:
            words += " " + ngettext("%(num)s left as it was.", "%(num)s left as they were.", left)
        follows = _run_of(session, chosen, ours) if name == "approve" and chosen.ids is not None else None
        return _back(chosen), {"words": words, "link": follows} if follows else words

    return form_posts.apply_once(effect, back=_back(chosen))


def _run_of(session: Session, chosen: Picked, ours: Conditions) -> dict[str, str] | None:
    """The link to a new run of just those that are approved now: a filter by status hides them."""
    try:
        run = chosen_run(session, viewer(), [*ours, Invoice.status == InvoiceStatus.APPROVED])
    except Refused:
        return None
    n = len(run.ids)
    return {
        "href": address("/runs/new", **run.args),
        "words": _("New run from it") if n == 1 else _("New run from these %(num)s", num=n),
    }


def _back(chosen: Picked) -> str:
    """The list, or the invoice, as it was; if it is on screen, it stays there."""
    if is_htmx() and form_posts.is_on((LIST_PATH, f"{LIST_PATH}/")):
        return page_on_screen()
    if chosen.ids is not None and len(chosen.ids) == 1 and form_posts.is_on((f"{LIST_PATH}/",)):
        return f"{LIST_PATH}/{chosen.ids[0]}"
    return chosen.asked.url()
