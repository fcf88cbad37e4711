"""Changes that people make to data: no change is lost to another, and each is in the audit trail with
what was there before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp import audit, audit_chain
from webapp.access import Viewer, visible_to
from webapp.errors import Refused, TakenOutOfSight
from webapp.printable import printable
from webapp.store.users import AuditEntry
from webapp.translation import N_, _

VALUE_SHOWN_MAX = 200
"""Characters of a value that the audit trail keeps."""
LINE_SHOWN_MAX = 60
"""Characters of a refused line that are shown."""
HIDDEN = "••••"


def fingerprint(values: Mapping[str, Any]) -> str:
    """A short text that changes with any of the values. A form carries the one of what it showed."""
    said = json.dumps(values, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def refuse_if_changed(session: Session, subject: str, values: Mapping[str, Any], seen: str) -> None:
    """Raises Refused if these values, read under the lock of their row, are no longer those that the form
    with this fingerprint showed. The message names who changed them, as the audit trail has it."""
    if fingerprint(values) == seen:
        return
    last = session.scalar(
        select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id.desc()).limit(1)
    )
    raise Refused(
        _(
            "This was changed by %(person)s while you had it open. Nothing of yours is saved yet: compare, "
            "then save again.",
            person=last.actor,
        )
        if last
        else _(
            "This was changed while you had it open. Nothing of yours is saved yet: compare, then save again."
        )
    )


def note_change(
    session: Session,
    actor: str,
    subject: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    secret: Collection[str] = (),
) -> bool:
    """Add what differs to the audit trail as "name: before → after", in this writing transaction. Values of
    `secret` names are not told. Returns whether anything differs."""
    differing = [name for name in after if before.get(name) != after[name]]
    if not differing:
        return False
    told = [
        f"{name}: {HIDDEN}" if name in secret else f"{name}: {_said(before.get(name))} → {_said(after[name])}"
        for name in differing
    ]
    audit.note(session, actor, "change", subject, "; ".join(told))
    return True


def hide_values(session: Session, kind: str, names: Collection[str]) -> None:
    """Hide what the audit trail tells of the values of these fields, which have become secret, of subjects of
    this kind ("customer"). In this writing transaction."""
    shown = AuditEntry.detail
    changes = (AuditEntry.action == "change", AuditEntry.subject.startswith(f"{kind} "))
    for name in names:
        start = printable(f"{name}: ")
        is_of_field = func.substr(shown, 1, len(start)) == start  # LIKE would not tell capitals apart
        if not is_reserved(name):
            audit_chain.erase_details(session, start + HIDDEN, *changes, is_of_field, shown != start + HIDDEN)


def is_reserved(name: str) -> bool:
    """Whether the audit trail of customers calls something by this name that is no field of the metadata:
    hiding its values would hide who moved a customer, or changed where its mails go."""
    return name in ("name", "cluster", "language") or name.startswith("addresses for ")


def _said(value: Any) -> str:
    if value is None or value == "" or value == []:
        return "nothing"
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    text = str(value)
    return text if len(text) <= VALUE_SHOWN_MAX else text[:VALUE_SHOWN_MAX] + "…"


def why_no_line(what: str, value: str, most: int) -> str:
    """Why this is not one line of at most this many characters; `what`, in the reader's language, begins the
    sentence."""
    if len(value) > most:
        return _(
            "%(what)s has %(num)s characters; at most %(most)s are allowed.",
            what=what,
            num=len(value),
            most=most,
        )
    if not value:
        return _("%(what)s is empty.", what=what)
    shown = repr(value if len(value) <= LINE_SHOWN_MAX else value[: LINE_SHOWN_MAX - 3] + "…")
    return _("%(what)s %(value)s has a line break.", what=what, value=shown)


TAKEN = {
    "customer": (
        N_("There is a customer %(name)s already. Choose another code."),
        N_(
            "The code %(name)s cannot be used: each is given once, over all clusters. If you do not find the "
            "customer %(name)s, ask an administrator for another code."
        ),
    ),
    "invoice": (
        N_("There is an invoice %(name)s already. Choose another number."),
        N_(
            "The number %(name)s cannot be used: each is given once, over all clusters. If you do not find "
            "the invoice %(name)s, ask an administrator for another number."
        ),
    ),
    "cluster": (
        N_("There is a cluster %(name)s already. Choose another name."),
        N_(
            "The name %(name)s cannot be used: each is given once, over all clusters. If you do not find the "
            "cluster %(name)s, ask an administrator for another name."
        ),
    ),
}
"""What a person reads whose code, number or name is taken: one who sees all clusters, and one who is bound to
some."""


def refuse_taken(session: Session, viewer: Viewer, what: str, name: str, row: Any) -> None:
    """Raise Refused, since this code, number or name of a customer, invoice or cluster (`what`) is taken by
    `row`, which is unique over all clusters.

    A person bound to clusters reads the same words whether they may see the row or not: the words do not tell
    what is in other clusters. That it is taken cannot be hidden; so asking for what is out of sight is in the
    audit trail."""
    to_all, to_bound = TAKEN[what]
    if not viewer.clusters:
        raise Refused(_(to_all, name=name))
    said = _(to_bound, name=name)
    table = type(row)
    if session.scalar(select(table.id).where(table.id == row.id, visible_to(viewer, table))) is None:
        raise TakenOutOfSight(said, f"new {what} {name}"[:200])
    raise Refused(said)
