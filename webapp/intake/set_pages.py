"""One import: how its files are read, what they would change, Apply; and afterwards what it did."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask import Blueprint, abort, render_template, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import notation
from webapp.errors import NotFound, Refused
from webapp.extensions import runtime
from webapp.intake import choosing, column_words, columns, labels, listing, next_steps, sets, uploaded_files
from webapp.intake.set_folders import SetFolder, progress_of
from webapp.intake.source_problems import lines_of
from webapp.intake.summary import NOTHING
from webapp.intake.uploaded_files import UploadedTable
from webapp.periods import period_words
from webapp.store.db import db
from webapp.store.statuses import ImportState
from webapp.store.users import ImportSet
from webapp.translation import _
from webapp.web import form_posts, formats, htmx
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash
from webapp.web.view_flags import background_poll
from webapp.workers import count_alive

import_sets = Blueprint("import_sets", __name__)

FILES = {"errors": "errors", "changes": "changes", "documents": "unmatched"}


@import_sets.before_request
def for_importers() -> None:
    """Only those who see everything may import."""
    if not viewer().may_import:
        abort(403, sets.for_importers())


@import_sets.get("/imports/<int:set_id>")
def show(set_id: int) -> ResponseReturnValue:
    """One import: how its files are read, and what it would change, or did."""
    return _page(_found(set_id))


@import_sets.get("/imports/<int:set_id>/live")
@background_poll
def live(set_id: int) -> ResponseReturnValue:
    """How far the work is; at its end, the page as it is then."""
    row = _found(set_id)
    if row.state not in sets.WORKING:
        return htmx.lead_to(f"/imports/{set_id}")
    return render_template("intake/_progress.html", row=row, **_progress(row))


@import_sets.post("/imports/<int:set_id>")
def check(set_id: int) -> ResponseReturnValue:
    """Check again, with the files read as the form says. It is remembered for files with these columns."""
    row = _found(set_id)
    folder = _folder(row)
    try:
        tables = [_typed(row, folder, table) for table in uploaded_files.tables_of(row.files)]
    except Refused as refusal:
        return _page(row, str(refusal))
    documents = {name[10:]: value for name, value in request.form.items() if name.startswith("documents-")}
    db.end_reading()

    def effect(session: Session) -> tuple[str, Flash]:
        sets.check_again(session, runtime().queue, viewer(), set_id, tables, documents)
        for table in tables:
            if table.kind and table.is_known:
                columns.remember(session, viewer().name, table.headers, table.choice)
        return f"/imports/{set_id}", ""

    return form_posts.apply_once(effect, back=f"/imports/{set_id}")


def _typed(row: ImportSet, folder: SetFolder, table: UploadedTable) -> UploadedTable:
    mark = f"{table.number}-"
    typed = {name.removeprefix(mark): value for name, value in request.form.items() if name.startswith(mark)}
    read = choosing.chosen(db.session, folder, table, typed, row.summary.get("unknown_clusters", ()))
    wrong = row.summary.get("skippable", {}) if request.form.get("leave_out") else {}
    return choosing.without_lines(read, wrong) if choosing.is_read_alike(read, table) else read


@import_sets.post("/imports/<int:set_id>/apply")
def apply(set_id: int) -> ResponseReturnValue:
    """Have a worker import what was checked."""
    with_removals = bool(request.form.get("with_removals"))

    def effect(session: Session) -> tuple[str, Flash]:
        sets.apply(session, runtime().queue, viewer(), set_id, with_removals=with_removals)
        return f"/imports/{set_id}", ""

    return form_posts.apply_once(effect, back=f"/imports/{set_id}")


@import_sets.post("/imports/<int:set_id>/cancel")
def cancel(set_id: int) -> ResponseReturnValue:
    """Have the worker stop. Writes no row: while an import stores, that would wait for its end."""
    row = _found(set_id)
    if row.state in sets.WORKING and row.worker_id is not None:
        _folder(row).cancel(viewer().name)
        return form_posts.notify(_("It stops at its next step; nothing is stored."), f"/imports/{set_id}")

    def effect(session: Session) -> tuple[str, Flash]:
        sets.cancel_waiting(session, viewer(), set_id)
        return f"/imports/{set_id}", ""

    return form_posts.apply_once(effect, back=f"/imports/{set_id}")


@import_sets.post("/imports/<int:set_id>/discard")
def discard(set_id: int) -> ResponseReturnValue:
    """Delete the files."""

    def effect(session: Session) -> tuple[str, Flash]:
        sets.discard(session, viewer(), runtime().settings.import_folder, set_id)
        return "/imports", _("Import %(number)s is discarded. Nothing of it was stored.", number=set_id)

    return form_posts.apply_once(effect, back=f"/imports/{set_id}")


@import_sets.get("/imports/<int:set_id>/<any(errors, changes, documents):what>.csv")
def download(set_id: int, what: str) -> ResponseReturnValue:
    """Every error, every row that changes, or every document without an invoice, of the last check."""
    path = getattr(_folder(_found(set_id)), FILES[what])
    if not path.is_file():
        abort(404)
    name = f"import-{set_id}-{what}.csv"
    return send_file(path, mimetype="text/csv", as_attachment=True, download_name=name)


def _found(set_id: int) -> ImportSet:
    try:
        return sets.found(db.session, set_id)
    except NotFound:
        abort(404)


def _folder(row: ImportSet) -> SetFolder:
    return sets.folder_of(runtime().settings.import_folder, row)


def _progress(row: ImportSet) -> dict[str, object]:
    return {
        "progress": progress_of(_folder(row)),
        "labels": labels,
        "is_waiting": row.worker_id is None,
        "before": sets.waiting_before(db.session, row),
        "has_workers": count_alive(db.session) > 0,
    }


def _page(row: ImportSet, wrong: str = "") -> ResponseReturnValue:
    tables = uploaded_files.tables_of(row.files)
    people = listing.people(db.session, [row])
    has_clusters = any(table.new_clusters for table in tables) or bool(row.summary.get("unknown_clusters"))
    page = render_template(
        "intake/show.html",
        row=row,
        wrong=wrong,
        tables=tables,
        names={table.kind: table for table in tables if table.kind},
        summary={**NOTHING, **row.summary},
        person=people.get(row.made_by, row.made_by),
        changer=people.get(row.changed_by, row.changed_by),
        may_check=sets.may_check(row),
        may_apply=sets.may_apply(row),
        is_working=row.state in sets.WORKING,
        is_applied=row.state == ImportState.APPLIED,
        columns=columns,
        column_name=column_words.column_name,
        statuses=column_words.STATUSES,
        issue_month=column_words.ISSUE_MONTH,
        keys=(keys := columns.recipient_keys(db.session)),
        key_options=[(key, key) for key in keys],
        clusters=listing.clusters(db.session) if has_clusters else [],
        lines_of=lines_of,
        read_words=read_words,
        steps=next_steps.stored(db.session),
        transformations=listing.transformations(db.session),
        **_progress(row),
    )
    return page, 422 if wrong else 200


def read_words(said: Mapping[str, Any]) -> list[str]:
    """What a new row says, as the reader writes it, for them to see whether it was read rightly."""
    rest = dict(said)
    told = [str(rest.pop(name)) for name in ("name", "cluster", "customer_code") if name in rest]
    currency = rest.pop("currency", "")
    if not any(map(Decimal, (rest.get("net_amount", 0), rest.get("tax_amount", 0)))):
        rest = {name: value for name, value in rest.items() if name not in ("net_amount", "tax_amount")}
    for name, words in (
        ("gross_amount", "%(amount)s"),
        ("net_amount", _("net %(amount)s", amount="%(amount)s")),
        ("tax_amount", _("tax %(amount)s", amount="%(amount)s")),
    ):
        if name in rest:
            told.append(words % {"amount": notation.money(Decimal(rest.pop(name)), currency)})
    if "period_start" in rest and "period_end" in rest:
        first, last = (date.fromisoformat(rest.pop(name)) for name in ("period_start", "period_end"))
        told.append(period_words(first, last))
    if "issue_date" in rest:
        told.append(_("issued %(day)s", day=_whole_day(rest.pop("issue_date"))))
    if "due_date" in rest:
        told.append(_("due %(day)s", day=_whole_day(rest.pop("due_date"))))
    if "size" in rest:
        told.append(formats.size(int(rest.pop("size"))))
    return [*told, *(labels.value(name, value) for name, value in rest.items())]


def _whole_day(text: str) -> str:
    return formats.whole_day(date.fromisoformat(text))
