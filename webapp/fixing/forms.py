"""What addresses and forms of the list say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import abort, current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp import cluster_paths
from webapp.access import Viewer
from webapp.errors import Refused
from webapp.fixing.fix_row import FixKind, FixRow
from webapp.fixing.open_results import Scope
from webapp.fixing.rows import rows_of
from webapp.fixing.saving import MARK_SENT, REPLACE, Answer, FilledRow
from webapp.invoices.uploads import Upload
from webapp.lifecycle import runs
from webapp.results.to_fix import OF_RESULTS, OpenCause
from webapp.store.db import db
from webapp.store.types import instant
from webapp.translation import _
from webapp.web.access_control import viewer
from webapp.web.lists import SEARCH_MAX
from webapp.web.query_args import address, id_in

PATH = "/fix"
FILLED_MAX = 200
"""A page has 50 rows of a cause."""
TICK = "tick"
VALUE, PASSWORD, FILE, SEEN, TWICE = "value-", "password-", "file-", "seen-", "twice-"
"""How the names of fields begin; a row's token, or a run's id, follows. A password is told by its name: it is
never handed back (web/held_forms.py)."""


@dataclass(frozen=True)
class FixRequest:
    """What the list is narrowed to, as the address says it."""

    cause: OpenCause | None
    cluster: str
    run: str
    search: str
    after: int
    scope: Scope

    def url(self, **changed: str) -> str:
        """The address of the list with these arguments instead."""
        return address(PATH, **{**self.args, **changed})

    @property
    def args(self) -> dict[str, str]:
        """What narrows the list, as addresses and forms carry it."""
        cause = self.cause.value if self.cause else ""
        given = {"cause": cause, "cluster": self.cluster, "run": self.run, "q": self.search}
        return {name: value for name, value in given.items() if value}


def fix_request(args: MultiDict[str, str]) -> FixRequest:
    """Read it. Ends the request with 404 for a cause, a cluster or a run that this person does not have."""
    cause, cluster, run = args.get("cause", ""), args.get("cluster", "").strip(), args.get("run", "")
    cluster_id = cluster_paths.cluster_id(db.session, viewer(), cluster) if cluster else None
    run_id = id_in(run) if run else None
    if (cluster and cluster_id is None) or (run and run_id is None):
        abort(404)
    if run_id is not None and runs.run(db.session, viewer(), run_id) is None:
        abort(404)
    if cause and cause not in set(OpenCause):
        abort(404)
    after = id_in(args.get("after", "")) or 0
    search = args.get("q", "").strip()[:SEARCH_MAX]
    scope = Scope(run_id, cluster_id, search)
    return FixRequest(OpenCause(cause) if cause else None, cluster, run, search, after, scope)


def filled_in(session: Session, who: Viewer) -> list[FilledRow]:
    """The rows that the form is about: the one whose button was pressed, else those that are filled in.

    Raises Refused if there is none, or if a row is no longer there."""
    form = request.form
    pressed, action = (*form.get("only", "").split(":", 1), "")[:2]
    tokens = [pressed] if pressed else _tokens()
    if len(tokens) > FILLED_MAX:
        abort(400, _("Save at most %(number)s rows at once.", number=FILLED_MAX))
    found = _rows(session, who, tokens)
    if len(found) < len(tokens):
        raise Refused(_("This was changed by another person while you had it open. Look at it again."))
    filled = [_filled(row, action) for row in found]
    if pressed:
        if filled[0].upload is None and (filled[0].row.kind == FixKind.FILE or action == REPLACE):
            raise Refused(_("No file was chosen. Choose one, and press again."))
        if filled[0].row.kind == FixKind.PASSWORD and not filled[0].value:
            raise Refused(_("The password is empty. Type it, and press Save again."))
        return filled
    ticked = set(form.getlist(TICK))
    kept = [one for one in filled if one.row.token in ticked or (one.changes_data and _is_filled(one))]
    if not kept:
        raise Refused(_("Nothing is filled in. Type an address or choose a file, then press Save."))
    return kept


def rows_named(tokens: Sequence[str]) -> list[FixRow]:
    """The rows of these names that are there."""
    return _rows(db.session, viewer(), tokens)


def _tokens() -> list[str]:
    """The rows in whose fields something is."""
    texts = [name for name in request.form if name.startswith((VALUE, PASSWORD))]
    files = [name.removeprefix(FILE) for name in request.files if name.startswith(FILE)]
    filled = [name.partition("-")[2] for name in texts if request.form[name].strip()]
    filled += [token for token in files if request.files[FILE + token].filename]
    filled += request.form.getlist(TICK)
    return list(dict.fromkeys(filled))


def _rows(session: Session, who: Viewer, tokens: Sequence[str]) -> list[FixRow]:
    found: dict[str, FixRow] = {}
    for cause, customer_ids in _by_cause(tokens).items():
        found.update({row.token: row for row in rows_of(session, who, cause, customer_ids)})
    return [found[token] for token in tokens if token in found]


def _by_cause(tokens: Sequence[str]) -> dict[OpenCause, list[int]]:
    """The customers that the names are about, by cause. Ends the request with 400 for what is no name."""
    found: dict[OpenCause, list[int]] = {}
    for token in tokens:
        cause, rest = (*token.split(".", 1), "")[:2]
        customer_id = id_in(rest.partition(".")[0])
        if cause not in set(OF_RESULTS) or customer_id is None:
            abort(400)
        found.setdefault(OpenCause(cause), []).append(customer_id)
    return found


def _filled(row: FixRow, action: str) -> FilledRow:
    begins = PASSWORD if row.kind == FixKind.PASSWORD else VALUE
    value = request.form.get(begins + row.token, "")
    sent = request.files.get(FILE + row.token)
    upload = Upload(sent.filename, sent.read()) if sent and sent.filename else None
    if row.kind != FixKind.PASSWORD:
        value = value.strip()
    kept = action if action == MARK_SENT and row.kind == FixKind.DECIDE else ""
    return FilledRow(row, value, upload, request.form.get(SEEN + row.token, ""), kept)


def _is_filled(one: FilledRow) -> bool:
    return one.upload is not None or bool(one.value)


UNDO_SECONDS = 86_400


def sealed(state: list[Any]) -> str:
    """What a document was, signed for this person: Undo must put back nothing else."""
    return str(_signer().dumps(state))


def opened(text: str) -> list[Any]:
    """The same, read again. Raises Refused if it was changed, is another person's, or a day old."""
    try:
        return list(_signer().loads(text, max_age=UNDO_SECONDS))
    except BadSignature:
        words = _("This cannot be undone any more. Replace the document on the invoice’s page.")
        raise Refused(words) from None


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt=f"undo by {viewer().name}")


def answer() -> Answer | None:
    """What the person said to the question; None if it was not asked yet."""
    form = request.form
    if not form.get("asked"):
        return None
    try:
        as_of = instant(form["as_of"]) if form.get("as_of") else None
    except ValueError:
        abort(400)
    twice = {
        run_id: id_in(form[name]) or 0
        for name in form
        if name.startswith(TWICE) and (run_id := id_in(name.removeprefix(TWICE))) is not None
    }
    return Answer(send=form.get("send") == "1", as_of=as_of, twice=twice)
