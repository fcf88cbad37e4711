"""The pages of every kind of setting: its list, a form to add one, a page of each to change or delete it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from flask import Blueprint, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.edits import fingerprint
from webapp.errors import NotFound
from webapp.settings import forms, mailbox_forms, storing
from webapp.settings.forms import SettingForm, preset
from webapp.settings.kinds import MAILBOXES, SettingKind
from webapp.store.db import db
from webapp.translation import _
from webapp.web import form_posts
from webapp.web.access_control import viewer
from webapp.web.form_posts import Flash

Context = Callable[[Session, Any], dict[str, Any]]
"""What a page of one kind shows beside its form, of this row."""


TEMPLATES = {
    "/servers": "settings/server.html",
    "/senders": "settings/sender.html",
    "/mailboxes": "settings/mailbox.html",
}
"""The kinds whose page has more than a form."""
FORMS: dict[str, type[SettingForm]] = {**forms.FORMS, MAILBOXES.path: mailbox_forms.MailboxForm}
HINTS = {**forms.HINTS, MAILBOXES.path: mailbox_forms.HINTS}


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
    seen: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """The page of a row (None: of a new one), with what was filled in if it is not saved. `seen`: the
    fingerprint of the row that it was filled in for; empty: the row as it is now."""
    form = form or _form(kind, row)
    is_new = row is None
    shown = render_template(
        TEMPLATES.get(kind.path, "settings/setting.html"),
        kind=kind,
        row=row,
        name="" if is_new else getattr(row, kind.natural),
        form=form,
        hints={name: _(words) for name, words in HINTS[kind.path].items()},
        wrong=wrong,
        seen="" if is_new else seen or fingerprint(storing.values_of(kind, row)),
        uses="" if is_new else storing.why_not_deleted(db.session, kind, row.id),
        **more,
    )
    return make_response(shown, status)


def _form(kind: SettingKind, row: Any) -> SettingForm:
    if row is None:
        return FORMS[kind.path](**preset(kind, request.args.get("preset", "")))
    return FORMS[kind.path](name=getattr(row, kind.natural), **storing.values_of(kind, row))


@dataclass(frozen=True)
class SettingPages:
    """The pages of one kind. `rows`: what its list shows; `beside`: what a page shows beside its form."""

    kind: SettingKind
    rows: Context
    beside: Context

    def add_to(self, blueprint: Blueprint) -> None:
        """Register them."""
        path = self.kind.path
        for rule, method, view in (
            (path, "GET", self.index),
            (f"{path}/new", "GET", self.new),
            (f"{path}/new", "POST", self.create),
            (f"{path}/<int:id>", "GET", self.show),
            (f"{path}/<int:id>", "POST", self.change),
            (f"{path}/<int:id>/delete", "POST", self.remove),
        ):
            endpoint = f"{self.kind.table}_{view.__name__}"
            blueprint.add_url_rule(rule, endpoint, cast(Any, view), methods=[method])

    def index(self) -> ResponseReturnValue:
        """All of them, by name."""
        model: Any = self.kind.model
        found = db.session.scalars(select(model).order_by(getattr(model, self.kind.natural))).all()
        more = self.rows(db.session, found)
        return render_template("settings/list.html", kind=self.kind, rows=found, **more)

    def new(self) -> ResponseReturnValue:
        """An empty form."""
        return self._page(None)

    def create(self) -> ResponseReturnValue:
        """Add one."""
        kind, form = self.kind, FORMS[self.kind.path](request.form)
        if not form.holds():
            return self._page(None, form=form, status=422)

        def effect(session: Session) -> tuple[str, Flash]:
            made = storing.create(session, viewer(), kind, form.name.data, form.values(kind), form.secret())
            return f"{kind.path}/{made}", _(kind.words.added, name=form.name.data)

        return form_posts.apply_once(
            effect, on_refusal=lambda reason: self._page(None, form=form, wrong=reason, status=422)
        )

    def show(self, id: int) -> ResponseReturnValue:
        """One."""
        return self._page(stored(self.kind, id))

    def change(self, id: int) -> ResponseReturnValue:
        """Change it, but for its name."""
        kind, row, form = self.kind, stored(self.kind, id), FORMS[self.kind.path](request.form)
        form.name.data = getattr(row, kind.natural)
        if not form.holds():
            return self._page(row, form=form, status=422)

        def effect(session: Session) -> tuple[str, Flash]:
            seen = request.form.get("seen", "")
            changed = storing.change(session, viewer(), kind, id, form.values(kind), seen, form.secret())
            return f"{kind.path}/{id}", _("Saved.") if changed else _("Nothing has changed.")

        return form_posts.apply_once(
            effect,
            on_refusal=lambda reason: self._page(stored(kind, id), form=form, wrong=reason, status=422),
        )

    def remove(self, id: int) -> ResponseReturnValue:
        """Delete it, if nothing uses it."""
        kind = self.kind
        stored(kind, id)
        return form_posts.apply_once(
            lambda session: (kind.path, storing.remove(session, viewer(), kind, id)), back=f"{kind.path}/{id}"
        )

    def _page(self, row: Any, **more: Any) -> ResponseReturnValue:
        return page(self.kind, row, self.beside(db.session, row), **more)
