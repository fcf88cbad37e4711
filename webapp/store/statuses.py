"""The statuses, as words, and the transitions that are allowed. Every change of a status follows these
tables."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import text


class RunStatus(StrEnum):
    CREATING = "creating"
    CREATED = "created"
    RUNNING = "running"
    STOPPED = "stopped"
    FINISHED = "finished"


class ResultStatus(StrEnum):
    READY = "ready"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNCONFIRMED = "unconfirmed"
    BOUNCED = "bounced"
    SKIPPED = "skipped"
    REMOVED = "removed"


class SkipReason(StrEnum):
    """Why a result cannot be sent, in the order of precedence: the first that applies is told."""

    SUSPENDED = "suspended"
    NOT_APPROVED = "not_approved"
    NO_RECIPIENT = "no_recipient"
    NO_ATTACHMENT = "no_attachment"
    ALREADY_SENT = "already_sent"
    NO_PASSWORD = "no_password"  # noqa: S105  # a word, not a password
    UNLOCKABLE = "unlockable"
    SUSPECT_DOCUMENT = "suspect_document"
    TOO_LATE = "too_late"


REASONS_OF_INVOICES = tuple(reason for reason in SkipReason if reason is not SkipReason.TOO_LATE)
"""The reasons that follow from an invoice and what belongs to it; `too_late` follows from its run alone."""


class InvoiceStatus(StrEnum):
    OPEN = "open"
    APPROVED = "approved"
    CLOSED = "closed"


class Outcome(StrEnum):
    """What became of one delivery attempt."""

    SENDING = "sending"
    ACCEPTED = "accepted"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    BROKEN = "broken"
    HELD = "held"
    TROUBLE = "trouble"
    UNMADE = "unmade"


class Role(StrEnum):
    ADMIN = "admin"
    MANAGER = "manager"
    EDITOR = "editor"
    VIEWER = "viewer"


SENDING_ROLES = (Role.ADMIN, Role.MANAGER)
"""The roles that can have the right to send."""


class Decision(StrEnum):
    """What became of a request for approval. `withdrawn` by Stop; `void`: the list had changed, and another
    request took its place."""

    WAITING = "waiting"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    VOID = "void"


class Security(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


class TroubleKind(StrEnum):
    """What a mail server in trouble needs: time, or a person who changes its entry (`login`, `setup`).
    `refusals`: it accepts connections and takes no mail."""

    PASSING = "passing"
    REFUSALS = "refusals"
    LOGIN = "login"
    SETUP = "setup"


class OAuthProvider(StrEnum):
    """Who gives the tokens. `other`: with a token address of its own."""

    MICROSOFT = "microsoft"
    GOOGLE = "google"
    OTHER = "other"


class OAuthWay(StrEnum):
    """How Mailrun gets a token: as an application of its own, for a person who has allowed it once, or as a
    Google service account that signs for a mailbox."""

    CLIENT_CREDENTIALS = "client_credentials"
    DELEGATED = "delegated"
    SERVICE_ACCOUNT = "service_account"


class OutputType(StrEnum):
    PDF = "pdf"
    TEXT = "text"
    CSV = "csv"
    HTML = "html"
    XML = "xml"


class Finding(StrEnum):
    """What the document check found (documents/document_checks.py). Only `fine` lets a document go out
    without a person's release; `unchecked` is no finding yet."""

    UNCHECKED = "unchecked"
    FINE = "fine"
    NOT_NAMED = "not_named"
    OTHER_CUSTOMER = "other_customer"
    NO_TEXT = "no_text"
    UNREADABLE = "unreadable"
    ALTERED = "altered"


class Origin(StrEnum):
    """Where an address or a document comes from. `added`: a person added it, and an import never removes it.
    `changed`: a person put it in the place of the source's, until the source says something else."""

    SOURCE = "source"
    CHANGED = "changed"
    ADDED = "added"


class SourceSubject(StrEnum):
    """What a value belongs to that a source says, and that a person can change."""

    CLUSTER = "cluster"
    CUSTOMER = "customer"
    INVOICE = "invoice"
    MAIL_SERVER = "mail_server"
    SENDER = "sender"
    RECIPIENT_KEY = "recipient_key"
    TRANSFORMATION = "transformation"


class LockProblem(StrEnum):
    """Why a PDF cannot be rewritten with a password without harm; empty: it can, as far as is known."""

    NONE = ""
    SIGNED = "signed"
    RESTRICTED = "restricted"
    ENCRYPTED = "encrypted"
    UNREADABLE = "unreadable"


class ImportState(StrEnum):
    """Where an upload is. A worker takes it while it is `checking` or `applying`."""

    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TemplateFormat(StrEnum):
    HTML = "html"
    TEXT = "text"


_MOVES = {
    "ready": "sending deferred failed skipped removed",
    "sending": "sent deferred failed unconfirmed ready",
    "sent": "ready bounced removed",
    "deferred": "sending deferred ready skipped failed removed",
    "failed": "ready removed",
    "unconfirmed": "sent deferred failed ready removed",
    "bounced": "ready removed",
    "skipped": "ready removed",
    "removed": "ready deferred skipped sent failed unconfirmed bounced",
}
RESULT_MOVES: dict[ResultStatus, frozenset[ResultStatus]] = {
    ResultStatus(old): frozenset(map(ResultStatus, new.split())) for old, new in _MOVES.items()
}
"""The statuses that a result may go to from each (docs/delivery.md draws them)."""

RUN_MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.CREATING: frozenset({RunStatus.CREATED}),
    RunStatus.CREATED: frozenset({RunStatus.RUNNING, RunStatus.FINISHED}),
    RunStatus.RUNNING: frozenset({RunStatus.STOPPED, RunStatus.FINISHED}),
    RunStatus.STOPPED: frozenset({RunStatus.RUNNING, RunStatus.FINISHED}),
    RunStatus.FINISHED: frozenset({RunStatus.RUNNING, RunStatus.STOPPED}),
}
"""A finished run is stopped when mails of it are to go out again that need an approval."""

OUTSTANDING = (ResultStatus.READY, ResultStatus.SENDING, ResultStatus.DEFERRED)
"""A run with a result in one of these is not finished."""

SENDABLE = (ResultStatus.READY, ResultStatus.DEFERRED)
"""What a worker may claim and start an attempt for."""

NEEDS_CONFIRMATION = (ResultStatus.SENT, ResultStatus.UNCONFIRMED, ResultStatus.BOUNCED)
"""Sending one of these again may give the customer the mail twice: a person must say so in words."""

REASONS_TO_FIX = (
    SkipReason.NO_RECIPIENT,
    SkipReason.NO_ATTACHMENT,
    SkipReason.SUSPECT_DOCUMENT,
    SkipReason.NO_PASSWORD,
    SkipReason.UNLOCKABLE,
)
"""Why a result was skipped that a person can fix."""

TO_FIX = (
    "(status = 'failed' OR status = 'bounced' OR status = 'unconfirmed' OR (status = 'skipped' AND "
    "(reason = 'no_recipient' OR reason = 'no_attachment' OR reason = 'suspect_document' "
    "OR reason = 'no_password' OR reason = 'unlockable')))"
)
"""Of what the index of open results is: the few that a person can fix (results/to_fix.py). A query says it
in these very words: so SQLite knows that the index has all that it asks for. Without IN: for a list of three
or more SQLite would fill a table of its own at every write of a result, 60 µs a mail."""

TO_FIX_ONLY: dict[str, Any] = {"sqlite_where": text(TO_FIX), "postgresql_where": text(TO_FIX)}
