"""Imports: upload files, see what they would change, apply them; and what earlier imports did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from flask import Blueprint, Flask, Response, abort, g, render_template, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import example_folder
from webapp.errors import NotFound, Refused
from webapp.extensions import runtime
from webapp.imports.kinds import CHANGED_HERE
from webapp.imports.messaging import FILE as MESSAGING
from webapp.intake import columns, labels, listing, sets, uploaded_files
from webapp.intake.receiving import UploadLimits, receive
from webapp.intake.set_folders import SetFolder, new_folder, progress_of
from webapp.intake.summary import NOTHING
from webapp.intake.uploaded_files import UploadedTable
from webapp.store.db import db
from webapp.store.statuses import ImportState, Role
from webapp.store.users import ImportSet
from webapp.translation import _
from webapp.web import form_posts, htmx
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash
from webapp.web.layout import show_only_while
from webapp.web.query_args import id_in
from webapp.web.view_flags import background_poll, takes_uploads
from webapp.workers import count_alive

intake = Blueprint("intake", __name__)

FILES = {"errors": "errors", "changes": "changes", "documents": "unmatched"}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(intake)
    show_only_while(app, intake.name, lambda: g.get("viewer") is not None and viewer().may_import)


@intake.before_request
def for_importers() -> None:
    """Only those who see everything may import."""
    if not viewer().may_import:
        abort(403, sets.for_importers())


@intake.get("/import")
@intake.get("/imports")
def index() -> ResponseReturnValue:
    """The form for an upload, and the imports so far."""
    return _index()


def _index(wrong: str = "") -> ResponseReturnValue:
    before = id_in(request.args.get("before", ""))
    rows, older = listing.page(db.session, before)
    page = render_template(
        "intake/index.html",
        rows=rows,
        older=older,
        people=listing.people(db.session, rows),
        labels=labels,
        wrong=wrong,
        has_workers=count_alive(db.session) > 0,
    )
    return page, 422 if wrong else 200


@intake.post("/imports")
@takes_uploads
def upload() -> ResponseReturnValue:
    """Take the files, find out how they are written, and have a worker check them."""
    settings = runtime().settings
    limits = UploadLimits(settings.import_bytes_max, settings.import_files_max)
    folder = new_folder(settings.import_folder)
    is_kept = False
    try:
        received = receive(folder, _sent(), limits)
        _refuse_settings(folder)
        tables = uploaded_files.look_at_all(db.session, received)
        db.end_reading()

        def effect(session: Session) -> tuple[str, Flash]:
            nonlocal is_kept
            row = sets.create(session, runtime().queue, viewer(), received, tables)
            is_kept = True
            return f"/imports/{row.id}", ""

        return form_posts.apply_once(effect, back="/imports")
    except Refused as refusal:
        return _index(str(refusal))
    finally:
        if not is_kept:
            folder.remove()


def _sent() -> Iterator[tuple[str, IO[bytes]]]:
    for file in request.files.getlist("files"):
        if file.filename:
            yield file.filename, file.stream


def _refuse_settings(folder: SetFolder) -> None:
    """Mail servers, senders and definitions are the business of administrators."""
    for name in (MESSAGING, CHANGED_HERE):
        if (folder.folder / name).exists() and viewer().role != Role.ADMIN:
            raise Refused(
                _("Only administrators may import “%(name)s”. Leave it out, or ask one of them.", name=name)
            )


@intake.get("/imports/example.zip")
def example() -> ResponseReturnValue:
    """A small folder as an example."""
    content = example_folder.as_zip(with_settings=viewer().role == Role.ADMIN)
    headers = {"Content-Disposition": "attachment; filename=mailrun-example.zip"}
    return Response(content, mimetype="application/zip", headers=headers)


@intake.get("/imports/<int:set_id>")
def show(set_id: int) -> ResponseReturnValue:
    """One import: how its files are read, and what it would change, or did."""
    return _page(_found(set_id))


@intake.get("/imports/<int:set_id>/live")
@background_poll
def live(set_id: int) -> ResponseReturnValue:
    """How far the work is; at its end, the page as it is then."""
    row = _found(set_id)
    if row.state not in sets.WORKING:
        return htmx.lead_to(f"/imports/{set_id}")
    return render_template("intake/_progress.html", row=row, **_progress(row))


@intake.post("/imports/<int:set_id>")
def check(set_id: int) -> ResponseReturnValue:
    """Check again, with the files read as the form says. It is remembered for files with these columns."""
    row = _found(set_id)
    folder = _folder(row)
    try:
        tables = [_typed(folder, table) for table in uploaded_files.tables_of(row.files)]
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


def _typed(folder: SetFolder, table: UploadedTable) -> UploadedTable:
    mark = f"{table.number}-"
    typed = {name.removeprefix(mark): value for name, value in request.form.items() if name.startswith(mark)}
    return uploaded_files.chosen(db.session, folder, table, typed)


@intake.post("/imports/<int:set_id>/apply")
def apply(set_id: int) -> ResponseReturnValue:
    """Have a worker import what was checked."""
    with_removals = bool(request.form.get("with_removals"))

    def effect(session: Session) -> tuple[str, Flash]:
        sets.apply(session, runtime().queue, viewer(), set_id, with_removals=with_removals)
        return f"/imports/{set_id}", ""

    return form_posts.apply_once(effect, back=f"/imports/{set_id}")


@intake.post("/imports/<int:set_id>/cancel")
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


@intake.post("/imports/<int:set_id>/discard")
def discard(set_id: int) -> ResponseReturnValue:
    """Delete the files."""

    def effect(session: Session) -> tuple[str, Flash]:
        sets.discard(session, viewer(), runtime().settings.import_folder, set_id)
        return "/imports", _("Import %(number)s is discarded. Nothing of it was stored.", number=set_id)

    return form_posts.apply_once(effect, back=f"/imports/{set_id}")


@intake.get("/imports/<int:set_id>/<any(errors, changes, documents):what>.csv")
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
        uploads=uploaded_files,
        transformations=listing.transformations(db.session),
        **_progress(row),
    )
    return page, 422 if wrong else 200
