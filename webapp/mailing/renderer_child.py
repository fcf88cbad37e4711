"""The process that renders templates: `python -m webapp.mailing.renderer_child SECONDS MEGABYTES`."""

from __future__ import annotations

from webapp.mailing.render import render
from webapp.mailing.renderer import RenderRequest
from webapp.mailing.sandbox_child import Answer, serve
from webapp.mailing.texts import Rendered


def answer(question: RenderRequest) -> Answer:
    """The texts of one message, or what is wrong with its templates."""
    message, names, files = question
    found = render(message, names, files)
    if isinstance(found, Rendered):
        return "rendered", found.subject, found.text, found.html, found.file_names
    return "unrenderable", found.problem, found.where, found.line


if __name__ == "__main__":
    serve(answer)
