"""Runs as the command line gives them (contract.md), and what blocks one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import OPERATOR, Viewer
from webapp.lifecycle.counts import counts_seen
from webapp.mailservers import stored_pace
from webapp.mailservers.backoff import waiting_sentence
from webapp.store.definitions import Content, DefinitionVersion
from webapp.store.installation import Installation, held_by
from webapp.store.mailservers import MailServer
from webapp.store.runs import Run
from webapp.store.statuses import RunStatus
from webapp.store.types import iso
from webapp.stored_texts import retold
from webapp.translation import N_, _, english


def show(session: Session, run: Run, viewer: Viewer = OPERATOR) -> dict[str, Any]:
    """The run as `runs show --json` prints it, in English, with counts of what this person may see. Times are
    ISO 8601 in UTC."""
    counted = counts_seen(session, viewer, run.id)
    with english():
        stands = problem(session, run)
    return {
        "id": run.id,
        "name": run.name,
        "status": run.status,
        "definition": run.definition.name,
        "cluster": run.cluster.tag_name,
        "include_children": run.include_children,
        "period_from": run.period_from.isoformat(),
        "period_to": run.period_to.isoformat(),
        "bcc": run.bcc,
        "problem": stands,
        "counts": {status.value: n for status, n in counted.by_status.items()},
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "awaits_approval": run.awaits_approval,
        "start_at": iso(run.start_at),
        "send_until": iso(run.send_until),
    }


@dataclass(frozen=True)
class Blocker:
    """What keeps a run from continuing: the database belongs to another secret key (`held`), the running run
    waits for this mail server, or it has a problem of its own. `slowed`: what the mail server of a running
    run says that throttles it."""

    held: str | None
    server: MailServer | None
    own: str | None
    is_over: bool
    slowed: str = ""

    @property
    def words(self) -> str | None:
        """What a person is told first; None if the run continues at full speed, or is over."""
        if self.held and not self.is_over:
            return retold(self.held)
        if self.server:
            return waiting_sentence(self.server)
        return retold(self.own or "") or self.slowed or None

    @property
    def words_in_part(self) -> str | None:
        """The same for a person who sees only some results of the run: nothing that a mail server said, which
        may name an address of another customer."""
        if self.held or not (self.server or self.own):
            return self.words if self.held else None
        return _(WAITS if self.server else HAS_A_PROBLEM)


WAITS = N_("waiting for its mail server")
HAS_A_PROBLEM = N_("It stopped with a problem. The person who started it sees what it is.")


def blocker(session: Session, run: Run) -> Blocker:
    """What keeps this run from continuing, if anything does."""
    content = cast(Content, session.get_one(DefinitionVersion, run.version_id).content)
    its_server = MailServer.id == content["sender"]["mail_server_id"]
    id, key_check, server = session.execute(
        select(Installation.id, Installation.key_check, MailServer)
        .select_from(Installation)
        .outerjoin(MailServer, its_server)
        .execution_options(populate_existing=True)
    ).one()
    why = held_by(session, id, key_check)
    uses = server if run.status == RunStatus.RUNNING and not (why or run.problem) else None
    waits_for = uses if uses and uses.trouble is not None else None
    slowed = "; ".join(stored_pace.sentences(session, uses)) if uses and not waits_for else ""
    return Blocker(why, waits_for, run.problem, run.status == RunStatus.FINISHED, slowed)


def problem(session: Session, run: Run) -> str | None:
    """What keeps this run from continuing, in words, to a person who sees all of it."""
    return blocker(session, run).words
