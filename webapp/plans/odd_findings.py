"""The oddities of a run that its plan does not allow: each kind in a sentence, with its number.

The sentences are in English, since they are stored; pages retell them. They name the run that is compared
with by its number, and not its month, which would stay English."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy.orm import Session

from webapp.access import looked_up, viewer_of
from webapp.oddities.finding import Oddity, find
from webapp.oddities.kinds import OddityKind
from webapp.oddities.mails import frozen
from webapp.oddities.words import share_words
from webapp.plans.words import ODDITY_NAMES
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.store.users import User
from webapp.translation import N_, _, ngettext, translated

COMPARED = (OddityKind.NUMBER, OddityKind.AMOUNT, OddityKind.GONE)
"""Kinds that cannot be found without an earlier run."""
NONE_FINISHED = N_("No earlier run like this one has finished, so not all oddities can be found.")


def odd_findings(session: Session, plan: Plan, run: Run) -> tuple[list[str], list[OddityKind]]:
    """What is said of the oddities in the run that the plan does not allow, and their kinds; nothing for a
    plan that does not look at them. Seen with the eyes of the plan's owner, in whose name the run is made."""
    if not plan.no_oddities:
        return [], []
    owner = looked_up(session, viewer_of(session.get_one(User, plan.owner_id)))
    looked = find(session, frozen(session, owner, run))
    earlier = looked.earlier.run_id if looked.earlier else 0
    found = [each for each in looked.found if each.kind not in plan.oddities_allowed]
    sentences = [_sentence(each, earlier) for each in found]
    if not earlier and not set(COMPARED) <= set(plan.oddities_allowed):
        sentences.insert(0, NONE_FINISHED)
    return sentences, list(dict.fromkeys(each.kind for each in found))


def _sentence(oddity: Oddity, earlier: int) -> str:
    if oddity.kind is OddityKind.NUMBER:
        return _of_number(oddity.change, earlier)
    if oddity.kind is OddityKind.AMOUNT:
        return _of_amount(oddity.change, oddity.currency, earlier)
    what = translated(ODDITY_NAMES[oddity.kind])
    if oddity.kind is OddityKind.GONE:
        return ngettext(
            "Oddity “%(what)s”: %(num)s customer.",
            "Oddity “%(what)s”: %(num)s customers.",
            oddity.n,
            what=what,
        )
    if oddity.kind is OddityKind.SHARED:
        return ngettext(
            "Oddity “%(what)s”: %(num)s address.",
            "Oddity “%(what)s”: %(num)s addresses.",
            oddity.n,
            what=what,
        )
    return ngettext(
        "Oddity “%(what)s”: %(num)s invoice.", "Oddity “%(what)s”: %(num)s invoices.", oddity.n, what=what
    )


def _of_number(change: Decimal | None, run: int) -> str:
    share = share_words(change)
    if change is not None and change > 0:
        return _("Oddity: %(share)s more invoices than in run %(run)s.", share=share, run=run)
    return _("Oddity: %(share)s fewer invoices than in run %(run)s.", share=share, run=run)


def _of_amount(change: Decimal | None, currency: str, run: int) -> str:
    if change is None:
        return _(
            "Oddity: amounts in %(currency)s, of which run %(run)s had none.", currency=currency, run=run
        )
    told = {"currency": currency, "share": share_words(change), "run": run}
    if change > 0:
        return _("Oddity: in %(currency)s %(share)s more than in run %(run)s.", **told)
    return _("Oddity: in %(currency)s %(share)s less than in run %(run)s.", **told)
