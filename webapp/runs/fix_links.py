"""From what a run says is wrong to the place where it is fixed, named by what is done there and to how
many."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from webapp.results.fixes import Fix, open_cause
from webapp.results.to_fix import OpenCause
from webapp.store.runs import Run
from webapp.store.statuses import ResultStatus, SkipReason
from webapp.translation import ngettext

VERBS = {
    OpenCause.SUSPECT_DOCUMENT: "Check",
    OpenCause.UNCONFIRMED: "Decide on",
    OpenCause.WAITING: "Look at",
}
"""What is done in the list "To fix", where it is not fixing."""
FIXABLE = (
    *(SkipReason.NO_RECIPIENT, SkipReason.NO_ATTACHMENT, SkipReason.NO_PASSWORD, SkipReason.UNLOCKABLE),
    *(SkipReason.SUSPENDED, SkipReason.NOT_APPROVED),
)
"""The skip reasons that a person can do something about, but for suspect documents."""


THESE: dict[str, Callable[[int], str]] = {
    "Fix": lambda n: ngettext("Fix this one", "Fix these %(num)s", n),
    "Check": lambda n: ngettext("Check this one", "Check these %(num)s", n),
    "Decide on": lambda n: ngettext("Decide on this one", "Decide on these %(num)s", n),
    "Look at": lambda n: ngettext("Look at this one", "Look at these %(num)s", n),
    "Resume": lambda n: ngettext("Resume this one", "Resume these %(num)s", n),
    "Approve": lambda n: ngettext("Approve this one", "Approve these %(num)s", n),
}


def these(verb: str, n: int) -> str:
    """Fix these 6, or Fix this one"""
    return THESE[verb](n)


def fix_these(run: Run, status: str, reason: str, n: int) -> Fix | None:
    """Where `n` results of the run with this status, or this skip reason, are fixed. None where nothing can
    be, or not from here: what is open in an archived run is in no list."""
    if not n or run.archived_at is not None:
        return None
    if status == ResultStatus.FAILED:
        return Fix(these("Fix", n), f"/fix?run={run.id}")
    if cause := open_cause(status, reason):
        return Fix(these(VERBS.get(cause, "Fix"), n), f"/fix?run={run.id}&cause={cause}")
    if status != ResultStatus.SKIPPED:
        return None
    within = {"cluster": run.cluster.tag_name, "include_children": "y" if run.include_children else ""}
    if reason == SkipReason.SUSPENDED:
        return Fix(these("Resume", n), _list("/customers", **within, status="suspended"))
    if reason == SkipReason.NOT_APPROVED:
        period = {"from": run.period_from.isoformat(), "to": run.period_to.isoformat()}
        return Fix(these("Approve", n), _list("/invoices", **within, **period, status="open"))
    return None


def fix_shown(run: Run, query: str, n: int, reasons: dict[str, int]) -> Fix | None:
    """The same for `n` results that a filter of the run's list shows: status=failed, or
    reason=no_recipient; `reasons` are the numbers of all that were skipped in the run."""
    name, value = query.split("=")
    if name == "reason":
        return fix_these(run, ResultStatus.SKIPPED, value, n)
    if value == ResultStatus.SKIPPED:
        return fix_skipped(run, reasons)
    return fix_these(run, value, "", n)


def fix_skipped(run: Run, reasons: dict[str, int]) -> Fix | None:
    """The place for everything skipped in the run that can be fixed: of one reason its own, of several the
    list of the run."""
    found = {reason: n for reason in FIXABLE if (n := reasons.get(reason, 0))}
    if len(found) == 1:
        [(reason, n)] = found.items()
        return fix_these(run, ResultStatus.SKIPPED, reason, n)
    if not found or run.archived_at is not None:
        return None
    return Fix(these("Fix", sum(found.values())), f"/fix?run={run.id}")


def _list(path: str, **args: str) -> str:
    return f"{path}?{urlencode({name: value for name, value in args.items() if value})}"
