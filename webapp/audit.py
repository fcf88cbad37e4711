"""The audit trail: who did what. Entries are only ever added, and each becomes a link of a chain
(webapp/audit_chain.py) at the end of its transaction. Line breaks in typed text are made harmless."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextvars import ContextVar

from sqlalchemy import ColumnElement, func, insert, literal, select
from sqlalchemy.orm import Session

from webapp import audit_chain
from webapp.printable import pictures, printable
from webapp.store.database import before_commit
from webapp.store.runs import Run
from webapp.store.types import now
from webapp.store.users import AuditEntry
from webapp.translation import N_

origin: ContextVar[str] = ContextVar("origin", default="")
"""Where the person acts from: the network address and browser of a request, or the command line. Empty for
what Mailrun does by itself."""
_NOTED = "noted"


def note(session: Session, actor: str, action: str, subject: str, detail: str = "") -> None:
    """Add an entry, in this writing transaction."""
    add(session, actor, action, subject[:200], detail[:2000])


def audit(session: Session, actor: str, action: str, run: Run, detail: str = "") -> None:
    """Note who did what to this run, in the same commit as what was done. The detail, whose end may be ids
    of results, is kept whole."""
    add(session, actor, action, f"run {run.id}", detail)


def add(session: Session, actor: str, action: str, subject: str, detail: str) -> AuditEntry:
    """Add an entry whose detail is kept whole."""
    entry = AuditEntry(
        actor=printable(actor[:254]),
        action=action,
        subject=printable(subject),
        detail=printable(detail),
        origin=_origin(),
    )
    session.add(entry)
    _noted(session).append(entry)
    return entry


def note_each(
    session: Session,
    actor: str,
    action: str,
    subject: ColumnElement[str],
    detail: ColumnElement[str],
    *conditions: ColumnElement[bool],
) -> None:
    """Add an entry for each row under these conditions, in one statement, cut and printable as by `note`."""
    rows = select(
        literal(now(), AuditEntry.at.type),
        literal(printable(actor[:254])),
        literal(action),
        _printable(session, func.substr(subject, 1, 200)),
        _printable(session, func.substr(detail, 1, 2000)),
        literal(_origin()),
    ).where(*conditions)
    columns = ["at", "actor", "action", "subject", "detail", "origin"]
    adding = insert(AuditEntry).from_select(columns, rows).returning(AuditEntry.id)
    _noted(session).extend(session.scalars(adding))


def _origin() -> str:
    return printable(origin.get()[:120])


def _noted(session: Session) -> list[AuditEntry | int]:
    """The entries of this transaction, or their ids: at its end they become links of the chain."""
    noted: list[AuditEntry | int] | None = session.info.get(_NOTED)
    if noted is None:
        noted = session.info[_NOTED] = []
        before_commit(session, lambda: _extend_chain(session))
    return noted


def _extend_chain(session: Session) -> None:
    session.flush()
    noted = session.info.pop(_NOTED)
    # An entry of what was rolled back meanwhile is in the session no longer.
    ids = [each if isinstance(each, int) else each.id for each in noted if _is_kept(session, each)]
    if ids:
        audit_chain.extend(session, ids)


def _is_kept(session: Session, noted: AuditEntry | int) -> bool:
    return isinstance(noted, int) or noted in session


def _printable(session: Session, text: ColumnElement[str]) -> ColumnElement[str]:
    """What `printable` makes of this text."""
    if session.get_bind().dialect.name == "sqlite":
        return func.printable(text)  # store/engine_events.py
    table = pictures()
    return func.translate(text, "".join(table), "".join(table.values()))


LOGINS = (
    *(N_("login"), N_("logout"), N_("login failed"), N_("login refused"), N_("session ended")),
    *(N_("sessions ended"), N_("password changed"), N_("password not changed"), N_("password chosen")),
    *(N_("invitation accepted"), N_("second factor asked"), N_("second factor refused")),
    *(N_("second factor set up"), N_("second factor removed"), N_("second factor not changed")),
    *(N_("passkey added"), N_("passkey removed"), N_("recovery codes made"), N_("recovery code used")),
)
SENDING = (
    *(N_("create"), N_("start"), N_("stop"), N_("send again"), N_("let documents pass"), N_("remove")),
    *(N_("put back"), N_("undo"), N_("skip"), N_("confirm sent"), N_("mark bounced"), N_("send test")),
    *(N_("mail bounced"), N_("mail complained about"), N_("match returned mail")),
    *(N_("dismiss returned mail"), N_("read mailboxes"), N_("mailbox in trouble")),
    *(N_("archive"), N_("unarchive"), N_("take over"), N_("ask for approval"), N_("withdraw request")),
    *(N_("approve run"), N_("reject run"), N_("plan created"), N_("plan changed"), N_("plan deleted")),
    *(
        N_("plan paused"),
        N_("plan resumed"),
        N_("plan made a run"),
        N_("plan held"),
        N_("plan skipped a date"),
    ),
)
USERS = (
    *(N_("user created"), N_("user invited"), N_("user disabled"), N_("user enabled")),
    *(N_("user changed"), N_("password reset"), N_("invitation made"), N_("password link made")),
    *(N_("link mailed"), N_("first administrator"), N_("login link made"), N_("identity linked")),
)
OTHERS = (
    *(
        N_("erase"),
        N_("export customer"),
        N_("add"),
        N_("change"),
        N_("delete"),
        N_("rename"),
        N_("release"),
        N_("suspend"),
        N_("resume"),
    ),
    *(N_("approve"), N_("close"), N_("import"), N_("export"), N_("show secret"), N_("upload")),
    *(N_("apply"), N_("discard"), N_("import cancelled"), N_("create template"), N_("change template")),
    *(N_("delete template"), N_("change part"), N_("delete part"), N_("create definition")),
    *(N_("change definition"), N_("retire definition"), N_("delete definition")),
    *(N_("use definition again"), N_("change picture"), N_("delete picture"), N_("rotate secrets")),
    *(N_("download customers"), N_("download invoices"), N_("download runs"), N_("download report")),
    *(
        N_("download audit trail"),
        N_("download evidence"),
        N_("download what is to fix"),
        N_("audit trail released"),
    ),
    *(N_("check connection"), N_("connect"), N_("try now"), N_("refused"), N_("notice given up")),
)
"""What was done, by kind, as pages show it, translated. What was there before and after stays as it was
written: the audit trail is in English."""

CHANGES_SHOWN_MAX = 30
"""Entries that a page shows of one subject."""

OF_USERS = (*LOGINS, *USERS, "change")
OF_DEFINITIONS = (
    *("create definition", "change definition", "retire definition", "use definition again"),
    "delete definition",
)
NAMED_FREELY = (
    *(*LOGINS, *OF_DEFINITIONS, "send test", "create template", "change template", "delete template"),
    *("change part", "delete part", "change picture", "delete picture"),
)
"""The subject of these is a name that someone chose, or typed at the login: it may be that of anything."""


def latest(session: Session, subject: str, actions: Collection[str] = ()) -> Sequence[AuditEntry]:
    """What was done to this subject last, the newest first: these actions, or else all whose subject no one
    can choose. So no one who names something "run 7" reads, or crowds out, what was done to the run."""
    of_it = AuditEntry.action.in_(actions) if actions else AuditEntry.action.not_in(NAMED_FREELY)
    found = select(AuditEntry).where(AuditEntry.subject == subject, of_it)
    return session.scalars(found.order_by(AuditEntry.id.desc()).limit(CHANGES_SHOWN_MAX)).all()


def last(session: Session, subject: str, action: str) -> AuditEntry | None:
    """When this was last done to this subject, and by whom."""
    of_it = select(AuditEntry).where(AuditEntry.subject == subject, AuditEntry.action == action)
    return session.scalar(of_it.order_by(AuditEntry.id.desc()).limit(1))
