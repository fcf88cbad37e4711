"""What is missing for a run to be made at all, and where it is made: the lists of the dialog would be empty
without a word."""

from __future__ import annotations

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.runs.first_steps import FirstStep, first_steps
from webapp.store.customers import Cluster
from webapp.store.invoices import Invoice
from webapp.translation import N_


def missing(session: Session, viewer: Viewer, *, has_definition: bool) -> list[FirstStep]:
    """The steps that are not done, if there is no definition, cluster or invoice to choose; else none.
    `has_definition`: one that is not retired."""
    has = {
        model: bool(session.scalar(select(exists(select(model.id).where(visible_to(viewer, model))))))
        for model in (Cluster, Invoice)
    }
    if has_definition and all(has.values()):
        return []
    steps = [step for step in first_steps(session, viewer) if not step.is_done]
    begun = {step.words for step in steps}
    for is_there, words, why, href, is_yours in (
        (
            has_definition,
            N_("Message definition"),
            N_("all are retired: take one back into use, or write another"),
            "/definitions",
            viewer.may_edit,
        ),
        (
            has[Cluster],
            N_("Customer cluster"),
            N_("a group of customers; an import makes it, too"),
            "/clusters/new",
            viewer.may_change,
        ),
        (has[Invoice], N_("Invoices"), N_("none of those that you may see"), "/invoices", True),
    ):
        if not is_there and words not in begun:
            steps.append(FirstStep(words, why, href, is_done=False, is_yours=is_yours))
    return steps
