"""Imports: upload files, and what earlier imports did. One import: set_pages.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from flask import Blueprint, Flask, Response, g, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import example_folder
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.imports.kinds import CHANGED_HERE
from webapp.imports.messaging import FILE as MESSAGING
from webapp.intake import labels, listing, next_steps, sets, uploaded_files
from webapp.intake.receiving import UploadLimits, receive
from webapp.intake.set_folders import SetFolder, new_folder
from webapp.intake.set_pages import for_importers, import_sets
from webapp.store.db import db
from webapp.store.statuses import Role
from webapp.translation import _
from webapp.web import form_posts
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash
from webapp.web.layout import show_only_while
from webapp.web.query_args import id_in
from webapp.web.view_flags import takes_uploads
from webapp.workers import count_alive

intake = Blueprint("intake", __name__)


def init_app(app: Flask) -> None:
    """Register the pages."""
    for blueprint in (intake, import_sets):
        app.register_blueprint(blueprint)
    show_only_while(app, intake.name, lambda: g.get("viewer") is not None and viewer().may_import)


intake.before_request(for_importers)


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
        steps=next_steps.stored(db.session),
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
