"""The pictures that templates show: upload, delete, look at."""

from __future__ import annotations

from flask import Blueprint, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from webapp.definitions import pictures
from webapp.document_store.stores import DocumentMissing
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.store.db import db
from webapp.store.definitions import TemplateImage
from webapp.translation import _
from webapp.web import form_posts, untrusted
from webapp.web.access_control import viewer
from webapp.web.view_flags import allow_editors

picture_pages = Blueprint("picture_pages", __name__)


@picture_pages.post("/templates/pictures")
@allow_editors
def save_picture() -> ResponseReturnValue:
    """Store an uploaded picture."""
    name, file = request.form.get("name", "").strip(), request.files.get("file")
    content = file.stream.read(pictures.PICTURE_BYTES_MAX + 1) if file else b""

    try:
        stored = pictures.store(runtime().documents, name, content)
    except Refused as refusal:
        return form_posts.refuse(str(refusal), "/templates")

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        pictures.save(session, viewer(), stored)
        return "/templates", _('Saved. To show it in a template: <img src="cid:%(name)s" alt="">.', name=name)

    return form_posts.apply_once(effect, back="/templates")


@picture_pages.post("/templates/pictures/<name>/delete")
@allow_editors
def delete_picture(name: str) -> ResponseReturnValue:
    """Delete a picture that no template uses."""

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        pictures.remove(session, viewer(), name)
        return "/templates", _("“%(name)s” is deleted.", name=name)

    return form_posts.apply_once(effect, back="/templates")


@picture_pages.get("/templates/pictures/<name>")
def picture(name: str) -> Response:
    """The picture itself, as our pages show it."""
    image = db.session.get(TemplateImage, name) or abort(404)
    db.end_reading()
    try:
        content = runtime().documents.get(image.sha256)
    except (DocumentMissing, OSError):
        abort(404)
    return untrusted.picture(content, image.media_type)
