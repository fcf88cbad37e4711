"""The mail of one result: as it was handed to the mail server, or as it would go out now."""

from __future__ import annotations

import hashlib
import logging
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.document_store.stores import DocumentMissing, DocumentStore
from webapp.logs import ids
from webapp.mailing import parsed_mail
from webapp.mailing.compose import rebuild
from webapp.mailing.parsed_mail import Attachment, ParsedMail
from webapp.mailing.renderer import Renderer
from webapp.messages.building import NotBuilt, render_and_build
from webapp.messages.inputs import MessageInput
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.runs import Attempt
from webapp.translation import _

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AttachedFile:
    """A document in a mail. `kind` is the name of its transformation: empty if that is no longer known;
    `size` is None if the document store has lost it."""

    name: str
    media_type: str
    kind: str
    sha256: str
    size: int | None


@dataclass(frozen=True)
class MailView:
    """A mail without the bytes of its documents.

    `attempt` handed it over; without one it is the mail as it would go out now, and nothing of it is stored.
    `rebuild_data` is what compose.rebuild restores it from; None if no mail can be built: then `trouble` says
    why. `packed` (by SHA-256) is what was packed for it and is not stored, because it has not gone out."""

    attempt: Attempt | None
    rebuild_data: bytes | None
    parsed: ParsedMail | None
    bcc: tuple[str, ...]
    recipient_key: str
    documents: list[AttachedFile]
    redirected_to: str = ""
    trouble: str = ""
    packed: Mapping[str, bytes] = field(default_factory=dict)


class CannotRebuild(Exception):
    """The mail cannot be rebuilt byte for byte; the message says why, in words."""


def as_sent(
    session: Session, result_id: int, number: int, invoices: Sequence[Invoice], store: DocumentStore
) -> MailView | None:
    """The mail of this attempt of the result, from its rebuild data; None if there is none."""
    attempt = session.scalars(
        select(Attempt)
        .where(Attempt.result_id == result_id, Attempt.number == number, Attempt.rebuild_data.is_not(None))
        .order_by(Attempt.id.desc())
        .limit(1)
    ).first()
    if attempt is None or attempt.rebuild_data is None:
        return None
    content = cast(Content, session.get_one(DefinitionVersion, attempt.version_id).content)
    letter, digests = _taken_apart(attempt.rebuild_data, store)
    return MailView(
        attempt,
        attempt.rebuild_data,
        letter,
        tuple(attempt.bcc),
        content["recipient_key"],
        _carried(session, letter, digests, invoices, store),
        attempt.redirected_to,
    )


def as_it_would_be_sent(
    work: MessageInput, renderer: Renderer, store: DocumentStore, redirect_to: str
) -> MailView:
    """The mail as a worker would build it now, from what `load_inputs` has loaded for the result: today's
    data and the version that the result will use. This may take seconds; no session need be open."""
    try:
        message = render_and_build(work, renderer, store, redirect_to)
    except Exception as error:  # as in a worker: the page must show why this mail cannot be built
        log.exception("a mail cannot be built", extra=ids(result=work.result_id))
        kind = type(error).__name__
        message = NotBuilt(_("an error in building the mail: %(kind)s: %(error)s", kind=kind, error=error))
    documents = _waiting(work)
    key = work.content["recipient_key"]
    if isinstance(message, NotBuilt):
        return MailView(None, None, None, work.bcc, key, documents, redirect_to, message.words)
    letter = _taken_apart(message.mail.rebuild_data, store)[0]
    packed = {hashlib.sha256(content).hexdigest(): content for content in message.packed}
    return MailView(
        None, message.mail.rebuild_data, letter, message.bcc, key, documents, redirect_to, packed=packed
    )


def rebuild_mail(mail: MailView, store: DocumentStore) -> bytes:
    """The mail byte for byte. Raises CannotRebuild if it cannot be built, if a document is missing, and if it
    is not what the attempt says went out."""
    if mail.rebuild_data is None:
        raise CannotRebuild(mail.trouble)
    return rebuilt(mail.rebuild_data, mail.attempt.sha256 if mail.attempt else None, store, mail.packed)


def rebuilt(
    rebuild_data: bytes, sha256: str | None, store: DocumentStore, packed: Mapping[str, bytes] | None = None
) -> bytes:
    """The mail byte for byte, from its rebuild data, and from what was `packed` for it if that is not stored.
    Raises CannotRebuild if a document is missing, or if the mail does not have this SHA-256 (None: it has
    not gone out yet)."""
    packed_now = packed or {}
    try:
        data = rebuild(rebuild_data, lambda digest: packed_now.get(digest) or store.get(digest))
    except DocumentMissing as missing:
        words = _("%(why)s, so the mail cannot be put together as it went out", why=missing)
        raise CannotRebuild(words) from None
    except OSError as problem:
        words = _("a document could not be read: %(problem)s", problem=problem.strerror)
        raise CannotRebuild(words) from None
    except (zlib.error, ValueError):
        raise CannotRebuild(_("What was kept of this mail was damaged and cannot be read")) from None
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise CannotRebuild(_("What was kept of this mail is not what went out: their SHA-256 differ"))
    return data


def _taken_apart(rebuild_data: bytes, store: DocumentStore) -> tuple[ParsedMail, list[str]]:
    """The mail without its documents' bytes, and the documents' SHA-256 in the order of its attachments. The
    pictures within it, which come first, are there if the store has them."""
    digests: list[str] = []

    def leave_out(sha256: str) -> bytes:
        digests.append(sha256)
        return b""

    letter = parsed_mail.read(rebuild(rebuild_data, leave_out))
    shown, digests = digests[: len(letter.pictures)], digests[len(letter.pictures) :]
    return replace(letter, pictures=_pictures(letter, shown, store)), digests


def _pictures(
    letter: ParsedMail, digests: Sequence[str], store: DocumentStore
) -> tuple[tuple[str, Attachment], ...]:
    found = []
    for (content_id, picture), sha256 in zip(letter.pictures, digests, strict=True):
        with suppress(DocumentMissing, OSError):
            found.append((content_id, replace(picture, content=store.get(sha256))))
    return tuple(found)


def _waiting(work: MessageInput) -> list[AttachedFile]:
    """The documents that would be attached now."""
    names = dict(zip(work.content["transformations"], work.content["transformation_names"], strict=True))
    return [
        AttachedFile(
            document.file_name,
            document.media_type,
            names[document.transformation_id],
            document.sha256,
            document.size,
        )
        for document in work.documents
    ]


def _carried(
    session: Session,
    letter: ParsedMail,
    digests: list[str],
    invoices: Sequence[Invoice],
    store: DocumentStore,
) -> list[AttachedFile]:
    """The documents in the mail, with what is known today of their origin. One that was imported again since
    is recognised by its name."""
    of_bytes: dict[str, tuple[str, int]] = {}
    of_name: dict[str, str] = {}
    for document, kind in session.execute(
        select(TransformationResult, Transformation.name)
        .join(Transformation, Transformation.id == TransformationResult.transformation_id)
        .where(TransformationResult.invoice_id.in_([invoice.id for invoice in invoices]))
    ):
        of_bytes[document.sha256] = (kind, document.size)
        of_name[parsed_mail.safe_name(document.file_name)] = kind
    found = []
    for attachment, sha256 in zip(letter.attachments, digests, strict=True):
        kind, size = of_bytes.get(sha256) or (of_name.get(attachment.name, ""), _size(store, sha256))
        found.append(AttachedFile(attachment.name, attachment.media_type, kind, sha256, size))
    return found


def _size(store: DocumentStore, sha256: str) -> int | None:
    try:
        return len(store.get(sha256))
    except (DocumentMissing, OSError):
        return None
