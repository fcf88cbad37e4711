"""The list of runs, and one run with its results: looking only."""

from __future__ import annotations

from urllib.parse import urlencode

from flask import Blueprint, Flask, abort, redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp.extensions import runtime
from webapp.runs import queries, result_queries, words
from webapp.runs.lifecycle import period_words
from webapp.web.gate import viewer
from webapp.web.htmx import is_htmx
from webapp.web.paging import edge_in

runs = Blueprint("runs", __name__)


def init_app(app: Flask) -> None:
    """Registers the pages and gives the templates the words for statuses."""
    app.add_template_global(period_words)
    app.add_template_global(result_queries.why, "why")
    app.add_template_global(words.progress, "progress")
    app.add_template_global(words.RUN_LOOKS, "run_looks")  # type: ignore[arg-type]
    app.add_template_global(words.PROBLEMS, "problems")  # type: ignore[arg-type]
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
