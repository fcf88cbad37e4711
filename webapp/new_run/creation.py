"""Creates a run from what a person chose."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.definitions.versions import todays_version
from webapp.errors import NotFound, Refused
from webapp.invoices.periods import period_words
from webapp.lifecycle.runs import _must_be_allowed, _must_not_be_held
from webapp.queue import JobQueue
from webapp.selection.eligibility import requirements_of
from webapp.selection.invoices import Selection, invoices_matching
from webapp.store.customers import Cluster
from webapp.store.database import after_commit
from webapp.store.definitions import MessageDefinition
from webapp.store.invoices import Invoice
from webapp.store.runs import Attempt, ChosenInvoice, Run


def create(
    session: Session,
    queue: JobQueue,
    choice: Selection,
    *,
    name: str,
    bcc: list[str],
    viewer: Viewer,
    preview_fingerprint: str = "",
    start: bool = False,
) -> Run:
    """Stores a run that is `creating`; a worker, or runs.making.make, makes its results.

    Without any `bcc` the definition's own are taken. `preview_fingerprint` is the fingerprint of the preview
    that the
    person saw: a set that turns out different is not started. Raises Refused (NotFound for a definition or
    cluster that this person may not see)."""
    _must_be_allowed(viewer)
    if start:
        _must_not_be_held(session)
    if choice.period_from > choice.period_to:
        raise Refused("The period ends before it begins.")
    definition = session.get(MessageDefinition, choice.definition_id)
    cluster = session.scalar(
        select(Cluster).where(Cluster.id == choice.cluster_id, visible_to(viewer, Cluster))
    )
    if definition is None or cluster is None:
        raise NotFound("There is no such message definition or customer cluster.")
    if definition.retired_at is not None:
        raise Refused(
            f"“{definition.name}” is retired: it makes no new runs. Use it again first, or another one."
        )
    version = todays_version(session, definition)
    run = Run(
        name=name.strip() or default_name(session, choice),
        definition_id=definition.id,
        version_id=version.id,
        cluster_id=cluster.id,
        include_children=choice.include_children,
        period_from=choice.period_from,
        period_to=choice.period_to,
        bcc=bcc or definition.bcc,
        resend_already_sent=choice.resend_already_sent,
        highest_invoice_id=session.scalar(select(func.coalesce(func.max(Invoice.id), 0))),
        refusals_counted_after=session.scalars(select(func.coalesce(func.max(Attempt.id), 0))).one(),
        preview_fingerprint=preview_fingerprint,
        start_when_created=start,
        message_key=secrets.token_hex(6),
        created_by=viewer.name,
    )
    session.add(run)
    session.flush()
    _choose(session, run, choice)
    after_commit(session, lambda: queue.enqueue_generation(run.id))
    return run


def _choose(session: Session, run: Run, choice: Selection) -> None:
    """Narrow the run to the chosen invoices; refuse one outside its set by its number."""
    if not choice.invoice_ids:
        return
    content = run.version.content
    within = invoices_matching(choice, requirements_of(run.definition_id, content)).subquery()  # type: ignore[arg-type]
    outside = session.scalars(
        select(Invoice.number).where(
            Invoice.id.in_(choice.invoice_ids), Invoice.id.not_in(select(within.c.invoice_id))
        )
    ).all()
    if outside:
        raise Refused(f"Not in this cluster and period: {', '.join(sorted(outside)[:10])}.")
    chosen = [{"run_id": run.id, "invoice_id": invoice_id} for invoice_id in set(choice.invoice_ids)]
    session.execute(insert(ChosenInvoice), chosen)


def invoices_by_number(session: Session, numbers: Iterable[str]) -> tuple[int, ...]:
    """The ids of these invoices. Raises Refused, naming those that do not exist."""
    wanted = set(numbers)
    rows = session.execute(select(Invoice.number, Invoice.id).where(Invoice.number.in_(wanted))).all()
    found = {row.number: row.id for row in rows}
    if missing := sorted(wanted - found.keys()):
        raise Refused(f"There is no invoice {', '.join(missing[:10])}.")
    return tuple(found.values())


def default_name(session: Session, choice: Selection) -> str:
    """ "<definition>, <cluster>, <period>", the name of a run that was given none; long names are cut to the
    length of a run's name."""
    definition = session.get_one(MessageDefinition, choice.definition_id).name
    cluster = session.get_one(Cluster, choice.cluster_id).tag_name
    period = period_words(choice.period_from, choice.period_to)
    return ", ".join([*(_cut(name, NAME_PART_MAX) for name in (definition, cluster)), period])


NAME_PART_MAX = 120


def _cut(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
