"""Creates a run from what a person chose."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.audit import audit
from webapp.definitions.versions import todays_version
from webapp.errors import NotFound, Refused
from webapp.lifecycle.rights import must_be_allowed, must_have_the_right, must_not_be_held
from webapp.lifecycle.sending_window import check_window
from webapp.mailing.addresses import forbidden_copies
from webapp.periods import period_name
from webapp.printable import has_controls
from webapp.queue import JobQueue
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching
from webapp.store.customers import Cluster
from webapp.store.database import after_commit
from webapp.store.definitions import MessageDefinition
from webapp.store.installation import Installation
from webapp.store.invoices import Invoice
from webapp.store.runs import Attempt, ChosenInvoice, Run
from webapp.translation import _


@dataclass(frozen=True)
class RunRequest:
    """What a person asks for with Create. An empty name and an empty Bcc stand for the default name and the
    definition's own Bcc. `preview_fingerprint`: the preview that the person saw; if the run turns out
    different it does not start by itself. `start_at`: when it starts, instead of at once; `send_until`:
    nothing is sent after. `copy_domains`: where copies and replies may go (the setting MAILRUN_BCC_DOMAINS;
    empty: anywhere)."""

    selection: Selection
    name: str = ""
    bcc: Sequence[str] = ()
    preview_fingerprint: str = ""
    start: bool = False
    start_at: datetime | None = None
    send_until: datetime | None = None
    copy_domains: tuple[str, ...] = ()


def create(session: Session, queue: JobQueue, wanted: RunRequest, viewer: Viewer) -> Run:
    """Store a run that is `creating`; a worker, or `generation.generate`, generates its results.

    Raises Refused (NotFound for a definition or cluster that this person may not see)."""
    must_be_allowed(viewer)
    if wanted.start:
        must_have_the_right(viewer)
        must_not_be_held(session)
    check_window(wanted.start_at, wanted.send_until)
    definition = _usable_definition(session, wanted.selection, viewer)
    run = _run(session, wanted, definition, viewer)
    if words := forbidden_copies(run.bcc, definition.reply_to, wanted.copy_domains):
        to_do = _("Change the definition “%(name)s”, or the Bcc of this run.", name=definition.name)
        raise Refused(f"{words}. {to_do}")
    session.add(run)
    session.flush()
    _choose(session, run, wanted.selection, viewer)
    audit(session, viewer.name, "create", run, run.name)
    after_commit(session, lambda: queue.enqueue_generation(run.id))
    return run


def _usable_definition(session: Session, selection: Selection, viewer: Viewer) -> MessageDefinition:
    """The definition that was selected. Raises Refused if there can be no run of this selection."""
    if selection.period_from > selection.period_to:
        raise Refused(_("The period ends before it begins."))
    definition = session.get(MessageDefinition, selection.definition_id)
    cluster = select(Cluster.id).where(Cluster.id == selection.cluster_id, visible_to(viewer, Cluster))
    if definition is None or session.scalar(cluster) is None:
        raise NotFound(_("There is no such message definition or customer cluster."))
    if definition.retired_at is not None:
        raise Refused(
            _(
                "“%(name)s” is retired: no new run can use it. Use it again first, or choose another.",
                name=definition.name,
            )
        )
    return definition


def _name(session: Session, wanted: RunRequest) -> str:
    if has_controls(wanted.name.strip()):
        raise Refused(_("The name of a run must be one line of plain text, without control characters."))
    return wanted.name.strip() or default_name(session, wanted.selection)


def _run(session: Session, wanted: RunRequest, definition: MessageDefinition, viewer: Viewer) -> Run:
    selection = wanted.selection
    return Run(
        id=_next_id(session),
        name=_name(session, wanted),
        definition_id=definition.id,
        version_id=todays_version(session, definition).id,
        cluster_id=selection.cluster_id,
        include_children=selection.include_children,
        period_from=selection.period_from,
        period_to=selection.period_to,
        bcc=list(wanted.bcc) or definition.bcc,
        resend_already_sent=selection.resend_already_sent,
        highest_invoice_id=session.scalar(select(func.coalesce(func.max(Invoice.id), 0))),
        refusals_counted_after=session.scalars(select(func.coalesce(func.max(Attempt.id), 0))).one(),
        preview_fingerprint=wanted.preview_fingerprint,
        start_when_created=wanted.start,
        start_at=wanted.start_at if wanted.start else None,
        send_until=wanted.send_until,
        message_key=secrets.token_hex(6),
        created_by=viewer.name,
    )


def _next_id(session: Session) -> int | None:
    """None, the database's own choice; SQLite would choose the id of a removed run again."""
    removed_to = session.scalar(select(Installation.runs_removed_to)) or 0
    highest = session.scalar(select(func.max(Run.id))) or 0
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return removed_to + 1 if is_sqlite and highest < removed_to else None


def _choose(session: Session, run: Run, selection: Selection, viewer: Viewer) -> None:
    """Narrow the run to the chosen invoices; refuse one outside its set, by its number if this person may see
    it."""
    if not selection.invoice_ids:
        return
    content = run.version.content
    within = invoices_matching(selection, requirements_of(run.definition_id, content)).subquery()  # type: ignore[arg-type]
    ours = set(
        session.scalars(select(within.c.invoice_id).where(within.c.invoice_id.in_(selection.invoice_ids)))
    )
    if outside := set(selection.invoice_ids) - ours:
        seen = select(Invoice.number).where(Invoice.id.in_(outside), visible_to(viewer, Invoice))
        named = sorted(session.scalars(seen))[:10] or [_("some of the selected invoices")]
        raise Refused(_("Not in this cluster and period: %(invoices)s.", invoices=", ".join(named)))
    chosen = [{"run_id": run.id, "invoice_id": invoice_id} for invoice_id in set(selection.invoice_ids)]
    session.execute(insert(ChosenInvoice), chosen)


def invoices_by_number(session: Session, numbers: Iterable[str]) -> tuple[int, ...]:
    """The ids of these invoices. Raises Refused, naming those that do not exist."""
    wanted = set(numbers)
    rows = session.execute(select(Invoice.number, Invoice.id).where(Invoice.number.in_(wanted))).all()
    found = {row.number: row.id for row in rows}
    if missing := sorted(wanted - found.keys()):
        raise Refused(_("There is no invoice %(numbers)s.", numbers=", ".join(missing[:10])))
    return tuple(found.values())


def default_name(session: Session, selection: Selection) -> str:
    """ "<definition>, <cluster>, <period>", the name of a run that was given none, in the language of the
    person who makes it; long names are cut to the length of a run's name."""
    definition = session.get_one(MessageDefinition, selection.definition_id).name
    cluster = session.get_one(Cluster, selection.cluster_id).tag_name
    period = period_name(selection.period_from, selection.period_to)
    return ", ".join([*(_cut(name, NAME_PART_MAX) for name in (definition, cluster)), period])


NAME_PART_MAX = 120


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
