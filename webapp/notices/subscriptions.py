"""Who is told of one run, or of the runs of one plan: what a user says on their pages."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from webapp import edits, telling
from webapp.access import Viewer, plans_of, viewer_of, whole_runs
from webapp.errors import NotAllowed, NotFound, Refused
from webapp.lifecycle import run_notices, runs
from webapp.store.dialects import insert_into
from webapp.store.notices import NoticeKind, NoticeWay, PlanSubscription, RunSubscription
from webapp.store.plans import Plan
from webapp.store.runs import Run
from webapp.store.users import User
from webapp.translation import N_, _

ASKED = NoticeKind.RUN_FINISHED
"""What the buttons ask of. Who is told that a run finishes is also told that it stops itself or waits."""
SEEN_IN_PART = N_(
    "You see a part of this run. Only those who see it whole are told of it, since its numbers are told."
)
OFF = N_("Under Account you chose not to be told that a run has finished. Change that first.")


def is_told_of_run(session: Session, user_id: int, run: Run) -> bool:
    """Whether this user is told when the run finishes, as far as they see it whole."""
    return _is_on(session, user_id) and _holds(session, user_id, run_notices.wants(ASKED, run))


def is_told_of_plan(session: Session, user_id: int, plan: Plan) -> bool:
    """Whether this user is told when a run of the plan finishes that its owner starts."""
    said = select(PlanSubscription.wanted).where(
        PlanSubscription.plan_id == plan.id, PlanSubscription.user_id == User.id
    )
    by_default = or_(User.id == plan.owner_id, run_notices.wants_of_all(ASKED))
    wants = func.coalesce(said.scalar_subquery(), by_default)
    return _is_on(session, user_id) and _holds(session, user_id, wants)


def _holds(session: Session, user_id: int, condition: ColumnElement[bool]) -> bool:
    return session.scalar(select(User.id).where(User.id == user_id, condition)) is not None


def _is_on(session: Session, user_id: int) -> bool:
    """Whether the user is told that runs have finished at all."""
    return telling.ways_of(session, ASKED, [user_id]).get(user_id) != NoticeWay.OFF


def choose_for_run(session: Session, user: User, run_id: int, *, wanted: bool) -> str:
    """Tell this user of the run, or not any more; return what to say. Harmless when it is so already. Raises
    Refused."""
    viewer = viewer_of(user)
    run = runs.run(session, viewer, run_id)
    if run is None:
        raise NotFound
    if not whole_runs(session, viewer, [run_id]):
        raise NotAllowed(_(SEEN_IN_PART), f"run {run_id}", "notices")
    before = is_told_of_run(session, user.id, run)
    _must_be_on(session, user.id, wanted)
    _store(session, RunSubscription, {"run_id": run_id, "user_id": user.id}, wanted)
    _note(session, viewer, f"run {run_id}", before, wanted)
    if wanted:
        return _("You are told when this run finishes, stops itself, or waits long for its mail server.")
    return _("You are not told of this run any more.")


def choose_for_plan(session: Session, user: User, plan_id: int, *, wanted: bool) -> str:
    """The same of all runs of the plan, except those of which the user said otherwise."""
    viewer = viewer_of(user)
    plan = session.scalar(select(Plan).where(Plan.id == plan_id, plans_of(viewer)))
    if plan is None:
        raise NotFound
    before = is_told_of_plan(session, user.id, plan)
    _must_be_on(session, user.id, wanted)
    _store(session, PlanSubscription, {"plan_id": plan_id, "user_id": user.id}, wanted)
    _note(session, viewer, f"plan {plan.name}", before, wanted)
    if wanted:
        return _(
            "You are told when a run of this plan finishes, stops itself, or waits long for its mail server."
        )
    return _("You are not told of the runs of this plan any more.")


def _must_be_on(session: Session, user_id: int, wanted: bool) -> None:
    if wanted and not _is_on(session, user_id):
        raise Refused(_(OFF))


def _store(
    session: Session,
    table: type[RunSubscription] | type[PlanSubscription],
    key: dict[str, int],
    wanted: bool,
) -> None:
    adding = insert_into(session, table).values(**key, wanted=wanted)
    session.execute(adding.on_conflict_do_update(index_elements=list(key), set_={"wanted": wanted}))


def _note(session: Session, viewer: Viewer, what: str, before: bool, after: bool) -> None:
    """As any other choice of notices."""
    told = [{f"notices, {what}": "told" if is_told else "not told"} for is_told in (before, after)]
    edits.note_change(session, viewer.name, viewer.name, *told)
