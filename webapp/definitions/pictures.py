"""The pictures that templates show: in the document store, by their names."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.audit import note
from webapp.definitions.editing import must_be_allowed
from webapp.definitions.sharing import must_see_all_runs
from webapp.definitions.templates import new_versions, sources
from webapp.document_store.stores import DocumentStore
from webapp.errors import Refused
from webapp.mailing.template_references import REFERENCE_NAME, pictures_in
from webapp.store.definitions import TemplateImage
from webapp.store.types import now
from webapp.translation import _

PICTURE_BYTES_MAX = 2_000_000
KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
"""The image types that mail clients show, by their first bytes."""


@dataclass(frozen=True)
class StoredPicture:
    """A picture whose bytes are in the document store. `size` is in bytes."""

    name: str
    media_type: str
    size: int
    sha256: str


def store(store: DocumentStore, name: str, content: bytes) -> StoredPicture:
    """Put the bytes into the document store, before any transaction: the store may be far away. Raises
    Refused for a name that no template can have, and for what mail clients do not show."""
    if not REFERENCE_NAME.fullmatch(name):
        raise Refused(
            _("Use only letters without accents, digits, - and _ in the name of a picture, such as “logo”.")
        )
    kind = next((kind for begins, kind in KINDS.items() if content.startswith(begins)), None)
    if kind is None:
        raise Refused(_("Choose a PNG, JPEG or GIF file: mail programs show no other."))
    if len(content) > PICTURE_BYTES_MAX:
        raise Refused(_("The picture is too large. Every mail contains it, so it may have at most 2 MB."))
    return StoredPicture(name, kind, len(content), store.put(content))


def save(session: Session, viewer: Viewer, stored: StoredPicture) -> None:
    """Let templates show a picture that is stored. Raises Refused if this person may not change it."""
    must_be_allowed(viewer)
    must_see_all_runs(session, viewer, stored.name)
    picture = session.get(TemplateImage, stored.name) or TemplateImage(name=stored.name)
    picture.media_type, picture.size, picture.sha256 = stored.media_type, stored.size, stored.sha256
    picture.changed_at = now()
    session.add(picture)
    session.flush()
    note(session, viewer.name, "change picture", stored.name)
    new_versions(session, viewer)


def remove(session: Session, viewer: Viewer, name: str) -> None:
    """Delete a picture that nothing shows. Its bytes stay for the mails that had it. Raises Refused."""
    must_be_allowed(viewer)
    if using := showing(session, name):
        raise Refused(
            _("“%(name)s” cannot be deleted: %(using)s show it.", name=name, using=", ".join(using))
        )
    session.execute(delete(TemplateImage).where(TemplateImage.name == name))
    note(session, viewer.name, "delete picture", name)


def showing(session: Session, name: str) -> list[str]:
    """The templates and parts that show this picture, by their names."""
    return [each for each, source in sources(session) if name in pictures_in([source])]
