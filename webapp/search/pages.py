"""The page and the palette that find anything."""

from __future__ import annotations

from functools import partial

from flask import Blueprint, Flask, render_template, request
from flask.typing import ResponseReturnValue

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
