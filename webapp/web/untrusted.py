"""Answers with foreign content: a mail's HTML, a document. They may be looked at, or saved, and can do
nothing."""

from __future__ import annotations

from io import BytesIO

from flask import Response, request, send_file

from webapp.mailing.pdf_locking import begins_like_pdf

SANDBOX = "sandbox; default-src 'none'"
WITHOUT_RIGHTS = f"{SANDBOX}; frame-ancestors 'none'"
IN_OUR_FRAME = f"{SANDBOX}; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
IN_THE_VIEWER = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'"
"""A sandbox would switch the browser's own PDF viewer off. With `nosniff` nothing else is shown."""

AS_TEXT = ("text/", "application/xml", "application/json")


def framed(html: str) -> Response:
    """HTML as it came, for a frame in one of our pages, without any right to do or to load something."""
    return _guarded(Response(html, mimetype="text/html"), _in_our_frame())


def _in_our_frame() -> str:
    """The policy for a frame; the one in which our page only measures how high the content is may be looked
    into, and runs and loads nothing either (static/js/mail-frames.js)."""
    rights = "sandbox allow-same-origin" if request.args.get("measure") else "sandbox"
    return IN_OUR_FRAME.replace("sandbox", rights, 1)


def as_text(words: str) -> Response:
    """Plain text for such a frame."""
    return _guarded(Response(words, mimetype="text/plain"), _in_our_frame())


def picture(content: bytes, media_type: str) -> Response:
    """An image that our pages show by `<img>`."""
    return _guarded(Response(content, mimetype=media_type), WITHOUT_RIGHTS)


def to_save(content: bytes, media_type: str, name: str) -> Response:
    """A file to save under this name, never shown."""
    answer = send_file(BytesIO(content), mimetype=media_type, as_attachment=True, download_name=name)
    return _guarded(answer, WITHOUT_RIGHTS)


def may_be_shown(media_type: str) -> bool:
    """Whether a browser shows such a document without running anything in it."""
    kind = media_type.lower()
    return kind == "application/pdf" or kind.startswith(AS_TEXT)


def to_look_at(content: bytes, media_type: str, name: str) -> Response:
    """A document for the browser's own viewer: a PDF as such, any text as plain text. Anything else, or a PDF
    that is none, is to be saved."""
    if media_type.lower() == "application/pdf" and begins_like_pdf(content, is_said_to=True):
        answer = send_file(BytesIO(content), mimetype="application/pdf", download_name=name)
        return _guarded(answer, IN_THE_VIEWER)
    if may_be_shown(media_type) and media_type.lower() != "application/pdf":
        answer = send_file(BytesIO(content), mimetype="text/plain", download_name=name)
        return _guarded(answer, WITHOUT_RIGHTS)
    return to_save(content, media_type, name)


def _guarded(answer: Response, policy: str) -> Response:
    answer.headers["Content-Security-Policy"] = policy
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "no-store"  # Flask's send_file says no-cache, which a disk may keep
    return answer
