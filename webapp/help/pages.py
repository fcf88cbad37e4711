"""Help: what each page is for, the glossary, and a search over both."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp import notation
from webapp.help import topics

help_pages = Blueprint("help", __name__)
SEARCH_MAX = 100
"""Characters of a search that are looked at."""


def init_app(app: Flask) -> None:
    """Register the pages, and have each page know its topic."""
    app.register_blueprint(help_pages)
    app.add_template_global(lambda: topics.topic_of(request.endpoint or ""), "help_topic")


@help_pages.get("/help")
def index() -> ResponseReturnValue:
    """Every topic, or those that a search finds."""
    wanted = request.args.get("q", "").strip()[:SEARCH_MAX]
    language = notation.current().language
    found = topics.found(wanted, language) if wanted else topics.topics(language)
    return render_template("help/index.html", wanted=wanted, found=found)


@help_pages.get("/help/<topic>")
def show(topic: str) -> ResponseReturnValue:
    """One topic, beside the list of all."""
    if topic not in topics.TOPICS:
        abort(404)
    language = notation.current().language
    shown = {"topic": topics.load(topic, language), "topics": topics.topics(language)}
    return render_template("help/topic.html", **shown)
