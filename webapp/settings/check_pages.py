"""Checks on the page of a setting: of what is typed in its form, saved or not. The answer comes into the
page by htmx; without JavaScript it is the page again, as it was filled in, and loading that again checks
nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from webapp.settings import storing
from webapp.settings.forms import SettingForm
from webapp.settings.kinds import SettingKind
from webapp.settings.setting_pages import FORMS, Context, page
from webapp.store.db import db
from webapp.stored_texts import retold
from webapp.translation import _, translated
from webapp.web import form_keys, htmx
from webapp.web.access_control import viewer
from webapp.web.form_posts import ALREADY_APPLIED

UNCHECKED: Mapping[str, Any] = {
    "checked": None,
    "checked_at": None,
    "problems": [],
    "type_again": False,
    "in_place": False,
}
"""What a page shows of a check before one was pressed for."""


@dataclass(frozen=True)
class PressedCheck:
    """A check that a person pressed for. `row`: None on the page of a new setting. `piece`: the template of
    the answer; `beside`: what the page shows beside its form."""

    kind: SettingKind
    row: Any
    form: SettingForm
    piece: str
    beside: Context

    @property
    def name(self) -> str:
        """What the audit trail names it by: a new setting may have no name yet."""
        return str(getattr(self.row, self.kind.natural) if self.row else self.form.name.data or "")

    def sent_before(self) -> ResponseReturnValue | None:
        """Where to lead on to if this very press was answered before: a browser sends it again when a person
        loads its answer again, and a second test mail would go out. None for htmx, which does not."""
        if htmx.is_htmx():
            return None
        typed = "\n".join(f"{name}={value}" for name, value in sorted(request.form.items(multi=True)))
        key = hashlib.sha256(f"check {viewer().name} {request.path}\n{typed}".encode()).hexdigest()
        with db.writing() as session:
            if form_keys.use(session, key):
                return None
        flash(_(ALREADY_APPLIED))
        return redirect(f"{self.kind.path}/{self.row.id if self.row else 'new'}", 303)

    @property
    def is_saved(self) -> bool:
        """Whether what was typed is what is stored."""
        row, secret = self.row, self.form.secret()
        if row is None or storing.values_of(self.kind, row) != self.form.values(self.kind):
            return False
        return secret is None or not (secret or row.password)

    def answer(self, more: Mapping[str, Any], *, status: int = 200) -> ResponseReturnValue:
        """What came of it: the piece of the page, or the page."""
        if htmx.is_htmx():
            piece = {**UNCHECKED, "row": self.row, **more, "in_place": True}
            return make_response(render_template(self.piece, **piece), status)
        shown = {**self.beside(db.session, self.row), **more}
        seen = request.form.get("seen", "")
        return page(self.kind, self.row, shown, form=self.form, seen=seen, status=status)


def pressed(kind: SettingKind, row: Any, piece: str, beside: Context) -> tuple[PressedCheck, list[str]]:
    """The check that was pressed for, and what is wrong with what was typed, field by field. A new setting
    can be checked before it has a name."""
    form = FORMS[kind.path](request.form)
    typed = form.name.data
    form.name.data = getattr(row, kind.natural) if row else typed or kind.one
    form.holds()
    if row is None:
        form.name.data = typed
    wrong = []
    for field in form:
        label, said = translated(field.label.text), " ".join(retold(str(each)) for each in field.errors)
        if said:
            wrong.append(said if said.startswith(label) else f"{label}: {said}")
    return PressedCheck(kind, row, form, piece, beside), wrong
