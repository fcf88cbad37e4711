"""The page and the palette that find anything."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Flask, Response, render_template, request, session
from flask.typing import ResponseReturnValue

from webapp.search import recent
from webapp.search.marks import marked
from webapp.search.queries import GROUPS, find
from webapp.store.db import db
from webapp.store.text_search import search_words
from webapp.web.access_control import viewer
from webapp.web.htmx import wants_piece
from webapp.web.lists import SEARCH_MAX
from webapp.web.view_flags import while_typing

search = Blueprint("search", __name__)


def init_app(app: Flask) -> None:
    """Register the pages of this room."""
    app.register_blueprint(search)
    app.after_request(_remember)
    app.add_template_global(lambda: recent.load(db.session, viewer(), _marks()), "recent")


PAGES = ("/customers/<int:customer_id>", "/invoices/<int:invoice_id>", "/runs/<int:run_id>",
         "/results/<int:result_id>")  # fmt: skip


def _remember(answer: Response) -> Response:
    """Keep in the person's session which page they opened; a page that is open already changes nothing."""
    rule = request.url_rule.rule if request.url_rule else ""
    if rule in PAGES and request.method == "GET" and answer.status_code == 200:
        [(name, id)] = (request.view_args or {}).items()
        marks, mark = _marks(), f"{recent.KINDS[name]}{id}"
        if marks[:1] != [mark]:
            session["recent"] = [viewer().name, *recent.opened(marks, mark)]
    return answer


def _marks() -> list[str]:
    """What this person opened last; not what another did, who used the browser before."""
    kept = session.get("recent") or [""]
    return [str(each) for each in kept[1:]] if kept[0] == viewer().name else []


@search.get("/search")
@while_typing
def index() -> ResponseReturnValue:
    """What the text in the address finds; as a fragment, and in the palette, only the rows."""
    wanted = request.args.get("q", "").replace("\x00", "").strip()[:SEARCH_MAX]
    within = request.args.get("in", "")
    within = within if within in GROUPS else ""
    context = {
        "wanted": wanted,
        "within": within,
        "found": find(db.session, viewer(), wanted, within),
        "mark": partial(marked, words=search_words(wanted)),
    }
    if wants_piece():
        piece = "_palette_hits.html" if request.args.get("palette") else "_found.html"
        return render_template(f"search/{piece}", **context)
    return render_template("search/index.html", **context)
