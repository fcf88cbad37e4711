"""The audit trail, for administrators who see everything: it tells of all customers, and of all users."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flask import Blueprint, Flask, abort, g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from webapp import audit
from webapp.audit_trail import listing, verifying
from webapp.audit_trail.listing import COLUMNS, FILTERS, KINDS, ORDERS, AuditFilter
from webapp.extensions import runtime
from webapp.store.db import db
from webapp.store.users import AuditChain, AuditEntry, AuditStub
from webapp.translation import N_, _, ngettext
from webapp.web import form_posts
from webapp.web.access_control import viewer
from webapp.web.downloads import Rows, table_file
from webapp.web.htmx import wants_piece
from webapp.web.layout import show_only_while
from webapp.web.lists import ListColumn, ListRequest, ListView, list_request

audit_trail = Blueprint("audit_trail", __name__)
PATH = "/audit"
FOR_ADMINS = N_(
    "The audit trail tells of all customers and users: only administrators who are bound to no cluster "
    "read it."
)
STRAYS_SHOWN = 20
"""Entries that are in no chain: there are none unless the database was tampered with."""
HEADS = (
    ListColumn(N_("Entry")),
    ListColumn(N_("When")),
    ListColumn(N_("Who, from where")),
    ListColumn(N_("What")),
    ListColumn(N_("Before and after")),
)


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(audit_trail)
    show_only_while(app, audit_trail.name, lambda: g.get("viewer") is not None and viewer().manages_users)


@audit_trail.before_request
def for_administrators() -> None:
    """Read by administrators alone."""
    if not viewer().manages_users:
        abort(403, _(FOR_ADMINS))


@audit_trail.get("/audit")
def index() -> ResponseReturnValue:
    """The entries under the filter of the address, the newest first."""
    asked, shown = _asked()
    page, count = asked.read(lambda edge: listing.listing(db.session, shown, edge))
    view: ListView[Any] = ListView(
        asked, page, count, HEADS, ORDERS, N_("entry"), N_("entries"),
        way=N_("newest first"), turns=(N_("Newer"), N_("Older")),
    )  # fmt: skip
    context = {"list": view, "shown": shown, "links": listing.links(db.session, page.rows)}
    if wants_piece():
        return render_template("audit_trail/_list.html", **context)
    chain = db.session.scalars(select(AuditChain)).one()
    strays = select(AuditEntry).where(AuditEntry.number.is_(None)).order_by(AuditEntry.id).limit(STRAYS_SHOWN)
    return render_template(
        "audit_trail/index.html",
        kinds={value: words for value, (words, actions) in KINDS.items()},
        chain=chain,
        strays=db.session.scalars(strays).all(),
        problem=verifying.problem_words(chain.problem, chain.broken),
        stub=db.session.scalar(select(AuditStub).order_by(AuditStub.released_to.desc()).limit(1)),
        **context,
    )


@audit_trail.post("/audit/verification")
def verify() -> ResponseReturnValue:
    """Verify the whole chain."""
    verification = verifying.verify_and_note(runtime().database)
    if verification.broken is not None:
        return form_posts.notify(_("The chain is broken: %(problem)s.", problem=verification.words), PATH)
    told = ngettext(
        "%(num)s entry was verified: it is as it was written.",
        "%(num)s entries were verified: all are as they were written.",
        verification.entries,
    )
    return form_posts.notify(told, PATH)


@audit_trail.get("/audit.csv")
def download() -> ResponseReturnValue:
    """The entries under the filter of the address, the oldest first."""
    return _saved("csv")


@audit_trail.get("/audit.xlsx")
def save_workbook() -> ResponseReturnValue:
    """The same as a workbook."""
    return _saved("xlsx")


def _saved(kind: str) -> ResponseReturnValue:
    asked, shown = _asked()
    database = runtime().database
    with db.writing() as session:
        audit.note(session, viewer().name, "download audit trail", "audit trail", asked.query)

    def table() -> Iterator[tuple[Rows, Sequence[str]]]:
        with database.reading() as session:
            yield listing.rows(session, shown), COLUMNS

    return table_file(kind, table, "mailrun-audit-trail")


def _asked() -> tuple[ListRequest, AuditFilter]:
    asked = list_request(PATH, FILTERS, ORDERS)
    try:
        return asked, listing.filter_of(asked.filters, asked.search)
    except ValueError:
        abort(404)
