"""One run with its results, read only. Registers the pages of this room."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import cast

from flask import Blueprint, Flask, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp import access, audit, keyset
from webapp.documents import findings
from webapp.lifecycle import runs as lifecycle_runs
from webapp.lifecycle.counts import Counts, counts_seen
from webapp.lifecycle.throughput import throughput
from webapp.mailservers.backoff import needs_a_person
from webapp.periods import period_words
from webapp.results import labels as results_labels
from webapp.results import queries as results_queries
from webapp.runs import labels, outcome, progress, queries, report
from webapp.runs.approval_note import ApprovalNote, approval_note
from webapp.runs.archive import MAY_ARCHIVE
from webapp.runs.control_pages import control
from webapp.runs.failure_reasons import in_a_sentence, why_failed
from webapp.runs.fix_links import fix_shown, these
from webapp.runs.list_pages import run_list
from webapp.runs.report_pages import reports
from webapp.runs.results_pages import View, table
from webapp.runs.sent_chart import sent_over_time
from webapp.runs.takeover_pages import taking_over
from webapp.runs.window_pages import run_window
from webapp.selection.invoices import attached_documents
from webapp.store.db import db
from webapp.store.definitions import Content
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.types import now
from webapp.web.access_control import sees_whole, viewer
from webapp.web.htmx import piece_of_list, wants_piece
from webapp.web.query_args import address, ids_in
from webapp.web.view_flags import background_poll

runs = Blueprint("runs", __name__)


def init_app(app: Flask) -> None:
    """Register every page of this room, and what their templates call."""
    app.jinja_env.globals.update(
        run_labels=labels,
        run_outcome=outcome,
        run_progress=progress,
        why=results_labels.why,
        period_words=period_words,
        fix_shown=fix_shown,
        these=these,
        may_archive=MAY_ARCHIVE,
    )
    app.add_template_filter(results_labels.reason_words)
    for blueprint in (runs, run_list, control, reports, taking_over, run_window):
        app.register_blueprint(blueprint)


@runs.get("/runs/<int:run_id>")
def run_page(run_id: int) -> ResponseReturnValue:
    """One run: its progress, and its results under the filter of the address; as a fragment only the results
    and what filters, search and pager change with them."""
    run = _visible(run_id)
    if wants_piece():
        return _piece(run)
    said = facts(run)
    shown = {**said, **head(run, cast(Counts, said["counts"])), **table(run), **rights(run)}
    subject = f"run {run.id}"
    changes = audit.latest(db.session, subject) if sees_whole(run) else []
    return render_template("runs/show.html", changes=changes, changes_of=subject, **shown)


@runs.get("/runs/<int:run_id>/results")
def results(run_id: int) -> ResponseReturnValue:
    """The same fragment at its own address. A whole page is at the address of the run."""
    run = _visible(run_id)
    if wants_piece():
        return _piece(run)
    return redirect(address(f"/runs/{run_id}", **request.args.to_dict()))


def _piece(run: Run) -> ResponseReturnValue:
    found = table(run)
    shown = {**found, **rights(run), "counts": counts_seen(db.session, viewer(), run.id)}
    view = cast(View, found["list"])
    return piece_of_list(render_template("results/_table.html", is_piece=True, **shown), view.here)


@runs.get("/runs/<int:run_id>/live")
@background_poll
def live(run_id: int) -> ResponseReturnValue:
    """What has changed: small elements, each swapped by its id. `rows` names the rows on screen; the answer
    has those that changed since the previous answer.

    Once nothing can change by itself, or the list is complete, the page is told to refresh, and polling
    ends."""
    run = _visible(run_id)
    at = now()
    ids = ids_in(request.args.get("rows", "").split("-"))[: 2 * keyset.PAGE_SIZE]
    lines = results_queries.changed_on_screen(db.session, viewer(), run, ids, _since())
    shown = {**facts(run), **rights(run)}
    announce = not shown["is_live"] or time.time() % ANNOUNCEMENT_SECONDS < POLL_SECONDS
    response = make_response(
        render_template("runs/_live.html", lines=lines, announce=announce, since=at.timestamp(), **shown)
    )
    if not shown["is_live"] or (request.args.get("made") and run.status != RunStatus.CREATING):
        response.headers["HX-Trigger"] = "changed"
    return response


POLL_SECONDS = 2
ANNOUNCEMENT_SECONDS = 16
"""Between two announcements of the progress to screen readers."""
COMMIT_DELAY_MAX = timedelta(seconds=10)
"""How long after its own timestamp a change may be committed. Changes are sent again for this long."""


def _since() -> datetime | None:
    """When the previous answer was made, less the time that commits may have taken."""
    try:
        return datetime.fromtimestamp(float(request.args.get("since", "")), UTC) - COMMIT_DELAY_MAX
    except (ValueError, OverflowError, OSError):
        return None


def rights(run: Run) -> dict[str, object]:
    """Whether the person sees the whole run, whether they may change it, and what is to be said of its
    approval. If they may not, the page says why."""
    is_whole = sees_whole(run)
    return {
        "approval": approval_note(db.session, run, viewer()) if is_whole else ApprovalNote(),
        "is_whole": is_whole,
        "may_act": is_whole and viewer().may_change,
        "only_looked_at": "" if is_whole else access.only_looked_at(run),
    }


def facts(run: Run) -> dict[str, object]:
    """What the page says about the run as a whole."""
    counted, blocker = counts_seen(db.session, viewer(), run.id), report.blocker(db.session, run)
    is_whole = sees_whole(run)
    return {
        "run": run,
        "counts": counted,
        "going": progress.progress(counted),
        "is_live": is_live(run, counted),
        "blocker": labels.blocker_note(
            blocker.words if is_whole else blocker.words_in_part,
            is_held=bool(blocker.held),
            waits_for_server=blocker.server is not None,
            counts=counted,
            needs_a_person=blocker.server is not None and needs_a_person(blocker.server),
        ),
        "server": blocker.server,
        "pace": throughput(db.session, run, counted) if is_whole else None,
        "unchecked": _unchecked(run) if run.status == RunStatus.CREATING and is_whole else 0,
    }


def _unchecked(run: Run) -> int:
    """How many documents have to be checked before the list can be created."""
    documents = attached_documents(run, cast(Content, run.version.content))
    return findings.count_unchecked(db.session, *documents)


def head(run: Run, counted: Counts) -> dict[str, object]:
    """What only the whole page shows: the head of the run and, if it has finished, its outcome."""
    is_whole = sees_whole(run)
    has_finished = run.status == RunStatus.FINISHED
    failed = why_failed(db.session, viewer(), Result.run_id == run.id) if has_finished else []
    selection = {
        "definition": str(run.definition_id),
        "cluster": run.cluster.tag_name,
        "include_children": "y" if run.include_children else "",
        "period_from": run.period_from.isoformat(),
        "period_to": run.period_to.isoformat(),
        "bcc": ", ".join(run.bcc),
    }
    return {
        "about": queries.about(db.session, viewer(), run, counted, is_whole=is_whole),
        "curve": sent_over_time(db.session, run) if has_finished and is_whole else None,
        "failed_words": in_a_sentence(failed),
        "like_this": address("/runs/new", **selection),
    }


def is_live(run: Run, counted: Counts) -> bool:
    """Whether anything on the page can change by itself."""
    return (
        run.status in (RunStatus.CREATING, RunStatus.RUNNING) or counted.by_status[ResultStatus.SENDING] > 0
    )


def _visible(run_id: int) -> Run:
    """The run in the address. Ends the request with 404 if there is none that this person may see."""
    return lifecycle_runs.run(db.session, viewer(), run_id) or abort(404)
