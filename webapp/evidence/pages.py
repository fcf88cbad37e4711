"""The evidence of a run, to be downloaded."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort
from flask.typing import ResponseReturnValue

from webapp.audit import audit
from webapp.evidence.archive import evidence
from webapp.extensions import runtime
from webapp.lifecycle import runs
from webapp.store.db import db
from webapp.web.access_control import viewer
from webapp.web.capacity import as_download

of_runs = Blueprint("evidence", __name__)


def init_app(app: Flask) -> None:
    app.register_blueprint(of_runs)


@of_runs.get("/runs/<int:run_id>/evidence.zip")
def download(run_id: int) -> ResponseReturnValue:
    """Every result, attempt and mail of the run that this person may see, as a ZIP generated as it is read. A
    download that breaks off has no end record, so that no program takes it for complete."""
    parts = runtime()
    run = runs.run(db.session, viewer(), run_id) or abort(404)
    with db.writing() as session:
        audit(session, viewer().name, "download evidence", run)
    pieces = as_download(evidence(parts.database, parts.documents, viewer(), run))
    headers = {"Content-Disposition": f"attachment; filename=mailrun-run-{run_id}-evidence.zip"}
    return Response(pieces, mimetype="application/zip", headers=headers)
