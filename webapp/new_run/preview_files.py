"""The attachments of a mail before its run is created, each with the document to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from webapp.mailing.parsed_mail import Attachment
from webapp.store.invoices import TransformationResult


@dataclass(frozen=True)
class PreviewFile:
    """A file as templates/mails/_attachments.html lists it; without addresses it cannot be had alone."""

    name: str
    kind: str
    size: int
    look: str = ""
    save: str = ""


def files_of(
    attachments: Sequence[Attachment],
    documents: Sequence[TransformationResult],
    may_be_shown: Callable[[str], bool],
) -> tuple[list[PreviewFile], list[PreviewFile]]:
    """What is attached, and the documents that are in it under another name: in an archive, or renamed. A
    document is shown as it is stored, without the password that its mail gives it. `may_be_shown` says of a
    media type whether a browser shows it."""
    by_name = {one.file_name: _file(one, is_shown=may_be_shown(one.media_type)) for one in documents}
    attached = []
    for one in attachments:
        known = by_name.pop(one.name, None)
        own = PreviewFile(one.name, one.media_type, len(one.content))
        attached.append(PreviewFile(own.name, own.kind, own.size, known.look, known.save) if known else own)
    return attached, list(by_name.values())


def _file(document: TransformationResult, *, is_shown: bool) -> PreviewFile:
    url = f"/invoices/{document.invoice_id}/documents/{document.id}"
    look = f"{url}?look=1" if is_shown else ""
    return PreviewFile(document.file_name, document.media_type, document.size, look, url)
