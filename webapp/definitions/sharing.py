"""Definitions, templates, parts and pictures are shared by all clusters. So only a person who sees every run
that was created with one may change it: with a Bcc or a reply-to of their own they would get the mails of
customers whom they may not see."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from webapp.access import Viewer, sees_all_runs
from webapp.errors import Refused
from webapp.store.definitions import MessageDefinition
from webapp.store.runs import Run
from webapp.translation import _


def must_see_runs_of_definition(session: Session, viewer: Viewer, definition: MessageDefinition) -> None:
    """Raises Refused if the definition is used in clusters that this person does not see."""
    _must_see(session, viewer, f"“{definition.name}”", Run.definition_id == definition.id)


def must_see_runs_of_template(session: Session, viewer: Viewer, name: str, template_id: int) -> None:
    """Raises Refused if a definition with this template is used in clusters that this person does not see."""
    using = select(MessageDefinition.id).where(MessageDefinition.template_id == template_id)
    _must_see(session, viewer, f"“{name}”", Run.definition_id.in_(using))


def must_see_all_runs(session: Session, viewer: Viewer, name: str) -> None:
    """Raises Refused if there are runs that this person does not see, since any template may use a part
    or a picture."""
    _must_see(session, viewer, f"“{name}”")


def _must_see(session: Session, viewer: Viewer, name: str, *conditions: ColumnElement[bool]) -> None:
    if not sees_all_runs(session, viewer, *conditions):
        raise Refused(
            _(
                "%(name)s is used for customers whom you do not see, so you cannot change it. Make "
                "a copy, or ask a person who sees all of them.",
                name=name,
            )
        )
