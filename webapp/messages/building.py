"""Builds the mail of a claimed result: what a template sees, who gets the mail, what is attached."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from posixpath import splitext
from typing import Any

from webapp.document_store.stores import DocumentMissing, DocumentStore
from webapp.mailing.addresses import BadAddress, wire_address
from webapp.mailing.attach import Packing, pack, safe_file_name
from webapp.mailing.compose import Altered, Document, Mail, MailDraft, Picture, Uncomposable, check, compose
from webapp.mailing.html_document import whole_document
from webapp.mailing.renderer import Renderer, ToRender
from webapp.mailing.template_references import SHOWN, pictures_in
from webapp.mailing.texts import Rendered, Unrenderable
from webapp.messages.inputs import MessageInput, StoredDocument
from webapp.messages.languages import language_of, message_text
from webapp.smtp.envelope import Envelope
from webapp.store.definitions import Content
from webapp.store.types import now
from webapp.stored_texts import retold
from webapp.translation import _


@dataclass(frozen=True)
class Message:
    """A mail ready to be offered. `redirected_to` is empty except in safe mode. `packed`: the bytes of what
    was packed for this mail alone, to be stored before it goes out so that it can be proven."""

    envelope: Envelope
    mail: Mail
    recipients: tuple[str, ...]
    bcc: tuple[str, ...]
    redirected_to: str
    packed: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class NotBuilt:
    """Why no mail could be built, in words for the account manager. `for_now`: it may work later. `altered`:
    the SHA-256 of a document that is not what was imported; the document check then holds the mail."""

    words: str
    for_now: bool = False
    altered: str = ""


def to_render(work: MessageInput) -> ToRender:
    """The templates of this mail, in its customer's language, with what they see."""
    return ToRender(
        message_text(work.content, work.customer["language"]), _template_context(work), _files(work)
    )


def render_and_build(
    work: MessageInput, renderer: Renderer, store: DocumentStore, redirect_to: str
) -> Message | NotBuilt:
    """Render and build one mail, for a person who looks at it."""
    return build(work, renderer.render(to_render(work)), store, redirect_to)


def build(
    work: MessageInput, rendered: Rendered | Unrenderable, store: DocumentStore, redirect_to: str
) -> Message | NotBuilt:
    """Build the mail of this result. What cannot be built is reported, never sent without its documents."""
    content = work.content
    if lacking := _missing(work):
        return NotBuilt(lacking)
    if isinstance(rendered, Unrenderable):
        return NotBuilt(f"{work.customer['code']}: {retold(rendered.words)}")
    try:
        to = tuple((wire_address(address), name) for address, name in work.recipients)
        bcc = _others([wire_address(address) for address in work.bcc], [each[0] for each in to])
        packing = packing_of(work)
        files = _attached(work, rendered, store, packing)
        real = tuple(each[0] for each in to)
        sender = content["sender"]
        letter = MailDraft(
            sender=(sender["address"], sender["display_name"]),
            reply_to=content.get("reply_to") or sender["reply_to"],
            to=((redirect_to, ""),) if redirect_to else to,
            subject=f"[to {', '.join(real)}] {rendered.subject}" if redirect_to else rendered.subject,
            text=rendered.text,
            html=_html(work, rendered),
            message_id=work.message_id,
            date=now(),
            invoice_ids=frozenset(work.copies),
            real_recipients=(*real, *bcc) if redirect_to else (),
            pictures=_pictures(content, rendered.html or "", store),
        )
        mail = compose(letter, files)
        back_to = wire_address(sender["envelope_sender"] or sender["address"])
    except Altered as problem:
        return NotBuilt(str(problem), altered=problem.sha256)
    except (BadAddress, DocumentMissing, Uncomposable) as problem:
        return NotBuilt(str(problem))
    except OSError as problem:
        return NotBuilt(
            _("a document could not be read: %(problem)s", problem=problem.strerror), for_now=True
        )
    envelope = Envelope(back_to, (redirect_to,)) if redirect_to else Envelope(back_to, real, bcc)
    packed = tuple(file.content for file in files) if packing.changes_bytes else ()
    return Message(envelope, mail, real, bcc, redirect_to, packed)


def _missing(work: MessageInput) -> str:
    """What was there when the result was claimed and is no longer: nothing is ever sent without it."""
    if not work.recipients:
        return _("the customer has no address with the recipient key")
    attached = {(document.invoice_id, document.transformation_id) for document in work.documents}
    for invoice in work.invoices:
        for id, name in zip(
            work.content["transformations"], work.content["transformation_names"], strict=True
        ):
            if (invoice["id"], id) not in attached:
                return _("invoice %(number)s has no document “%(name)s”", number=invoice["number"], name=name)
    return ""


def _attached(
    work: MessageInput, rendered: Rendered, store: DocumentStore, packing: Packing
) -> list[Document]:
    """The files to attach. What is packed is checked before: inside an archive, a document of another
    customer would no longer be noticed. What is not packed, `compose` checks."""
    files = [_file(store, document) for document in work.documents]
    if packing.changes_bytes:
        for file in files:
            check(file, frozenset(work.copies))
    if rendered.file_names:
        pairs = zip(files, rendered.file_names, strict=True)
        files = [replace(file, file_name=_named(file, name)) for file, name in pairs]
    return pack(files, packing)


def _named(file: Document, wanted: str) -> str:
    """The name that the template gives, with the document's own extension."""
    name = safe_file_name(wanted, splitext(file.file_name)[1])
    if not name:
        raise Uncomposable(_("the template of file names makes no name of %(text)s", text=repr(wanted)))
    return name


def packing_of(work: MessageInput) -> Packing:
    """How this mail's documents are attached. Raises Uncomposable if they need a password and the customer
    has none, or one that cannot be read: they never go out unprotected instead."""
    content, key = work.content, work.content["password_key"]
    if work.password.trouble and work.documents:
        raise Uncomposable(work.password.trouble)
    if key and not work.password.text and work.documents:
        words = _("the customer has no password: its metadata have nothing in “%(key)s”", key=key)
        raise Uncomposable(words)
    first = work.invoices[0]["number"]
    archive = f"{work.customer['code']}-{first}" if len(work.invoices) > 1 else first
    return Packing(content["zip"], work.password.text, archive)


def _file(store: DocumentStore, document: StoredDocument) -> Document:
    return Document(
        document.invoice_id,
        document.file_name,
        document.media_type,
        document.sha256,
        store.read(document.sha256),  # compose looks whether they are the bytes of that SHA-256
        document.lock_problem,
    )


def _html(work: MessageInput, rendered: Rendered) -> str | None:
    """The HTML as a whole document; None for a mail in plain text."""
    if rendered.html is None:
        return None
    language = language_of(work.content, work.customer["language"])
    return _with_content_ids(work.content, whole_document(rendered.html, rendered.subject, language))


def _with_content_ids(content: Content, html: str) -> str:
    """`cid:logo` under the mail's own content id: a name that no other sender's mail has."""
    images = content.get("images")
    if not images:
        return html
    return SHOWN.sub(
        lambda found: f"cid:{_content_id(content, found[1])}" if found[1] in images else found[0], html
    )


def _pictures(content: Content, html: str, store: DocumentStore) -> tuple[Picture, ...]:
    """The pictures that this HTML shows, each once."""
    shown = pictures_in([html]) if "cid:" in html else set()
    if missing := sorted(shown - content.get("images", {}).keys()):
        words = _("the mail shows a picture that there is not: %(names)s", names=", ".join(missing))
        raise Uncomposable(words)
    return tuple(
        Picture(_content_id(content, name), image["media_type"], image["sha256"], store.read(image["sha256"]))
        for name, image in content.get("images", {}).items()
        if name in shown
    )


def _content_id(content: Content, name: str) -> str:
    return f"{name}@{content['sender']['address'].rpartition('@')[2]}"


def _others(addresses: Iterable[str], known: Iterable[str]) -> tuple[str, ...]:
    """Those addresses that are not known yet; equal ones (ignoring case) once."""
    seen = {address.lower() for address in known}
    others = []
    for address in addresses:
        if address.lower() not in seen:
            seen.add(address.lower())
            others.append(address)
    return tuple(others)


def _files(work: MessageInput) -> tuple[dict[str, Any], ...]:
    """What the template of file names sees of each file: `document`, and its invoice, also in a collated
    mail. Empty if there is no such template."""
    if not work.content.get("file_name"):
        return ()
    invoices = {invoice["id"]: invoice for invoice in work.invoices}
    kinds = dict(zip(work.content["transformations"], work.content["transformation_names"], strict=True))
    return tuple(
        {
            "invoice": invoices[document.invoice_id],
            "document": {
                "name": PurePosixPath(document.file_name).stem,
                "transformation": kinds[document.transformation_id],
                "number": number,
            },
        }
        for number, document in enumerate(work.documents, 1)
    )


def _template_context(work: MessageInput) -> dict[str, Any]:
    """What templates see: plain data, no object of ours and nothing to call. Passwords of documents are not
    among it (messages/inputs.py): they must not go out beside them."""
    sender = work.content["sender"]
    names: dict[str, Any] = {
        "customer": work.customer,
        "run": {"name": work.run_name},
        "definition": {"name": work.content["name"]},
        "sender": {"address": sender["address"], "display_name": sender["display_name"]},
    }
    if work.content["collate"]:
        return {**names, "invoices": list(work.invoices)}
    return {**names, "invoice": work.invoices[0]}
