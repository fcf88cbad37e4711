"""Whether a run that a plan has made is as expected: held against the last run like it.

Each expectation that fails gives a sentence, in English, since it is stored; pages retell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.oddities.kinds import OddityKind
from webapp.plans.odd_findings import NONE_FINISHED, odd_findings
from webapp.store.invoices import Invoice
from webapp.store.plans import Plan
from webapp.store.runs import ChosenInvoice, Result, ResultInvoice, Run
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.translation import N_, _, english, ngettext


@dataclass(frozen=True)
class RunNumbers:
    """Of a run's invoices: how many go out or went out, what they come to by currency, and how many were
    skipped, and for a suspect document."""

    sent: int
    sums: Mapping[str, Decimal]
    skipped: int
    suspect: int

    @property
    def all(self) -> int:
        """How many invoices the run has, without those that a person removed."""
        return self.sent + self.skipped


def numbers(session: Session, run_id: int) -> RunNumbers:
    """The numbers of this run, counted from its rows."""
    lines = session.execute(
        select(
            Result.status,
            Result.reason,
            Invoice.currency,
            func.count().label("n"),
            func.sum(Invoice.gross_amount).label("gross"),
        )
        .select_from(ResultInvoice)
        .join(Result, Result.id == ResultInvoice.result_id)
        .join(Invoice, Invoice.id == ResultInvoice.invoice_id)
        .where(ResultInvoice.run_id == run_id, Result.status != ResultStatus.REMOVED)
        .group_by(Result.status, Result.reason, Invoice.currency)
    ).all()
    sums: dict[str, Decimal] = {}
    sent = [line for line in lines if line.status != ResultStatus.SKIPPED]
    for line in sent:
        sums[line.currency] = sums.get(line.currency, Decimal(0)) + line.gross
    skipped = [line for line in lines if line.status == ResultStatus.SKIPPED]
    return RunNumbers(
        sent=sum(line.n for line in sent),
        sums=sums,
        skipped=sum(line.n for line in skipped),
        suspect=sum(line.n for line in skipped if line.reason == SkipReason.SUSPECT_DOCUMENT),
    )


def last_comparable(session: Session, run: Run) -> Run | None:
    """The last run before this one of the same definition and clusters, over all invoices of another period,
    that was started; None if there is none."""
    narrowed = exists().where(ChosenInvoice.run_id == Run.id)
    like_it = (
        Run.id < run.id,
        Run.definition_id == run.definition_id,
        Run.cluster_id == run.cluster_id,
        Run.include_children == run.include_children,
        Run.period_from < run.period_from,
        Run.started_at.is_not(None),
        ~narrowed,
    )
    return session.scalar(select(Run).where(*like_it).order_by(Run.id.desc()).limit(1))


@dataclass(frozen=True)
class Unmet:
    """What of a run is not as its plan expects: a sentence for each, the gravest first, and the kinds of
    oddity among them. Without any, all is."""

    sentences: list[str] = field(default_factory=list)
    odd_kinds: list[OddityKind] = field(default_factory=list)


def unmet(session: Session, plan: Plan, run: Run) -> Unmet:
    """Hold the run against what its plan expects."""
    ours = numbers(session, run.id)
    with english():
        if not ours.sent:
            return Unmet([NOTHING_TO_SEND])
        sentences = [*_within_the_run(plan, ours), *_since_the_last(session, plan, run, ours)]
        odd, kinds = odd_findings(session, plan, run)
        if NO_RUN_BEFORE in sentences:
            odd = [each for each in odd if each != NONE_FINISHED]
        return Unmet([*sentences, *odd], kinds)


def _since_the_last(session: Session, plan: Plan, run: Run, ours: RunNumbers) -> list[str]:
    if plan.count_margin is None and plan.sum_margin is None:
        return []
    before = last_comparable(session, run)
    return _compared(plan, ours, before, numbers(session, before.id)) if before else [NO_RUN_BEFORE]


NOTHING_TO_SEND = N_("No invoice of this run can be sent.")
NO_RUN_BEFORE = N_("There is no earlier run to compare this one with.")


def _within_the_run(plan: Plan, ours: RunNumbers) -> list[str]:
    found = []
    if plan.no_suspect and ours.suspect:
        found.append(
            ngettext(
                "%(num)s invoice has a suspect document.",
                "%(num)s invoices have a suspect document.",
                ours.suspect,
                num=notation.number(ours.suspect),
            )
        )
    if plan.skipped_max is not None and ours.skipped * 100 > ours.all * plan.skipped_max:
        found.append(
            _(
                "%(skipped)s of %(all)s invoices are skipped, more than %(most)s%%.",
                skipped=notation.number(ours.skipped),
                all=notation.number(ours.all),
                most=plan.skipped_max,
            )
        )
    return found


def _compared(plan: Plan, ours: RunNumbers, before: Run, theirs: RunNumbers) -> list[str]:
    found = []
    if plan.count_margin is not None and is_beyond(ours.sent, theirs.sent, plan.count_margin):
        found.append(
            _(
                "%(ours)s invoices to send, where run %(run)s had %(theirs)s: more than %(margin)s%% apart.",
                ours=notation.number(ours.sent),
                run=before.id,
                theirs=notation.number(theirs.sent),
                margin=plan.count_margin,
            )
        )
    for currency in sorted({*ours.sums, *theirs.sums}) if plan.sum_margin is not None else ():
        sums = [numbers.sums.get(currency, Decimal(0)) for numbers in (ours, theirs)]
        if is_beyond(sums[0], sums[1], plan.sum_margin or 0):
            found.append(
                _(
                    "%(ours)s to send, where run %(run)s had %(theirs)s: more than %(margin)s%% apart.",
                    ours=notation.money(sums[0], currency),
                    run=before.id,
                    theirs=notation.money(sums[1], currency),
                    margin=plan.sum_margin,
                )
            )
    return found


def is_beyond(ours: int | Decimal, theirs: int | Decimal, margin: int) -> bool:
    """Whether the one differs from the other by more than this many per cent of the other."""
    return abs(Decimal(ours) - Decimal(theirs)) * 100 > abs(Decimal(theirs)) * margin
