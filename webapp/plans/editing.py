"""Changes of plans by people: new, change, pause, resume, delete, make a run now.

Who saves a plan is its owner from then on: its runs are made and started in their name."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit, edits
from webapp.access import Viewer, plans_of, visible_to
from webapp.errors import NotFound, Refused
from webapp.extensions import Runtime
from webapp.lifecycle.rights import must_have_the_right, must_not_be_held
from webapp.plans import making
from webapp.plans.dates import UNKNOWN_HERE, set_next, unknown_words
from webapp.plans.owners import subject
from webapp.store.customers import Cluster
from webapp.store.definitions import MessageDefinition
from webapp.store.plans import Plan, PlanOccurrence
from webapp.store.types import now
from webapp.store.users import User
from webapp.translation import _, english

RULE = ("every", "day", "nth", "weekday", "shift", "at", "time_zone", "country", "days_added", "days_struck")
"""The fields that say when: a change of one gives the plan another next date."""


@dataclass(frozen=True)
class PlanFields:
    """What a person says of a plan, as the columns of the table (store/plans.py)."""

    name: str
    definition_id: int
    cluster_id: int
    include_children: bool
    period: str
    bcc: list[str]
    every: str
    day: str
    nth: int
    weekday: int
    shift: str
    at: str
    time_zone: str
    country: str
    days_added: list[str]
    days_struck: list[str]
    count_margin: int | None
    sum_margin: int | None
    skipped_max: int | None
    no_suspect: bool
    no_oddities: bool
    oddities_allowed: list[str]
    action: str
    late_hours_max: int


def fields_of(plan: Plan) -> PlanFields:
    """What is stored."""
    return PlanFields(**{name: getattr(plan, name) for name in PlanFields.__dataclass_fields__})


def seen_of(plan: Plan) -> str:
    """A short text that changes with what a form of this plan shows."""
    return edits.fingerprint(asdict(fields_of(plan)))


def add(session: Session, viewer: Viewer, fields: PlanFields) -> Plan:
    """Store a new plan, which waits for its first date. Raises Refused."""
    owner = _must_be_possible(session, viewer, fields)
    _must_be_free(session, fields.name, None)
    plan = Plan(**asdict(fields), owner_id=owner.id, made_by=viewer.name, next_at=now())
    session.add(plan)
    session.flush()
    set_next(session, plan, now())
    told = f"next {plan.next_day}, then: {plan.action}"
    audit.note(session, viewer.name, "plan created", subject(plan), told)
    return plan


def change(session: Session, viewer: Viewer, plan_id: int, fields: PlanFields, seen: str) -> bool:
    """Change a plan, unless it is no longer as the form with the fingerprint `seen` showed it. Returns
    whether anything differs. Raises Refused."""
    plan = _locked(session, viewer, plan_id)
    owner = _must_be_possible(session, viewer, fields)
    _must_be_free(session, fields.name, plan.id)
    before = asdict(fields_of(plan))
    edits.refuse_if_changed(session, subject(plan), before, seen)
    after = asdict(fields)
    of_plan = subject(plan)
    for name, value in after.items():
        setattr(plan, name, value)
    changed = edits.note_change(session, viewer.name, of_plan, before, after)
    if plan.owner_id != owner.id:
        changed = edits.note_change(
            session, viewer.name, of_plan, {"owner": plan.owner.email}, {"owner": owner.email}
        )
        plan.owner_id = owner.id
    plan.problem = ""
    if plan.paused_at is None and any(before[name] != after[name] for name in RULE):
        set_next(session, plan, now())
    return changed


def pause(session: Session, viewer: Viewer, plan_id: int) -> str:
    """Have the plan make no runs until it is resumed; the words say so. Raises Refused."""
    plan = _locked(session, viewer, plan_id)
    if plan.paused_at is None:
        plan.paused_at, plan.paused_by = now(), viewer.name
        plan.next_at = plan.next_day = plan.next_nominal = None
        audit.note(session, viewer.name, "plan paused", subject(plan))
    return _("Paused. It makes no run until you resume it.")


def resume(session: Session, viewer: Viewer, plan_id: int) -> str:
    """Have a paused plan wait for its next date; what it missed meanwhile is not made. Raises Refused."""
    plan = _locked(session, viewer, plan_id)
    if plan.paused_at is not None:
        try:
            set_next(session, plan, now())
        except UNKNOWN_HERE as unknown:
            raise Refused(unknown_words(unknown)) from unknown
        plan.paused_at, plan.paused_by = None, ""
        audit.note(session, viewer.name, "plan resumed", subject(plan), f"next {plan.next_day}")
    return _("Resumed.")


def delete(session: Session, viewer: Viewer, plan_id: int) -> str:
    """Delete the plan; its runs and its history stay. Raises Refused."""
    plan = _locked(session, viewer, plan_id)
    audit.note(session, viewer.name, "plan deleted", subject(plan))
    session.delete(plan)
    return _("Deleted. Its runs stay.")


def make_now(
    session: Session, runtime: Runtime, viewer: Viewer, plan_id: int, at: datetime | None = None
) -> PlanOccurrence:
    """Make a run now, as on a date of the plan, which keeps its dates. It is made in the owner's name, as
    always, at the word of a person who may send. Raises Refused."""
    plan = _locked(session, viewer, plan_id)
    must_not_be_held(session)
    at = at or now()
    occurrence = PlanOccurrence(
        plan_id=plan.id, plan_name=plan.name, due_at=at, made_at=at, asked_by=viewer.name
    )
    try:
        nominal = at.astimezone(ZoneInfo(plan.time_zone)).date()
    except UNKNOWN_HERE as unknown:
        raise Refused(unknown_words(unknown)) from unknown
    with english():
        making.make(session, runtime, plan, occurrence, nominal)
    session.flush()
    return occurrence


def _locked(session: Session, viewer: Viewer, plan_id: int) -> Plan:
    """The plan, locked for a change by a person who may send. Raises Refused."""
    found = select(Plan).where(Plan.id == plan_id, plans_of(viewer)).with_for_update(of=Plan)
    plan = session.scalar(found)
    if plan is None:
        raise NotFound(_("There is no such plan."))
    must_have_the_right(viewer)
    return plan


def _must_be_possible(session: Session, viewer: Viewer, fields: PlanFields) -> User:
    """Raise Refused unless this person may have such a plan; return their account."""
    must_have_the_right(viewer)
    owner = session.scalar(select(User).where(User.email == viewer.name))
    if owner is None:
        raise Refused(_("A plan works in the name of a user. Log in as one."))
    cluster = select(Cluster.id).where(Cluster.id == fields.cluster_id, visible_to(viewer, Cluster))
    definition = session.get(MessageDefinition, fields.definition_id)
    if session.scalar(cluster) is None or definition is None:
        raise NotFound(_("There is no such message definition or customer cluster."))
    return owner


def _must_be_free(session: Session, name: str, own: int | None) -> None:
    taken = session.scalar(select(Plan.id).where(Plan.name == name))
    if taken is not None and taken != own:
        raise Refused(_("There is a plan of this name already. Choose another name."))
