"""What has to be there before the first run, in its order, and what is there already."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from webapp.access import Viewer
from webapp.store.base import Base
from webapp.store.customers import Customer, CustomerEmail, RecipientKey
from webapp.store.definitions import MessageDefinition, MessageTemplate
from webapp.store.invoices import Invoice, Transformation, TransformationResult
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import Role
from webapp.translation import N_


@dataclass(frozen=True)
class FirstStep:
    """A step: its words and why it is needed, where it is done, and whether it is. `is_yours`: the role of
    the person who looks allows it."""

    words: str
    why: str
    href: str
    is_done: bool
    is_yours: bool


STEPS: tuple[tuple[type[Base], str, str, str], ...] = (
    (MailServer, N_("Mail server"), N_("hands the mails over to your provider"), "/servers/new"),
    (Sender, N_("Sender"), N_("the address that mails come from"), "/senders/new"),
    (RecipientKey, N_("Recipient key"), N_("what an address is for, such as billing"), "/recipient-keys/new"),
    (Transformation, N_("Transformation"), N_("what kind of document invoices have"), "/transformations/new"),
    (Customer, N_("Customers"), N_("from your billing system, as CSV"), "/imports"),
    (CustomerEmail, N_("Addresses"), N_("where their mails go"), "/imports"),
    (Invoice, N_("Invoices"), N_("with their periods and amounts"), "/imports"),
    (TransformationResult, N_("Documents"), N_("the PDFs that are sent"), "/imports"),
    (MessageTemplate, N_("Template"), N_("what the mail says"), "/templates/new"),
    (MessageDefinition, N_("Message definition"), N_("which mail, with what, to whom"), "/definitions/new"),
)
"""(what has to be there, its words, why, where it is made)."""
FOR_ADMINS = ("/servers/new", "/senders/new", "/recipient-keys/new", "/transformations/new")


def first_steps(session: Session, viewer: Viewer) -> list[FirstStep]:
    """The steps, with one question for all of them. Whether anything is there is told to everyone."""
    found = session.execute(select(*(exists().select_from(model) for model, *rest in STEPS))).one()
    return [
        FirstStep(words, why, href, bool(is_done), _may(viewer, href))
        for (model, words, why, href), is_done in zip(STEPS, found, strict=True)
    ]


def _may(viewer: Viewer, href: str) -> bool:
    if href in FOR_ADMINS:
        return viewer.role == Role.ADMIN
    return viewer.may_import if href == "/imports" else viewer.may_change
