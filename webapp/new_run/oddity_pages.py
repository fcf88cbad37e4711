"""What differs in a run to come from what was usual: under the preview, loaded once that is shown."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from webapp.access import looked_up
from webapp.new_run.dialog import Dialog, in_address
from webapp.new_run.preview_lists import MAILED_BEFORE, READY
from webapp.oddities.finding import find
from webapp.oddities.kinds import OddityKind
from webapp.oddities.mails import Mails, planned
from webapp.oddities.pages import list_page, request_of, section
from webapp.store.db import db
from webapp.translation import _
from webapp.web.access_control import viewer
from webapp.web.view_flags import while_typing

run_oddities = Blueprint("run_oddities", __name__)
PATH = "/runs/preview"


@run_oddities.get("/runs/preview/oddities")
@while_typing
def show() -> ResponseReturnValue:
    """The oddities of what the address names. One with invalid fields leads to the dialog, which says what
    is wrong."""
    dialog = in_address(db.session)
    mails = _mails(dialog)
    if mails is None:
        return _to_dialog(dialog)
    lists = f"{PATH}/list?{dialog.query}&show="
    elsewhere = {
        OddityKind.NUMBER: f"{lists}{READY}",
        OddityKind.AMOUNT: f"{lists}{READY}",
        OddityKind.MAILED_BEFORE: f"{lists}{MAILED_BEFORE}",
    }
    found = find(db.session, mails)
    return section(found, PATH, f"?{dialog.query}", elsewhere, above=[_above(dialog)])


@run_oddities.get("/runs/preview/oddities/<kind>")
def show_list(kind: str) -> ResponseReturnValue:
    """The invoices that are odd in one way."""
    dialog = in_address(db.session)
    mails = _mails(dialog)
    if mails is None:
        return _to_dialog(dialog)
    asked = request_of(f"{PATH}/oddities/{kind}", dict(parse_qsl(dialog.query)))
    return list_page(mails, kind, asked, above=[_above(dialog)])


def _mails(dialog: Dialog) -> Mails | None:
    if dialog.selection is None or dialog.content is None:
        return None
    person = looked_up(db.session, viewer())
    return planned(db.session, person, dialog.selection, dialog.content)


def _to_dialog(dialog: Dialog) -> Response:
    return redirect(f"/runs/new?{dialog.query}")


def _above(dialog: Dialog) -> tuple[str, str]:
    return f"/runs/new?{dialog.query}", _("New run")
