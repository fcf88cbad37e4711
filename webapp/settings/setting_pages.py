"""The pages of every kind of setting: its list, a form to add one, a page of each to change or delete it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.edits import fingerprint
from webapp.errors import NotFound
from webapp.settings import storing
from webapp.settings.forms import FORMS, HINTS, SettingForm
from webapp.settings.kinds import SettingKind
from webapp.store.db import db
from webapp.web import form_posts
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash

Context = Callable[[Session, Any], dict[str, Any]]
"""What a page of one kind shows beside its form, of this row."""


TEMPLATES = {"/servers": "settings/server.html"}
"""The kinds whose page has more than a form."""


def stored(kind: SettingKind, id: int) -> Any:
    """The row. Ends the request with 404 if there is none."""
    try:
        return storing.found(db.session, kind, id)
    except NotFound:
        abort(404)


def page(
    kind: SettingKind,
    row: Any,
    more: dict[str, Any],
    *,
    form: SettingForm | None = None,
    wrong: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """The page of a row (None: of a new one), with what was filled in if it could not be saved."""
    form = form or _form(kind, row)
    is_new = row is None
    shown = render_template(
        TEMPLATES.get(kind.path, "settings/setting.html"),
        kind=kind,
        row=row,
        name="" if is_new else getattr(row, kind.natural),
        form=form,
        hints=HINTS[kind.path],
        wrong=wrong,
        seen="" if is_new else fingerprint(storing.values_of(kind, row)),
        uses="" if is_new else storing.why_not_deleted(db.session, kind, row.id),
        **more,
    )
    return make_response(shown, status)


def _form(kind: SettingKind, row: Any) -> SettingForm:
    if row is None:
        return FORMS[kind.path]()
    return FORMS[kind.path](name=getattr(row, kind.natural), **storing.values_of(kind, row))


def add_pages(blueprint: Blueprint, kind: SettingKind, rows: Context, beside: Context) -> None:
    """Register the pages of this kind. `rows`: what its list shows; `beside`: what a page shows beside its
    form."""
    path, name = kind.path, kind.table

    def index() -> ResponseReturnValue:
        model: Any = kind.model
        found = db.session.scalars(select(model).order_by(getattr(model, kind.natural))).all()
        more = rows(db.session, found)
        return render_template("settings/list.html", kind=kind, rows=found, **more)

    def new() -> ResponseReturnValue:
        return page(kind, None, beside(db.session, None))

    def create() -> ResponseReturnValue:
        form = FORMS[path](request.form)
        if not form.holds():
            return page(kind, None, beside(db.session, None), form=form, status=422)

        def effect(session: Session) -> tuple[str, Flash]:
            made = storing.create(session, viewer(), kind, form.name.data, form.values(kind))
            return f"{path}/{made}", f"The {kind.one} “{form.name.data}” is added."

        def refused(reason: str) -> ResponseReturnValue:
            return page(kind, None, beside(db.session, None), form=form, wrong=reason, status=422)

        return form_posts.apply_once(effect, on_refusal=refused)

    def show(id: int) -> ResponseReturnValue:
        row = stored(kind, id)
        return page(kind, row, beside(db.session, row))

    def change(id: int) -> ResponseReturnValue:
        row = stored(kind, id)
        form = FORMS[path](request.form)
        form.name.data = getattr(row, kind.natural)
        if not form.holds():
            return page(kind, row, beside(db.session, row), form=form, status=422)

        def effect(session: Session) -> tuple[str, Flash]:
            seen = request.form.get("seen", "")
            changed = storing.change(session, viewer(), kind, id, form.values(kind), seen)
            return f"{path}/{id}", "Saved." if changed else "Nothing has changed."

        def refused(reason: str) -> ResponseReturnValue:
            now = stored(kind, id)
            return page(kind, now, beside(db.session, now), form=form, wrong=reason, status=422)

        return form_posts.apply_once(effect, on_refusal=refused)

    def remove(id: int) -> ResponseReturnValue:
        stored(kind, id)
        return form_posts.apply_once(
            lambda session: (path, storing.remove(session, viewer(), kind, id)), back=f"{path}/{id}"
        )

    for rule, method, view in (
        (path, "GET", index),
        (f"{path}/new", "GET", new),
        (f"{path}/new", "POST", create),
        (f"{path}/<int:id>", "GET", show),
        (f"{path}/<int:id>", "POST", change),
        (f"{path}/<int:id>/delete", "POST", remove),
    ):
        blueprint.add_url_rule(rule, f"{name}_{view.__name__}", view, methods=[method])
