"""The list of customers, its download, and what is done to many of them at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit, cluster_paths
from webapp.access import visible_to
from webapp.customers import bulk, checks, counting, export, queries
from webapp.customers.bulk import Conditions
from webapp.customers.filters import ORDERS, conditions
from webapp.customers.forms import (
    LIST_PATH,
    asked_list,
    conditions_of,
    filter_of,
    picked_customers,
)
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.store.customers import Cluster, Customer
from webapp.store.db import db
from webapp.translation import N_, _, ngettext
from webapp.web import confirmations, form_posts
from webapp.web.access_control import viewer
from webapp.web.downloads import Rows, table_file
from webapp.web.htmx import is_htmx, page_on_screen, wants_piece
from webapp.web.lists import ListColumn, ListView, Picked
from webapp.web.query_args import address

customers = Blueprint("customers", __name__)

COLUMNS = (
    ListColumn(N_("Customer"), ""),
    ListColumn(N_("Code"), "code"),
    ListColumn(N_("Cluster")),
    ListColumn(N_("Addresses")),
    ListColumn(N_("Open invoices"), numeric=True),
    ListColumn(N_("Last mail")),
)
BulkVerb = Callable[[Session, Conditions], int]
Done = Callable[[int], str]
"""What a number of changed customers reads like."""


@customers.get("/customers")
def index() -> ResponseReturnValue:
    """The customers under the filter of the address; as a fragment only what filters and pages change."""
    asked = asked_list()
    shown = filter_of(asked)
    try:
        states = counting.state_counts(db.session, viewer(), shown)
        order = asked.order(ORDERS)
        page, count = asked.read(
            lambda edge: queries.listing(db.session, viewer(), shown, order, edge, states)
        )
    except ValueError:
        abort(404)
    view: ListView[Any] = ListView(asked, page, count, COLUMNS, ORDERS, N_("customer"), N_("customers"))
    context = {"list": view, "shown": shown, "states": states}
    if wants_piece():
        return render_template("customers/_list.html", **context)
    return render_template(
        "customers/index.html",
        any_customer=bool(states[""].n) or asked.narrows,
        clusters=cluster_paths.cluster_tags(db.session, viewer()),
        keys=queries.recipient_keys(db.session),
        **context,
    )


@customers.get("/customers.csv")
def download() -> ResponseReturnValue:
    """The customers under the filter of the address, one per line."""
    return _saved("csv")


@customers.get("/customers.xlsx")
def save_workbook() -> ResponseReturnValue:
    """The same as a workbook."""
    return _saved("xlsx")


def _saved(kind: str) -> ResponseReturnValue:
    asked, who, database = asked_list(), viewer(), runtime().database
    shown = filter_of(asked)
    try:
        conditions(db.session, who, shown)
    except ValueError:
        abort(404)

    def table() -> Iterator[tuple[Rows, Sequence[str]]]:
        with database.reading() as session:
            yield export.customers(session, who, shown), export.CUSTOMER_COLUMNS

    with db.writing() as session:
        audit.note(session, who.name, "download customers", "customers", address("", **asked.args))
    return table_file(kind, table, "mailrun-customers")


@customers.post("/customers/move")
def move() -> ResponseReturnValue:
    """Move customers to another cluster, after a question that says what this touches."""
    chosen, wanted = picked_customers(), request.form.get("to", "").strip()
    if not chosen.is_confirmed or not wanted:
        return _question("customers/confirm_move.html", chosen, to=wanted)

    def verb(session: Session, ours: Conditions) -> int:
        to = session.scalar(select(Cluster).where(Cluster.tag_name == wanted, visible_to(viewer(), Cluster)))
        if to is None:
            raise Refused(checks.no_cluster(wanted))
        return bulk.move(session, viewer(), ours, to)

    def done(count: int) -> str:
        return ngettext(
            "%(num)s customer moved to %(cluster)s.",
            "%(num)s customers moved to %(cluster)s.",
            count,
            cluster=wanted,
        )

    return _apply(chosen, "confirm_move.html", verb, done, to=wanted)


@customers.post("/customers/suspend")
def suspend() -> ResponseReturnValue:
    """Suspend customers, after a question that says what this touches."""
    chosen, reason = picked_customers(), request.form.get("reason", "").strip()[: bulk.REASON_MAX]
    if not chosen.is_confirmed:
        return _question("customers/confirm_suspend.html", chosen, reason="")
    return _apply(
        chosen,
        "confirm_suspend.html",
        lambda session, ours: bulk.suspend(session, viewer(), ours, reason),
        lambda count: ngettext("%(num)s customer suspended.", "%(num)s customers suspended.", count),
        reason=reason,
    )


@customers.post("/customers/resume")
def resume() -> ResponseReturnValue:
    """End the suspension of customers. Ticked ones at once; all that match after a question."""
    chosen = picked_customers()
    if not chosen.is_confirmed and chosen.ids is None:
        return _question("customers/confirm_resume.html", chosen)
    verb: BulkVerb = lambda session, ours: bulk.resume(session, viewer(), ours)  # noqa: E731

    def done(count: int) -> str:
        return ngettext(
            "%(num)s customer no longer suspended.", "%(num)s customers no longer suspended.", count
        )

    return _apply(chosen, "confirm_resume.html", verb, done)


def _question(template: str, chosen: Picked, *, wrong: str = "", **more: Any) -> ResponseReturnValue:
    if chosen.ids == ():
        return form_posts.refuse(_("No customer is selected. Select at least one."), _back(chosen))
    return confirmations.ask(
        template,
        here="Customers",
        picked=chosen,
        reach=bulk.reach(db.session, conditions_of(chosen)),
        clusters=cluster_paths.cluster_tags(db.session, viewer()),
        back=_back(chosen),
        wrong=wrong,
        **more,
    )


def _apply(chosen: Picked, template: str, verb: BulkVerb, done: Done, **kept: Any) -> ResponseReturnValue:
    """Apply the verb, unless by now more customers match than the question named: then it is asked again."""
    if chosen.ids == ():
        return form_posts.refuse(_("No customer is selected. Select at least one."), _back(chosen))
    ours = conditions_of(chosen)
    matching = counting.number_of(db.session, ours)
    if chosen.has_grown(matching):
        return _question(f"customers/{template}", chosen, **kept)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        changed = verb(session, ours)
        left = matching - changed
        words = [done(changed)]
        if left:
            words.append(ngettext("%(num)s already was.", "%(num)s already were.", left))
        return _back(chosen), " ".join(words)

    def refused(reason: str) -> ResponseReturnValue:
        return _question(f"customers/{template}", chosen, wrong=reason, **kept)

    return form_posts.apply_once(effect, on_refusal=refused)


def _back(chosen: Picked) -> str:
    """The list as it was; if it is on screen, it stays there."""
    if is_htmx() and form_posts.is_on((LIST_PATH,)):
        return page_on_screen()
    return chosen.asked.url()


def visible_customer(customer_id: int) -> Customer:
    """The customer in the address. Ends the request with 404 if there is none that this person may see."""
    found = db.session.scalar(
        select(Customer).where(Customer.id == customer_id, visible_to(viewer(), Customer))
    )
    return found or abort(404)
