"""The list "To fix", and the forms in its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from flask import (
    Blueprint,
    Flask,
    flash,
    get_flashed_messages,
    make_response,
    render_template,
    request,
)
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp import audit, cluster_paths
from webapp.access import visible_to
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.fixing import export, files, forms, saving, undoing, words, worklist
from webapp.fixing.fix_row import FixKind
from webapp.fixing.forms import PATH, FixRequest, fix_request
from webapp.fixing.saving import ASKED_FIRST, FilledRow, Fixed
from webapp.lifecycle import runs
from webapp.results import queries, to_fix
from webapp.store.db import db
from webapp.store.runs import Result
from webapp.store.types import now
from webapp.web import confirmations, form_posts, htmx, layout
from webapp.web.access_control import refuse_unless, viewer
from webapp.web.downloads import Rows, table_file
from webapp.web.query_args import address
from webapp.web.view_flags import takes_documents

fixing = Blueprint("fixing", __name__)

TOLD_MAX = 10
"""Rows whose outcome the next page shows in their places: a cookie carries it there."""
REPLACED_MAX = 3
"""Documents whose replacement can be undone from there: a cookie has no room for more."""


def init_app(app: Flask) -> None:
    """Register the page, and the number beside its door."""
    app.register_blueprint(fixing)
    layout.show_count(app, "To fix", to_fix.total)


@fixing.get(PATH)
def show() -> ResponseReturnValue:
    """The list."""
    return _page(fix_request(request.args))


def _page(asked: FixRequest, *, wrong: str = "", status: int = 200) -> ResponseReturnValue:
    """The list; after a refusal with what was typed, and why it was refused."""
    session, who = db.session, viewer()
    fixed = _flashed()
    typed = {name: text for name, text in request.form.items() if name.startswith(forms.VALUE)}
    page = render_template(
        "fixing/index.html",
        asked=asked,
        found=worklist.worklist(session, who, asked.scope, asked.cause, asked.after),
        clusters=cluster_paths.cluster_tags(session, who),
        offered=worklist.runs_offered(session, who),
        fixed=fixed,
        typed=typed if wrong else {},
        pressed=request.form.get("only", "").partition(":")[0] if wrong else "",
        wrong=wrong,
        words=words.WORDS,
    )
    return make_response(page, status)


def _flashed() -> list[dict[str, Any]]:
    """What was said of rows that were just saved."""
    flashed: list[Any] = get_flashed_messages()
    return [each for said in flashed if isinstance(said, dict) for each in said.get("fixed", [])]


@fixing.get(f"{PATH}.csv")
def download() -> ResponseReturnValue:
    """The rows under the filter of the address, one per line."""
    return _saved("csv")


@fixing.get(f"{PATH}.xlsx")
def save_workbook() -> ResponseReturnValue:
    """The same as a workbook."""
    return _saved("xlsx")


def _saved(kind: str) -> ResponseReturnValue:
    asked, who, database = fix_request(request.args), viewer(), runtime().database

    def table() -> Iterator[tuple[Rows, Sequence[str]]]:
        with database.reading() as session:
            yield export.open_rows(session, who, asked.scope, asked.cause), export.FIX_COLUMNS

    with db.writing() as session:
        audit.note(session, who.name, "download what is to fix", "to fix", address("", **asked.args))
    return table_file(kind, table, "mailrun-to-fix")


@fixing.post(PATH)
@takes_documents
def save() -> ResponseReturnValue:
    """Save a row, or all that are filled in. Asks once before mails go out that nothing else holds back."""
    asked, answer = fix_request(request.form), forms.answer()

    def refused(reason: str) -> ResponseReturnValue:
        if htmx.is_htmx():
            return form_posts.refuse(reason, asked.url())
        return _page(asked, wrong=reason, status=422)

    try:
        filled = forms.filled_in(db.session, viewer())
        for one in filled:
            saving.check(one)
    except Refused as refusal:
        return refused(str(refusal))
    if answer is None and any(one.asks for one in filled):
        return _question(asked, filled)
    try:
        filled = _with_stored_files(filled)
    except Refused as refusal:
        return refused(str(refusal))

    earlier = _flashed()

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        said = answer or saving.Answer()
        done = saving.save(session, runtime(), viewer(), filled, said)
        uploaded = [one for one in filled if one.upload is not None]
        waiting = sum(one.waiting for one in done)
        told: form_posts.Flash = {"words": "", "fixed": _told(done, earlier)}
        if len(uploaded) == len(done) == 1 and waiting:
            return address(f"{PATH}/send", customer=f"{done[0].row.cause}.{done[0].row.customer.id}"), told
        return asked.url(), told

    return form_posts.apply_once(effect, back=asked.url(), on_refusal=refused)


def _with_stored_files(filled: Sequence[FilledRow]) -> list[FilledRow]:
    """The rows with their files in the store, while no transaction is open. Raises Refused."""
    kinds = [files.kind_of_file(db.session, one) for one in filled]
    db.end_reading()
    pairs = zip(filled, kinds, strict=True)
    return [files.with_stored_file(runtime().documents, one, kind) for one, kind in pairs]


def _told(done: Sequence[Fixed], earlier: Sequence[dict[str, Any]]) -> list[dict[str, object]]:
    """What the next page shows of the rows that were saved. The mails of a document that was put in place
    just before, and asked about since, are held back by the same Undo."""
    before = {(each["cause"], each["id"]): each["undo"] for each in earlier if each["undo"]}
    told: list[dict[str, object]] = []
    replaced = 0
    for one in done[:TOLD_MAX]:
        row, undo = one.row, {**one.undo, "token": one.row.token} if one.undo else None
        if undo and "old" in undo and isinstance(undo["old"], list):
            replaced += 1
            undo = {**undo, "old": forms.sealed(undo["old"])} if replaced <= REPLACED_MAX else None
        if undo is None and (of_file := before.get((row.cause.value, row.customer.id))):
            undo = {**of_file, "ids": "-".join(filter(None, (of_file["ids"], one.freed)))}
        shown = {"cause": row.cause, "id": row.customer.id, "name": row.customer.name}
        told.append({**shown, "words": one.words, "undo": undo})
    return told


@fixing.get(f"{PATH}/send")
def send() -> ResponseReturnValue:
    """The question whether mails go out now whose document a person has just added."""
    refuse_unless(viewer().may_change)
    cause, customer = (*request.args.get("customer", "").split(".", 1), "")[:2]
    rows = forms.rows_named([f"{cause}.{customer}.0.0"] if customer else [])
    filled = [FilledRow(row) for row in rows if row.kind == FixKind.AGAIN]
    if not any(one.sends for one in filled):
        return _page(fix_request(MultiDict()))
    if fixed := _flashed():
        flash(cast(str, {"words": "", "fixed": fixed}))  # the next page shows it, whatever the answer
    return _question(fix_request(MultiDict()), filled)


@fixing.post(f"{PATH}/undo")
def undo() -> ResponseReturnValue:
    """Take back what was just saved, and hold back the mails that have not gone out."""
    form = request.form
    asked = fix_request(form)

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        return asked.url(), undoing.undo(session, viewer(), undoing.taken_back(form, forms.opened))

    return form_posts.apply_once(effect, back=asked.url())


def _question(asked: FixRequest, filled: Sequence[FilledRow]) -> ResponseReturnValue:
    """Ask, with numbers: how many are saved, how many mails go out, how many may come twice."""
    sending = [result for one in filled for result in one.sends]
    twice, as_of = _may_come_twice(filled)
    return confirmations.ask(
        "fixing/confirm.html",
        asked=asked,
        filled=filled,
        saved=sum(1 for one in filled if one.changes_data),
        going=len({result.id for result in sending}),
        runs=list(dict.fromkeys((result.run_id, result.run_name) for result in sending)),
        finished=[result.run_name for result in sending if result.run_status == "finished"],
        twice=twice,
        as_of=as_of,
        back=asked.url(),
        button=words.button,
    )


def _may_come_twice(filled: Sequence[FilledRow]) -> tuple[dict[int, int], datetime | None]:
    """For what customers may have already: by run, how many of them; and when that was last so."""
    ids: dict[int, list[int]] = {}
    for one in filled:
        if one.row.cause in ASKED_FIRST:
            for result in one.sends:
                ids.setdefault(result.run_id, []).append(result.id)
    twice, moments = {}, []
    for run_id, result_ids in ids.items():
        run = runs.run(db.session, viewer(), run_id)
        if run is not None:
            ours = [Result.run_id == run_id, Result.id.in_(result_ids), visible_to(viewer(), Result)]
            twice[run_id], moment = queries.asked_about(db.session, viewer(), run, ours)
            moments.append(moment or now())
    return twice, max(moments, default=None)
