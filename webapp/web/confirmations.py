"""The question before something that cannot be undone."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from webapp.web import htmx


def ask(template: str, **shown: object) -> ResponseReturnValue:
    """Ask in a dialog over what is on screen (htmx), else on a page of its own. The template extends
    `layout`."""
    if htmx.is_htmx():
        return htmx.ask(render_template(template, layout="layouts/confirm_dialog.html", **shown))
    return render_template(template, layout="layouts/confirm.html", **shown)
