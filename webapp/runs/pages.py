"""The list of runs, and one run with its results: looking only."""

from __future__ import annotations

import re
import time
from urllib.parse import urlencode

from flask import Blueprint, Flask, Response, abort, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp.extensions import runtime
from webapp.runs import queries, report, result_queries, words
from webapp.runs.counts import Counts, counts
from webapp.runs.lifecycle import period_words
from webapp.runs.result_queries import Filter
from webapp.store import keyset
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, RunStatus
from webapp.web.gate import viewer
from webapp.web.htmx import is_htmx
from webapp.web.marks import polled
from webapp.web.paging import edge_in

runs = Blueprint("runs", __name__)


def init_app(app: Flask) -> None:
    """Registers the pages and gives the templates the words for statuses."""
    app.jinja_env.globals.update(
        period_words=period_words,
        why=words.why,
        progress=words.progress,
        run_looks=words.RUN_LOOKS,
        problems=words.PROBLEMS,
        orders=result_queries.ORDERS,
        bar_pieces=words.bar,
    )
    app.add_template_filter(words.reason_words)
    app.register_blueprint(runs)


@runs.get("/")
def start_page() -> ResponseReturnValue:
    return redirect("/runs")


@runs.get("/runs")
def index() -> ResponseReturnValue:
    """The runs, newest first; as a piece of the page only the table."""
    state, q = request.args.get("state", ""), request.args.get("q", "")[:200]
    shown = {"state": state, "q": q, "list_url": address("/runs", state=state, q=q)}
    with runtime().database.reading() as session:
        try:
            page = queries.runs(session, viewer(), state=state, search=q, edge=edge_in(request.args))
        except ValueError:
            abort(404)
        if is_htmx():
            return render_template("runs/_runs.html", page=page, **shown)
        states = queries.states(session, viewer())
        any_run = any(states.values())
        return render_template("runs/index.html", page=page, states=states, any_run=any_run, **shown)


def address(path: str, **args: str) -> str:
    """The path with those of the arguments that are not empty."""
    given = urlencode({name: value for name, value in args.items() if value})
    return f"{path}?{given}" if given else path


@runs.get("/runs/<int:run_id>")
def run_page(run_id: int) -> ResponseReturnValue:
    """One run: how far it is, and its results under the filter of the address."""
    with runtime().database.reading() as session:
        run = _visible(session, run_id)
        return render_template("runs/run.html", **{**facts(session, run), **table(session, run)})


@runs.get("/runs/<int:run_id>/results")
def results(run_id: int) -> ResponseReturnValue:
    """The piece of the page that the filter, the search, the order and the pager change."""
    with runtime().database.reading() as session:
        run = _visible(session, run_id)
        if not is_htmx():
            return redirect(address(f"/runs/{run_id}", **request.args.to_dict()))
        found = table(session, run)
        response = make_response(
            render_template("runs/_results.html", fresh_tabs=True, counts=counts(session, run_id), **found)
        )
        response.headers["HX-Push-Url"] = str(found["page_url"])
        return response


@runs.get("/runs/<int:run_id>/live")
@polled
def live(run_id: int) -> ResponseReturnValue:
    """What has changed: only leaves of the page, each put in its place by its id. Rows on screen are named by
    `rows`."""
    with runtime().database.reading() as session:
        run = _visible(session, run_id)
        ids = ids_in(request.args.get("rows", "").split("-"))[: 2 * keyset.SIZE]
        rows = result_queries.on_screen(session, viewer(), run, ids)
        if request.args.get("made") and run.status != RunStatus.CREATING:
            return Response(headers={"HX-Refresh": "true"})  # the table was empty while its list was made
        announce = not is_live(run, counts(session, run_id)) or time.time() % ANNOUNCED_EVERY < POLLED_EVERY
        return render_template("runs/_live.html", rows=rows, announce=announce, **facts(session, run))


POLLED_EVERY = 2
ANNOUNCED_EVERY = 16
"""Seconds between two polls, and between two announcements to whoever listens to the page."""


def facts(session: Session, run: Run) -> dict[str, object]:
    """What the page says about the run as a whole."""
    counted = counts(session, run.id)
    return {
        "run": run,
        "counts": counted,
        "going": words.progress(counted),
        "is_live": is_live(run, counted),
        "problem": report.problem(session, run),
    }


def table(session: Session, run: Run) -> dict[str, object]:
    """The table of results under the filter that the address names."""
    chosen = filter_in(request.args)
    edge = edge_in(request.args)
    try:
        page = result_queries.results(session, viewer(), run, chosen, edge)
        matching = _matching(session, run, chosen)
    except ValueError:
        abort(404)
    args = {"status": chosen.status, "reason": chosen.reason, "q": chosen.search, "sort": chosen.order}
    return {
        "run": run,
        "page": page,
        "chosen": chosen,
        "matching": matching,
        "all_chosen": bool(request.args.get("all")) and matching > 0,
        "page_url": address(f"/runs/{run.id}", **args),
    }


def filter_in(args: MultiDict[str, str]) -> Filter:
    """The filter that an address or a form names."""
    order = args.get("sort", "")
    return Filter(
        status=args.get("status", ""),
        reason=args.get("reason", ""),
        search=args.get("q", "").strip()[:200],
        order=order if order in result_queries.ORDERS else "",
    )


def ids_in(texts: list[str]) -> list[int]:
    """Those of the texts that are ids, each once."""
    return list(dict.fromkeys(int(text) for text in texts if re.fullmatch(r"[0-9]{1,18}", text)))


def is_live(run: Run, counted: Counts) -> bool:
    """Whether anything on the page may change by itself."""
    return (
        run.status in (RunStatus.CREATING, RunStatus.RUNNING) or counted.by_status[ResultStatus.SENDING] > 0
    )


def _matching(session: Session, run: Run, chosen: Filter) -> int:
    """How many results the filter matches: from the kept counts, if these can say."""
    if chosen.search or viewer().clusters:
        return result_queries.how_many(session, viewer(), run.id, chosen)
    counted = counts(session, run.id)
    if chosen.reason:
        same = chosen.status in ("", ResultStatus.SKIPPED)
        return counted.reasons.get(chosen.reason, 0) if same else 0
    if chosen.status:
        return counted.by_status[ResultStatus(chosen.status)]
    return words.progress(counted).shown


def _visible(session: Session, run_id: int) -> Run:
    return queries.run(session, viewer(), run_id) or abort(404)
