"""The list of runs, and one run with its results: looking only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import cast

from flask import Blueprint, Flask, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp.csv_export import csv_lines
from webapp.extensions import runtime
from webapp.invoices import findings
from webapp.invoices.periods import period_words
from webapp.lifecycle import runs as lifecycle_runs
from webapp.lifecycle.counts import Counts, counts
from webapp.lifecycle.throughput import throughput
from webapp.results import export, filters
from webapp.results import labels as results_labels
from webapp.results import queries as results_queries
from webapp.results.filter_forms import filter_in, filter_words
from webapp.results.queries import Filter
from webapp.runs import labels, progress, queries, report
from webapp.runs.archive import MAY_ARCHIVE
from webapp.runs.control_pages import control
from webapp.runs.failure_reasons import in_a_sentence, why_failed
from webapp.runs.list_pages import run_list
from webapp.runs.sent_chart import sent_over_time
from webapp.runs.takeover_pages import taking_over
from webapp.selection.invoices import attached_documents
from webapp.store import keyset
from webapp.store.definitions import Content
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.store.types import now
from webapp.web.access_control import viewer
from webapp.web.downloads import csv_file
from webapp.web.htmx import wants_piece
from webapp.web.query_args import address, edge_in, ids_in
from webapp.web.view_flags import background_poll

runs = Blueprint("runs", __name__)


def init_app(app: Flask) -> None:
    """Registers every page of this room, and gives the templates the words for statuses."""
    app.jinja_env.globals.update(
        period_words=period_words,
        why=results_labels.why,
        progress=progress.progress,
        progress_line=progress.progress_line,
        short_progress=progress.short_progress,
        announcement=progress.announcement,
        timing=progress.timing,
        ids_to_poll=progress.ids_to_poll,
        run_looks=labels.RUN_LOOKS,
        problems=labels.PROBLEMS,
        problem_labels=labels.PROBLEM_LABELS,
        attention_notes=labels.attention_notes,
        next_steps=labels.next_steps,
        orders=results_queries.ORDERS,
        bar_pieces=progress.bar,
        ending=labels.ending,
        span_words=labels.span_words,
        may_archive=MAY_ARCHIVE,
    )
    app.add_template_filter(results_labels.reason_words)
    for blueprint in (runs, run_list, control, taking_over):
        app.register_blueprint(blueprint)


@runs.get("/runs/<int:run_id>")
def run_page(run_id: int) -> ResponseReturnValue:
    """One run: how far it is, and its results under the filter of the address."""
    with runtime().database.reading() as session:
        run = _visible(session, run_id)
        shown = {**facts(session, run), **ahead(session, run), **table(session, run)}
        return render_template("runs/show.html", **shown)


@runs.get("/runs/<int:run_id>/results")
def results(run_id: int) -> ResponseReturnValue:
    """The piece of the page that the filter, the search, the order and the pager change."""
    with runtime().database.reading() as session:
        run = _visible(session, run_id)
        if not wants_piece():
            return redirect(address(f"/runs/{run_id}", **request.args.to_dict()))
        found = table(session, run)
        response = make_response(
            render_template("results/_table.html", fresh_tabs=True, counts=counts(session, run_id), **found)
        )
        response.headers["HX-Push-Url"] = str(found["here_url"])
        return response


@runs.get("/runs/<int:run_id>/live")
@background_poll
def live(run_id: int) -> ResponseReturnValue:
    """What has changed: only leaves of the page, each put in its place by its id. Rows on screen are named by
    `rows`; those are told of that have changed since the last answer.

    When nothing can change any more, or the list has been made, the page is told to look anew, and the poll
    ends."""
    with runtime().database.reading() as session:
        run = _visible(session, run_id)
        at = now()
        ids = ids_in(request.args.get("rows", "").split("-"))[: 2 * keyset.PAGE_SIZE]
        lines = results_queries.changed_on_screen(session, viewer(), run, ids, _since())
        shown = facts(session, run)
        announce = not shown["is_live"] or time.time() % ANNOUNCED_EVERY < POLLED_EVERY
        response = make_response(
            render_template("runs/_live.html", lines=lines, announce=announce, since=at.timestamp(), **shown)
        )
        if not shown["is_live"] or (request.args.get("made") and run.status != RunStatus.CREATING):
            response.headers["HX-Trigger"] = "changed"
        return response


POLLED_EVERY = 2
ANNOUNCED_EVERY = 16
"""Seconds between two polls, and between two announcements to whoever listens to the page."""
LATE = timedelta(seconds=10)
"""A commit may come so much later than the moment it says: what was told of is told again for so long."""


def _since() -> datetime | None:
    """When the page was answered last, less what may have been under way then."""
    try:
        return datetime.fromtimestamp(float(request.args.get("since", "")), UTC) - LATE
    except (ValueError, OverflowError, OSError):
        return None


def facts(session: Session, run: Run) -> dict[str, object]:
    """What the page says about the run as a whole."""
    counted, hindrance = counts(session, run.id), report.blocker(session, run)
    return {
        "run": run,
        "counts": counted,
        "going": progress.progress(counted),
        "is_live": is_live(run, counted),
        "blocker": labels.blocker_note(
            hindrance.words,
            is_held=bool(hindrance.held),
            waits_for_server=hindrance.server is not None,
            counts=counted,
        ),
        "server": hindrance.server,
        "pace": throughput(session, run, counted),
        "unchecked": _unchecked(session, run) if run.status == RunStatus.CREATING else 0,
    }


def _unchecked(session: Session, run: Run) -> int:
    """How many documents are still to be checked before the list is made."""
    return findings.count_unchecked(session, *attached_documents(run, cast(Content, run.version.content)))


def ahead(session: Session, run: Run) -> dict[str, object]:
    """What the page says once: the run's head, and of a finished run what came of it."""
    ended = run.status == RunStatus.FINISHED
    failed = why_failed(session, viewer(), Result.run_id == run.id) if ended else []
    choice = {
        "definition": str(run.definition_id),
        "cluster": run.cluster.tag_name,
        "include_children": "y" if run.include_children else "",
        "period_from": run.period_from.isoformat(),
        "period_to": run.period_to.isoformat(),
        "bcc": ", ".join(run.bcc),
    }
    return {
        "about": queries.about(session, viewer(), run, counts(session, run.id)),
        "curve": sent_over_time(session, run) if ended else None,
        "failed_words": in_a_sentence(failed),
        "like_this": address("/runs/new", **choice),
    }


def table(session: Session, run: Run) -> dict[str, object]:
    """The table of results under the filter that the address names."""
    chosen = filter_in(request.args)
    edge = edge_in(request.args)
    try:
        known = results_queries.kept_count(session, viewer(), run.id, chosen)
        page, matching = results_queries.results(session, viewer(), run, chosen, edge, known)
    except ValueError:
        abort(404)
    args = {"status": chosen.status, "reason": chosen.reason, "q": chosen.search, "sort": chosen.order}
    turned = {name: request.args.get(name, "") for name in ("after", "before")}
    all_chosen = bool(request.args.get("all")) and matching > 0
    return {
        "run": run,
        "page": page,
        "chosen": chosen,
        "matching": matching,
        "all_chosen": all_chosen,
        "turn_query": address("", **turned).replace("?", "&"),
        "can": _can(session, run, chosen) if all_chosen else {},
        "page_url": address(f"/runs/{run.id}", **args),
        "here_url": address(f"/runs/{run.id}", **args, **turned),
        "result_query": address("", **args),
        "page_title": " · ".join(filter(None, (filter_words(chosen), run.name))),
        "page_said": results_labels.page_words([line.name for line in page.rows], matching, not chosen.order),
        "since": now().timestamp(),
    }


def _can(session: Session, run: Run, chosen: Filter) -> dict[str, int]:
    """How many of everything that matches each bulk button would touch."""
    conditions = filters.matching(run.id, chosen.status, chosen.reason, chosen.search)
    found = results_queries.statuses_of(session, viewer(), conditions, as_they_are=True)
    return {
        "send-again": sum(found.get(status, 0) for status in results_labels.MAY_SEND_AGAIN),
        "remove": sum(found.get(status, 0) for status in results_labels.MAY_REMOVE),
        "put-back": found.get(ResultStatus.REMOVED, 0),
        "let-pass": found.get(ResultStatus.SKIPPED, 0),
    }


@runs.get("/runs/<int:run_id>/report.csv")
def report_csv(run_id: int) -> ResponseReturnValue:
    """Every result of the run that the filter of the address matches, a line each; without one all of them,
    removed ones too."""
    database, who, chosen = runtime().database, viewer(), filter_in(request.args)
    with database.reading() as session:
        run = _visible(session, run_id)
        try:
            filters.matching(run.id, chosen.status, chosen.reason)
        except ValueError:
            abort(404)

    def lines() -> Iterator[str]:
        with database.reading() as reading:
            found = export.results(reading, who, run, chosen.status, chosen.reason, chosen.search)
            yield from csv_lines(found, export.RESULT_COLUMNS)

    name = "-".join(["mailrun-run", str(run.id), *filter(None, (chosen.status, chosen.reason))])
    return csv_file(lines(), name)


def is_live(run: Run, counted: Counts) -> bool:
    """Whether anything on the page may change by itself."""
    return (
        run.status in (RunStatus.CREATING, RunStatus.RUNNING) or counted.by_status[ResultStatus.SENDING] > 0
    )


def _visible(session: Session, run_id: int) -> Run:
    return lifecycle_runs.run(session, viewer(), run_id) or abort(404)
