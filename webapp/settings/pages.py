"""Settings: the doors to all of them, for administrators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, Flask, abort, g, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from webapp.demo import own_data
from webapp.settings import (
    mailbox_pages,
    mailbox_states,
    oauth_pages,
    sender_pages,
    server_pages,
    servers,
)
from webapp.settings.forms import TYPE_WORDS
from webapp.settings.kinds import KINDS, MAILBOXES, RECIPIENT_KEYS, SENDERS, SERVERS, TRANSFORMATIONS
from webapp.settings.setting_pages import SettingPages
from webapp.settings.storing import FOR_ADMINS
from webapp.store.bounces import Mailbox
from webapp.store.db import db
from webapp.store.definitions import MessageDefinition
from webapp.store.installation import Installation
from webapp.store.mailservers import MailServer, Sender
from webapp.store.statuses import OutputType, Role
from webapp.store.users import AuditChain, User
from webapp.translation import _
from webapp.web.access_control import viewer
from webapp.web.layout import show_only_while

settings = Blueprint("settings", __name__)

ICONS = {
    "/servers": "server",
    "/senders": "sending",
    "/mailboxes": "bounced",
    "/recipient-keys": "key",
    "/transformations": "file",
}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(settings)
    show_only_while(app, settings.name, lambda: g.get("viewer") is not None and viewer().role == Role.ADMIN)


@settings.before_request
def for_administrators() -> None:
    """The settings of the installation are for administrators alone."""
    if viewer().role != Role.ADMIN:
        abort(403, _(FOR_ADMINS))


@settings.get("/settings")
def index() -> ResponseReturnValue:
    """The doors, with what is to be known of each."""
    model: Any
    counts = {}
    for kind in KINDS:
        model = kind.model
        counts[kind.path] = db.session.scalar(select(func.count()).select_from(model)) or 0
    waiting = sum(state.look in ("failed", "deferred") for state in _states(db.session).values())
    return render_template(
        "settings/index.html",
        kinds=KINDS,
        icons=ICONS,
        counts=counts,
        waiting=waiting,
        in_trouble=mailbox_states.in_trouble(db.session),
        users=db.session.scalar(select(func.count()).select_from(User)) if viewer().manages_users else None,
        asks_approval=_asks_approval(db.session),
        notices_from=db.session.scalar(select(Sender.key).where(Sender.for_notices)),
        entries=db.session.scalar(select(AuditChain.last)),
        has_demo=viewer().manages_users and own_data.loaded_at(db.session) is not None,
    )


def _asks_approval(session: Session) -> bool:
    """Whether any run can need an approval."""
    above = or_(Installation.approval_mails.is_not(None), Installation.approval_amount.is_not(None))
    always = exists().where(MessageDefinition.needs_approval)
    return bool(session.scalar(select(or_(exists().where(above), always))))


def _states(session: Session) -> dict[int, servers.ServerState]:
    return servers.states(session, viewer())


def _server_rows(session: Session, rows: Sequence[MailServer]) -> dict[str, Any]:
    found = _states(session)
    return {
        "heads": (_("Server"), _("Security and login"), _("State"), _("Limits"), _("Senders")),
        "states": found,
        "cells": {
            row.id: (
                f"{row.host}:{row.port}",
                servers.login_words(row),
                found[row.id],
                servers.limit_words(row),
                ", ".join(found[row.id].senders) or _("none"),
            )
            for row in rows
        },
    }


def _sender_rows(session: Session, rows: Sequence[Any]) -> dict[str, Any]:
    return {
        "heads": (_("Sender"), _("Address"), _("Mail server"), _("Used by")),
        "cells": {
            row.id: (
                row.display_name,
                row.address,
                row.mail_server.name,
                _used(session, SENDERS, row.id),
            )
            for row in rows
        },
    }


def _mailbox_rows(session: Session, rows: Sequence[Mailbox]) -> dict[str, Any]:
    return {
        "heads": (_("Mailbox"), _("Kind"), _("State"), _("Last read"), _("Senders")),
        "cells": {
            row.id: (
                mailbox_states.place(row),
                mailbox_states.kind_words(row),
                mailbox_states.state(row),
                mailbox_states.last_read(row),
                _used(session, MAILBOXES, row.id),
            )
            for row in rows
        },
    }


def _key_rows(session: Session, rows: Sequence[Any]) -> dict[str, Any]:
    return {
        "heads": (_("Recipient key"), _("What it is for"), _("Used by")),
        "cells": {row.id: ("", row.description, _used(session, RECIPIENT_KEYS, row.id)) for row in rows},
    }


def _transformation_rows(session: Session, rows: Sequence[Any]) -> dict[str, Any]:
    return {
        "heads": (_("Transformation"), _("Type"), _("Used by")),
        "cells": {
            row.id: ("", _(TYPE_WORDS[OutputType(row.output_type)]), _used(session, TRANSFORMATIONS, row.id))
            for row in rows
        },
    }


def _used(session: Session, kind: Any, id: int) -> str:
    return ", ".join(kind.used_by(session, id)) or _("nothing yet")


def _nothing(session: Session, row: Any) -> dict[str, Any]:
    return {}


for pages in (
    SettingPages(SERVERS, _server_rows, server_pages.beside),
    SettingPages(SENDERS, _sender_rows, sender_pages.beside),
    SettingPages(MAILBOXES, _mailbox_rows, mailbox_pages.beside),
    SettingPages(RECIPIENT_KEYS, _key_rows, _nothing),
    SettingPages(TRANSFORMATIONS, _transformation_rows, _nothing),
):
    pages.add_to(settings)
server_pages.add_pages(settings)
oauth_pages.add_pages(settings)
sender_pages.add_pages(settings)
mailbox_pages.add_pages(settings)
