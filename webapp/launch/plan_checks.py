"""What `mailrun doctor` says of plans."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.launch.check_result import CheckResult
from webapp.plans.dates import is_overdue
from webapp.plans.owners import sending_owner
from webapp.store.plans import Plan
from webapp.translation import _


def plan_checks(runtime: Runtime) -> Iterator[CheckResult]:
    """A line for each plan: when it makes its next run, or why it cannot."""
    with runtime.database.reading() as session:
        related = (joinedload(Plan.owner), joinedload(Plan.definition))
        every = select(Plan).options(*related).order_by(Plan.name)
        found = session.scalars(every).all()
        for plan in found:
            yield _check(plan)
    if not found:
        yield CheckResult("plans", True, _("there is none"))


def _check(plan: Plan) -> CheckResult:
    about = _("plan %(name)s", name=plan.name)
    if plan.next_at is None:
        return CheckResult(about, True, _("paused by %(person)s", person=plan.paused_by), warns=True)
    try:
        sending_owner(plan.owner)
    except Refused as refusal:
        return CheckResult(about, False, str(refusal))
    if plan.definition.retired_at is not None:
        words = _("its definition “%(name)s” is retired", name=plan.definition.name)
        return CheckResult(about, False, words)
    at = f"{plan.next_at:%Y-%m-%d %H:%M} UTC"
    if is_overdue(plan):
        return CheckResult(about, False, _("was due at %(time)s: no worker looked", time=at))
    if plan.problem:
        return CheckResult(about, True, plan.problem, warns=True)
    return CheckResult(about, True, _("next at %(time)s", time=at))
