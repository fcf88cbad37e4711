"""A document that a person sends: what is refused of it, before it is in the store."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

from webapp import notation
from webapp.document_store.stores import DocumentStore
from webapp.documents import media_types
from webapp.errors import Refused
from webapp.imports.documents import LARGEST
from webapp.printable import has_controls
from webapp.store.invoices import Transformation
from webapp.store.statuses import OutputType
from webapp.translation import _

FILE_NAME_MAX = 255


@dataclass(frozen=True)
class Upload:
    """A file as a person sent it."""

    file_name: str
    content: bytes


@dataclass(frozen=True)
class StoredUpload:
    """The same in the store."""

    file_name: str
    media_type: str
    size: int
    sha256: str


def put(store: DocumentStore, transformation: Transformation, given: Upload) -> StoredUpload:
    """Check the file as an import checks it, and put it into the store: before the transaction, since the
    store may be far away. Raises Refused."""
    name = unicodedata.normalize("NFC", PurePosixPath(given.file_name.replace("\\", "/")).name)
    if not name:
        raise Refused(_("No file was chosen. Choose one, and press again."))
    if len(name) > FILE_NAME_MAX or has_controls(name):
        raise Refused(_("The name of the file is too long, or has control characters. Give it another name."))
    if not given.content:
        raise Refused(_("“%(name)s” is empty.", name=name))
    if len(given.content) > LARGEST:
        raise Refused(
            _(
                "“%(name)s” has %(num)s bytes; at most %(most)s can be mailed.",
                name=name,
                num=notation.number(len(given.content)),
                most=notation.number(LARGEST),
            )
        )
    media_type = media_types.guessed(name, transformation.output_type)
    if media_type == media_types.PDF and transformation.output_type != OutputType.PDF:
        raise Refused(
            _(
                "“%(name)s” is a PDF, but documents under “%(kind)s” are %(type)s. Choose where it belongs.",
                name=name,
                kind=transformation.name,
                type=transformation.output_type.upper(),
            )
        )
    head = given.content[: media_types.HEAD]
    if wrong := media_types.contradiction(media_type, transformation.output_type, head):
        raise Refused(_("“%(name)s” %(problem)s. Choose another file.", name=name, problem=wrong))
    return StoredUpload(name, media_type, len(given.content), store.put(given.content))
