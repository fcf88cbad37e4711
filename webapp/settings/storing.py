"""Adds, changes and deletes a setting; each change is in the audit trail with what was there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp import audit, edits, sources
from webapp.access import Viewer
from webapp.errors import NotFound, Refused
from webapp.mailservers import passwords
from webapp.mailservers.backoff import UNTROUBLED
from webapp.oauth import tokens
from webapp.settings.kinds import MAILBOXES, SERVERS, SettingKind
from webapp.store.bounces import Mailbox
from webapp.store.mailservers import MailServer
from webapp.store.statuses import SourceSubject
from webapp.store.types import now
from webapp.translation import N_, _

FOR_ADMINS = N_(
    "Only administrators who see all clusters change the settings of this installation. Ask one of them."
)


def values_of(kind: SettingKind, row: Any) -> dict[str, Any]:
    """The columns that a person sets, as they are stored."""
    return {name: getattr(row, name) for name in kind.columns}


def found(session: Session, kind: SettingKind, id: int, *, locked: bool = False) -> Any:
    """The row. Raises NotFound."""
    model: Any = kind.model
    query = select(model).where(model.id == id)
    row = session.scalar(query.with_for_update() if locked else query)
    if row is None:
        raise NotFound
    return row


def create(
    session: Session,
    viewer: Viewer,
    kind: SettingKind,
    name: str,
    values: Mapping[str, Any],
    secret: str | None = None,
) -> int:
    """Add a row of this name, a mail server or mailbox with this password; return its id. Raises Refused."""
    _refuse_others(viewer)
    model: Any = kind.model
    if session.scalar(select(model.id).where(getattr(model, kind.natural) == name)) is not None:
        raise Refused(_(kind.words.taken, name=name))
    row = model(**{kind.natural: name}, **values)
    _keep_secret(session, row, secret)
    session.add(row)
    session.flush()
    told = ", ".join(f"{key}: {value}" for key, value in values.items() if value not in ("", None))
    audit.note(session, viewer.name, "add", kind.subject(name), told)
    return int(row.id)


def change(
    session: Session,
    viewer: Viewer,
    kind: SettingKind,
    id: int,
    values: Mapping[str, Any],
    seen: str,
    secret: str | None = None,
) -> bool:
    """Change the row, unless it is no longer as the form with the fingerprint `seen` showed it. Returns
    whether anything differs. `secret`: another password of a mail server or mailbox, empty for none. Either
    is tried at once after a change. Raises Refused or NotFound."""
    _refuse_others(viewer)
    row = found(session, kind, id, locked=True)
    name, before = getattr(row, kind.natural), values_of(kind, row)
    edits.refuse_if_changed(session, kind.subject(name), before, seen)
    if kind in (SERVERS, MAILBOXES) and row.password and secret is None:
        refuse_elsewhere(before, values)
    for column, value in values.items():
        if before[column] != value:
            _remember(session, kind, row, column, before[column])
        setattr(row, column, value)
    changed = edits.note_change(session, viewer.name, kind.subject(name), before, values)
    if _keep_secret(session, row, secret):
        audit.note(session, viewer.name, "change", kind.subject(name), f"password: {edits.HIDDEN}")
        changed = True
    if changed and kind is SERVERS:
        for column, value in {**UNTROUBLED, "refused_logins": ""}.items():
            setattr(row, column, value)
    if kind is MAILBOXES and (left := before["oauth_account_id"]) and left != row.oauth_account_id:
        session.flush()
        tokens.delete_unused(session, left)
    if changed and kind is MAILBOXES:
        row.trouble = row.trouble_since = row.next_read_at = None
    return changed


def _remember(session: Session, kind: SettingKind, row: Any, column: str, old: Any) -> None:
    """Note what messaging.toml said last of it, in the file's own words."""
    if kind is MAILBOXES:
        return  # the file makes mailboxes, and changes none
    if column == "mail_server_id":
        column, old = "mail_server", session.get_one(MailServer, old).name
    if column == "mailbox_id":
        column, old = "mailbox", session.get_one(Mailbox, old).name if old else ""
    sources.remember(session, SourceSubject(kind.table), row.id, column, old)


def refuse_elsewhere(before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """A stored password goes only where the person who entered it sent it. Raises Refused."""
    if any(before[name] != after[name] for name in passwords.DESTINATION):
        raise Refused(
            _(
                "Enter the password again: it was stored for other values of host, port, security, user name "
                "or authority."
            )
        )


def _keep_secret(session: Session, row: Any, secret: str | None) -> bool:
    """Store another password of a mail server or mailbox, sealed. Returns whether there was one to store."""
    if secret is None or (not secret and not row.password):
        return False
    passwords.store(session, row, secret)
    return True


def why_not_deleted(session: Session, kind: SettingKind, id: int) -> str:
    """Why the row cannot be deleted, in words; empty if it can."""
    uses = kind.used_by(session, id)
    if not uses:
        return ""
    if len(uses) == 1 and not uses[0][0].isdigit():
        return _("It cannot be deleted while %(uses)s uses it.", uses=uses[0])
    return _("It cannot be deleted while %(uses)s use it.", uses=_listed(uses))


def _listed(words: Sequence[str]) -> str:
    """a, b and c; of more than four: a, b, c, d and 2 more"""
    if (rest := len(words) - NAMED_MAX) > 0:
        return _("%(words)s and %(num)s more", words=", ".join(words[:NAMED_MAX]), num=rest)
    return _(" and ").join(filter(None, (", ".join(words[:-1]), words[-1])))


NAMED_MAX = 4


def remove(session: Session, viewer: Viewer, kind: SettingKind, id: int) -> str:
    """Delete the row; return what to say. Raises Refused while anything uses it, or NotFound."""
    _refuse_others(viewer)
    row = found(session, kind, id, locked=True)
    if why := why_not_deleted(session, kind, id):
        raise Refused(why)
    name, account_id = getattr(row, kind.natural), getattr(row, "oauth_account_id", None)
    session.execute(delete(kind.model).where(kind.model.id == id))  # type: ignore[attr-defined]
    if kind is not MAILBOXES:
        sources.forget_row(session, SourceSubject(kind.table), id)
    audit.note(session, viewer.name, "delete", kind.subject(name))
    if account_id is not None and (account := tokens.delete_unused(session, account_id)):
        audit.note(session, viewer.name, "delete", f"oauth account {account}"[:200])
    return _(kind.words.deleted, name=name)


def try_now(session: Session, viewer: Viewer, id: int) -> str:
    """Have a mail server that waits tried as soon as a worker is free; return what to say. Raises Refused or
    NotFound."""
    _refuse_others(viewer)
    row = found(session, SERVERS, id, locked=True)
    if row.trouble is None:
        return _("“%(name)s” does not wait.", name=row.name)
    row.next_try_at = now()
    audit.note(session, viewer.name, "try now", SERVERS.subject(row.name), row.trouble)
    return _("“%(name)s” is tried now. If it still does not work, it waits on and says why.", name=row.name)


def _refuse_others(viewer: Viewer) -> None:
    """Raise Refused for all who may not change settings."""
    if not viewer.manages_settings:
        raise Refused(_(FOR_ADMINS))
