"""The history of a result in words: every attempt, what people decided, and the start of the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.results.bulk import NAMED
from webapp.results.detail import ResultDetail
from webapp.store.definitions import DefinitionVersion
from webapp.store.mailservers import MailServer
from webapp.store.runs import Attempt, Run
from webapp.store.statuses import Outcome
from webapp.store.users import AuditEntry
from webapp.stored_texts import retold
from webapp.translation import N_, _, translated

OUTCOMES = {
    Outcome.SENDING: ("sending", N_("on the wire")),
    Outcome.ACCEPTED: ("sent", N_("the mail server took the mail")),
    Outcome.DEFERRED: ("deferred", N_("server asked to come back later")),
    Outcome.REFUSED: ("failed", N_("refused by the mail server")),
    Outcome.UNKNOWN: ("unconfirmed", N_("no answer after the mail was sent")),
    Outcome.BROKEN: ("deferred", N_("the connection broke before the mail was sent")),
    Outcome.HELD: ("deferred", N_("held back before the mail was sent")),
    Outcome.TROUBLE: ("deferred", N_("the mail server was in trouble")),
    Outcome.UNMADE: ("failed", N_("the mail could not be made")),
}
"""The icon and the words of each outcome of an attempt."""

STAGES = {
    "MAIL": N_("at MAIL FROM"),
    "RCPT": N_("at RCPT TO"),
    "SIZE": N_("before anything was said"),
    "DATA": N_("at DATA"),
    "body": N_("in the middle of the mail"),
    "connect": N_("when connecting"),
}
"""Where an attempt ended; the final dot, where most end, needs no words."""

ENDS_WITH_DETAIL = (Outcome.UNKNOWN, Outcome.BROKEN, Outcome.HELD, Outcome.TROUBLE)

DECISIONS = {
    "send again": ("ready", N_("Sent again")),
    "remove": ("removed", N_("Removed")),
    "put back": ("ready", N_("Put back")),
    "let documents pass": ("check", N_("Documents let pass")),
    "confirm sent": ("sent", N_("Marked as sent")),
    "mark bounced": ("bounced", N_("Marked as bounced")),
    "mail bounced": ("bounced", N_("Came back")),
    "mail complained about": ("bounced", N_("Reported as spam")),
}
"""The icon and the words of each decision of a person, or of a returned mail, by its action in the audit."""


@dataclass(frozen=True)
class TranscriptLine:
    """A line of the conversation with a mail server: the seconds since it began, the command, the reply."""

    at: float
    command: str
    reply: str


@dataclass(frozen=True)
class AttemptEntry:
    """An attempt in words. `seconds` is its duration; from `cleared_at` on it says nothing of people."""

    attempt: Attempt
    words: str
    stage: str
    seconds: float
    server: str
    version: str
    conversation: list[TranscriptLine]
    cleared_at: datetime | None

    @property
    def lasted(self) -> str:
        """0.4 s, 31 s"""
        return _("%(number)s s", number=notation.number(self.seconds, ".1f" if self.seconds < 10 else ".0f"))


@dataclass(frozen=True)
class HistoryEntry:
    """An attempt, or something that the person `by` did."""

    at: datetime
    look: str
    words: str
    by: str = ""
    attempt: AttemptEntry | None = None


def history_of(session: Session, one: ResultDetail) -> list[HistoryEntry]:
    """The whole history, the last entry first."""
    run = one.run
    found = [*_tries(session, one), *_decisions(session, one)]
    if run.started_at:
        found.append(HistoryEntry(run.started_at, "ready", _("Run started"), _first_starter(session, run)))
    found.append(HistoryEntry(run.created_at, "ready", _("Run created"), run.created_by))
    return sorted(found, key=lambda happening: happening.at, reverse=True)


def _first_starter(session: Session, run: Run) -> str:
    """Who started the run first. The run itself keeps only who started it last, and Send again can start it
    too."""
    first = session.scalar(
        select(AuditEntry.actor)
        .where(AuditEntry.subject == f"run {run.id}", AuditEntry.action == "start")
        .order_by(AuditEntry.id)
        .limit(1)
    )
    return first or run.started_by


def _tries(session: Session, one: ResultDetail) -> list[HistoryEntry]:
    servers = _names(session, MailServer.id, MailServer.name, {a.mail_server_id for a in one.attempts})
    versions = _names(
        session, DefinitionVersion.id, DefinitionVersion.number, {a.version_id for a in one.attempts}
    )
    found = []
    for attempt in one.attempts:
        look, words = OUTCOMES[Outcome(attempt.outcome)]
        version = _("the run’s version")
        if attempt.version_id != one.run.version_id:
            number = versions[attempt.version_id]
            version = _("version %(number)s of the definition", number=number)
        told = AttemptEntry(
            attempt,
            _(words),
            translated(STAGES.get(attempt.stage, "")),
            _seconds(attempt),
            servers[attempt.mail_server_id],
            version,
            _conversation(attempt),
            _cleared_at(attempt, one.run),
        )
        found.append(HistoryEntry(attempt.started_at, look, told.words, attempt=told))
    return found


def _cleared_at(attempt: Attempt, run: Run) -> datetime | None:
    """When what it knew of people was cleared (webapp/privacy); None if it was not."""
    if attempt.transcript or attempt.recipients:
        return None
    return run.attempts_cleared_at


def _names(session: Session, id: Any, name: Any, ids: set[int]) -> dict[int, Any]:
    return {key: value for key, value in session.execute(select(id, name).where(id.in_(ids)))}


def _seconds(attempt: Attempt) -> float:
    """How long the attempt took. Its row is created when it starts; the conversation began before that, and
    the wait for a reply that never came ended after it."""
    spoken = float(attempt.transcript[-1][0]) if attempt.transcript else 0.0
    if attempt.ended_at is None or attempt.outcome not in ENDS_WITH_DETAIL:
        return spoken
    return spoken + (attempt.ended_at - attempt.started_at).total_seconds()


def _conversation(attempt: Attempt) -> list[TranscriptLine]:
    """The lines as recorded, and at the end of a broken conversation the reason."""
    several = sum(str(line).startswith("RCPT") for at, line in attempt.transcript) > 1
    lines = []
    for at, line in attempt.transcript:
        command, reply = (*str(line).split("  ", 1), "")[:2]
        lines.append(TranscriptLine(float(at), _in_short(command, several), reply))
    if lines and attempt.outcome in ENDS_WITH_DETAIL and attempt.detail:
        lines.append(TranscriptLine(_seconds(attempt), "", retold(attempt.detail)))
    return lines


def _in_short(command: str, several: bool) -> str:
    """The command; the address only if there are several recipients."""
    verb, rest = (*command.split(":", 1), "")[:2]
    if verb == "RCPT TO" and several:
        return f"{verb} {rest}"
    if command.endswith(" bytes"):
        return _("%(command)s sent", command=command)
    return _("final dot") if command == "." else verb


def _decisions(session: Session, one: ResultDetail) -> list[HistoryEntry]:
    """What people decided about this result by its id. A change of very many results is in the audit of the
    run only."""
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.subject == f"run {one.run.id}", AuditEntry.action.in_(DECISIONS))
    )
    found = []
    for entry in entries:
        ids = entry.detail.split(NAMED, 1)[1:]
        if ids and str(one.result.id) in ids[0].split(", "):
            look, words = DECISIONS[entry.action]
            found.append(HistoryEntry(entry.at, look, _(words), entry.actor))
    return found
