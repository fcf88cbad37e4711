"""For monitoring: does the process live, and can it work?"""

from __future__ import annotations

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import DBAPIError

from webapp import migrations
from webapp.extensions import runtime
from webapp.web.view_flags import public

health = Blueprint("health", __name__)


@health.get("/healthz")
@public
def lives() -> ResponseReturnValue:
    """The process answers. Nothing else is asked."""
    return jsonify(status="ok")


@health.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Database, schema version and Redis. 503 unless the database answers with the schema this code needs.

    Without Redis sending continues (the workers look for work by themselves), so its absence is reported but
    is no failure."""
    try:
        has, needs = migrations.versions(runtime().database)
    except DBAPIError:
        return jsonify(status="unavailable", database="does not answer"), 503
    told = {
        "database": "ok",
        "schema": "ok" if has == needs else f"has {has}, needs {needs}: run mailrun init",
        "redis": _redis(),
    }
    works = has == needs
    return jsonify(status="ok" if works else "unavailable", **told), 200 if works else 503


def _redis() -> str:
    if not runtime().settings.redis_url:
        return "none"
    return runtime().queue.trouble() or "ok"
