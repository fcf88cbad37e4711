"""The run dialog: what to send, to whom, for which invoices, and the outcome."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Flask, Response, abort, make_response, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from webapp import notation
from webapp.extensions import runtime
from webapp.lifecycle.sending_window import time_words
from webapp.new_run import cluster_tree, creation, hints, labels, preview_lists
from webapp.new_run.dialog import Dialog, clusters_shown, fill_in, opened_in, period_in, with_defaults
from webapp.new_run.mail_pages import mail_preview
from webapp.new_run.missing import missing
from webapp.new_run.oddity_pages import run_oddities
from webapp.new_run.preview_pages import run_preview
from webapp.store.db import db
from webapp.store.types import now
from webapp.translation import N_, _, all_of
from webapp.web import form_posts, htmx
from webapp.web.access_control import refuse_unless, viewer

NOTHING_TO_SEND = N_(
    "Nothing would be sent: every invoice is skipped, or none matches. Fix what is listed beside, or press "
    "Create to keep the list."
)

run_dialog = Blueprint("run_dialog", __name__)


def init_app(app: Flask) -> None:
    """Register every page of this room, and give the templates its words."""
    app.jinja_env.globals.update(
        run_hints=hints,
        confirm_question=labels.confirm_question,
        default_note=labels.default_note,
        note_heading=labels.note_heading,
        skip_hint=labels.skip_hint,
        all_of=all_of,
    )
    for blueprint in (run_dialog, run_preview, mail_preview, run_oddities):
        app.register_blueprint(blueprint)


@run_dialog.get("/runs/new")
def new() -> ResponseReturnValue:
    """The dialog, over the page that is on screen or as a page of its own. What the address names is already
    filled in."""
    refuse_unless(viewer().may_change)
    dialog = fill_in(db.session, with_defaults(db.session, request.args))
    for field in dialog.form:
        field.errors = ()
    shown = _shown(dialog, fresh=True)
    return render_template("new_run/_dialog.html" if htmx.in_dialog() else "new_run/page.html", **shown)


@run_dialog.get("/runs/preview")
def show_preview() -> ResponseReturnValue:
    """The numbers, while the form is being filled in, and the words beside the fields that depend on them."""
    dialog = fill_in(db.session, request.args)
    answer = make_response(render_template("new_run/_preview_response.html", dialog=dialog, form=dialog.form))
    return _kept(answer, dialog)


@run_dialog.post("/runs/preview")
def show_form() -> ResponseReturnValue:
    """The form again, with the numbers and with errors at the fields: after a shortcut, and for browsers
    without script after every change."""
    return _form(fill_in(db.session, request.form))


@run_dialog.get("/runs/clusters")
def clusters() -> ResponseReturnValue:
    """The clusters to choose from: what is open of the tree, or what matches the text typed. With `toggle`
    only the branch of that path, `to` be open or closed."""
    seen = cluster_tree.graph(db.session, viewer(), *period_in(request.args))
    chosen = request.args.get("cluster", "").strip()
    if not (toggled := request.args.get("toggle")):
        shown = clusters_shown(seen, chosen, request.args)
        return render_template("new_run/_cluster_tree.html", clusters=shown, chosen=chosen)
    paths = opened_in(seen, [toggled])
    if not paths:
        abort(404)
    [path] = paths
    opened = {path} if request.args.get("to") == "open" else set()
    twig = cluster_tree.twig(seen, path, opened)
    return render_template("new_run/_cluster_tree.html", twig=twig, chosen=chosen)


@run_dialog.post("/runs")
def create() -> ResponseReturnValue:
    """Create the run, and start it if so asked.

    The set must be the one that the preview showed, and a start above the limit must have been confirmed; if
    not, the numbers are shown and confirmation is asked for again. Nothing is created before."""
    start = bool(request.form.get("start"))
    dialog = fill_in(db.session, request.form)
    if dialog.selection is None or dialog.preview is None:
        return _form(dialog)
    if dialog.form.start_at.data and not start:
        dialog.form.start_at.errors = (_("Press Create and start to have it start then, or clear this."),)
        return _form(replace(dialog, status=422))
    if start and not dialog.preview.mails:
        return _form(replace(dialog, refused=_(NOTHING_TO_SEND), status=422))
    if why := _must_ask(dialog, start):
        limit = runtime().settings.confirm_above
        asked = {"dialog": dialog, "form": dialog.form, "start": start, "why": why, "confirm_above": limit}
        if htmx.is_htmx():
            return htmx.ask(render_template("new_run/_confirm_dialog.html", **asked))
        return render_template("new_run/confirm.html", **asked)
    return _create(dialog, start)


def _shown(dialog: Dialog, *, fresh: bool = False) -> dict[str, object]:
    """What the form's template needs. `fresh`: nothing has been pressed in it yet."""
    seen = cluster_tree.graph(db.session, viewer(), *period_in(dialog.given))
    chosen = (dialog.form.cluster.data or "").strip()
    return {
        "dialog": dialog,
        "form": dialog.form,
        "clusters": clusters_shown(seen, chosen, dialog.given),
        "chosen": chosen,
        "fresh": fresh,
        "time_zone": notation.zone_words(notation.local(now())),
        "missing": missing(db.session, viewer(), has_definition=bool(dialog.form.definition.choices)),
        "narrowed": preview_lists.numbers(db.session, viewer(), dialog.form.invoice_ids),
    }


def _form(dialog: Dialog) -> ResponseReturnValue:
    template = "new_run/_form.html" if htmx.is_htmx() else "new_run/page.html"
    return _kept(make_response(render_template(template, **_shown(dialog)), dialog.status), dialog)


def _kept(answer: Response, dialog: Dialog) -> Response:
    """Have the browser keep what is filled in as the address, for a person who looks at a list and comes
    back."""
    answer.headers["HX-Replace-Url"] = f"/runs/new?{dialog.query}"
    return answer


def _must_ask(dialog: Dialog, start: bool) -> str:
    """Why confirmation is asked for again; empty if there is no need.

    Create without a preview is fine: nothing goes out, and the run's page shows the numbers."""
    preview = dialog.preview or abort(422)
    previewed = request.form.get("fingerprint", "")
    if previewed and previewed != preview.fingerprint:
        return "changed"
    if not start or request.form.get("confirmed") == preview.fingerprint:
        return ""
    if not previewed:
        return "unseen"
    return "many" if preview.mails > runtime().settings.confirm_above else ""


def _create(dialog: Dialog, start: bool) -> ResponseReturnValue:
    selection, preview = dialog.selection or abort(422), dialog.preview or abort(422)
    wanted = creation.RunRequest(
        selection,
        name=dialog.form.name.data or "",
        bcc=dialog.form.addresses,
        preview_fingerprint=preview.fingerprint,
        start=start,
        start_at=dialog.form.start_at.data,
        send_until=dialog.form.send_until.data,
        copy_domains=runtime().settings.bcc_domains,
    )

    def effect(session: Session) -> tuple[str, form_posts.Flash]:
        run = creation.create(session, runtime().queue, wanted, viewer())
        if run.start_at is not None:
            return f"/runs/{run.id}", _("Created. It starts at %(time)s.", time=time_words(run.start_at))
        if start:
            return f"/runs/{run.id}", _("Created. It starts as soon as its list is complete.")
        return f"/runs/{run.id}", _("Created. Nothing has been sent yet.")

    def refused(reason: str) -> ResponseReturnValue:
        return _form(replace(dialog, refused=reason, status=422))

    return form_posts.apply_once(effect, on_refusal=refused)
