"""The run dialog as it was filled in, with all that it says about that."""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from flask import abort, request
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from webapp import cluster_paths, notation
from webapp.definitions import queries as definitions_queries
from webapp.definitions.differences import since_last_run
from webapp.definitions.versions import content_of
from webapp.extensions import runtime
from webapp.lifecycle.approval_limits import Volume, limits, why_needed
from webapp.mailing.addresses import doubt_about
from webapp.new_run import cluster_tree, preview_lists
from webapp.new_run.cluster_tree import ClusterGraph, Path, Twig
from webapp.new_run.forms import NewRunForm, Shortcut, as_filled_in, last_month, shortcuts
from webapp.new_run.labels import one_of
from webapp.new_run.preview import Preview, preview
from webapp.new_run.preview_amounts import RoundedAmounts, rounded_amounts
from webapp.new_run.preview_languages import OtherLanguage, other_languages
from webapp.new_run.preview_lists import Beside
from webapp.new_run.preview_trial import Unmade, unmade
from webapp.selection.invoices import Selection
from webapp.store.definitions import Content, MessageDefinition
from webapp.store.types import now
from webapp.translation import _, ngettext
from webapp.web.access_control import viewer
from webapp.web.query_args import id_in

FIELDS = (
    "definition",
    "cluster",
    "include_children",
    "period_from",
    "period_to",
    "bcc",
    "name",
    "resend",
    "chosen",
    "start_at",
    "send_until",
)


@dataclass(frozen=True)
class Dialog:
    """The form as it was filled in (`given`). `content` is the definition as it is now; selection, preview
    and what is shown beside it are there only if the form is valid; `refused` says why no run was created
    all the same; `changed` tells what is different in the definition since its last run; `approval` why
    a second person has to approve the run."""

    form: NewRunForm
    given: MultiDict[str, str]
    content: Content | None = None
    selection: Selection | None = None
    preview: Preview | None = None
    beside: Beside | None = None
    other_languages: Sequence[OtherLanguage] = ()
    rounded: RoundedAmounts | None = None
    unmade: Sequence[Unmade] = ()
    approval: str = ""
    refused: str = ""
    status: int = 200
    changed: list[str] = field(default_factory=list)

    @property
    def query(self) -> str:
        """The fields as query arguments."""
        pairs = [(name, value) for name in FIELDS for value in self.given.getlist(name) if value]
        return urlencode(pairs)

    @property
    def query_for_all(self) -> str:
        """The same without the narrowing to selected invoices."""
        pairs = [(name, value) for name in FIELDS for value in self.given.getlist(name) if value]
        return urlencode([pair for pair in pairs if pair[0] != "chosen"])

    @property
    def answer_key(self) -> str:
        """Another text each time: what has it as its id is new on the page, and loads again."""
        return secrets.token_hex(4)

    @property
    def bcc(self) -> list[str]:
        """Who gets a copy: those named here, else the definition's own."""
        return self.form.addresses or (self.content["bcc"] if self.content else [])

    @property
    def bcc_doubts(self) -> list[str]:
        """Which of these addresses are likely to be mistyped, and why."""
        return [words for address in self.bcc if (words := doubt_about(address))]

    @property
    def copies(self) -> int:
        return self.preview.mails * len(self.bcc) if self.preview else 0

    @property
    def minutes(self) -> int:
        """How long sending takes at the mail server's limit; 0 if it has none."""
        if self.preview is None or self.beside is None or not self.beside.rate:
            return 0
        return math.ceil(self.preview.mails / self.beside.rate)

    @property
    def time_needed(self) -> str:
        """The same in words: 6 minutes, 3 hours."""
        if self.minutes < 120:
            return ngettext("%(num)s minute", "%(num)s minutes", self.minutes)
        return ngettext("%(num)s hour", "%(num)s hours", self.minutes // 60)

    @property
    def last_at(self) -> datetime:
        """When the last mail would go out if the run were started now, and nothing held it up."""
        return now() + timedelta(minutes=self.minutes)

    @property
    def shortcuts(self) -> list[Shortcut]:
        return shortcuts(notation.local(now()).date())


@dataclass(frozen=True)
class Clusters:
    """What the dialog shows of the clusters: the open part of the tree, or the matches of what was typed."""

    twigs: list[Twig]
    searched: str = ""
    more: int = 0


def with_defaults(session: Session, given: MultiDict[str, str]) -> MultiDict[str, str]:
    """What an address names, with the first definition and the last full month where it names none. An empty
    address stays empty."""
    if not given:
        return given
    first, last = last_month(notation.local(now()).date())
    defaults = {"period_from": first.isoformat(), "period_to": last.isoformat()}
    if definitions := definitions_queries.definitions(session):
        defaults["definition"] = str(definitions[0][0])
    filled = MultiDict(given)
    for name, value in defaults.items():
        filled.setdefault(name, value)
    return filled


def fill_in(session: Session, given: MultiDict[str, str], *, count: bool = True) -> Dialog:
    """Check what was filled in and, if all of it is valid, look up what a run would include (with `count`).
    Without anything given it is the empty dialog."""
    if not given:
        form = _form(session, None)
        return Dialog(form, given, content=_content(session, form))
    given = as_filled_in(given)
    form = _form(session, given)
    valid = form.validate()  # type: ignore[no-untyped-call]
    content = _content(session, form)
    if form.cluster.errors:
        return Dialog(form, given, content, status=422)
    cluster_id = cluster_paths.cluster_id(session, viewer(), form.cluster.data.strip())
    if cluster_id is None:
        # Users bound to clusters are not told whether it exists but is invisible, or does not exist.
        form.cluster.errors = (_unknown_cluster(session, form.cluster.data.strip()),)
        return Dialog(form, given, content, status=404 if viewer().clusters else 422)
    if not valid or content is None:
        return Dialog(form, given, content, status=422)
    selection = form.selection(cluster_id)
    if not count:
        return Dialog(form, given, content, selection)
    counted = preview(session, selection, viewer())
    beside = preview_lists.beside(session, viewer(), selection, content, counted.ready)
    changed = since_last_run(session, selection.definition_id, content)
    dialog = Dialog(form, given, content, selection, counted, beside, changed=changed)
    if not counted.ready:
        return dialog
    others = other_languages(session, viewer(), selection, content)
    rounded = rounded_amounts(session, viewer(), selection, content, counted.amounts)
    failing = unmade(session, viewer(), selection, content, runtime().renderer)
    limit = limits(session, selection.definition_id)
    why = why_needed(limit, Volume(counted.mails, {each: abs(sum) for each, sum in counted.amounts.items()}))
    return replace(dialog, other_languages=others, rounded=rounded, unmade=failing, approval=why)


def in_address(session: Session) -> Dialog:
    """The dialog that the address names, without counting anything. Ends the request with 404 for a cluster
    that this person may not see."""
    dialog = fill_in(session, request.args, count=False)
    return abort(404) if dialog.status == 404 else dialog


def _unknown_cluster(session: Session, given: str) -> str:
    like = [tag for tag in cluster_paths.cluster_tags(session, viewer()) if given.lower() in tag.lower()][:3]
    said = _("There is no customer cluster “%(name)s”.", name=given)
    if not like:
        return said
    hint = _("Did you mean %(names)s?", names=one_of([f"“{tag}”" for tag in like]))
    return f"{said} {hint}"


def _form(session: Session, given: MultiDict[str, str] | None) -> NewRunForm:
    first, last = last_month(notation.local(now()).date())
    form = NewRunForm(
        given,
        period_from=first,
        period_to=last,
        include_children=True,
        bcc_domains=runtime().settings.bcc_domains,
    )
    form.definition.choices = definitions_queries.definitions(session)
    return form


def _content(session: Session, form: NewRunForm) -> Content | None:
    """The definition chosen, or the first one while none is."""
    ids = [id for id, name in form.definition.choices or ()]
    chosen = form.definition.data
    if chosen is None and ids:
        chosen = ids[0]
    return content_of(session, session.get_one(MessageDefinition, chosen)) if chosen in ids else None


def period_in(given: MultiDict[str, str]) -> tuple[date, date]:
    """The period that the fields name; while they name none, the last full month."""
    try:
        return date.fromisoformat(given["period_from"]), date.fromisoformat(given["period_to"])
    except (KeyError, ValueError):
        return last_month(notation.local(now()).date())


def clusters_shown(seen: ClusterGraph, typed: str, given: MultiDict[str, str]) -> Clusters:
    """The tree with the way to the cluster typed; the matches while what was typed is no cluster's name."""
    chosen = next((id for id, name in seen.names.items() if name == typed), None)
    deep = chosen is not None and len(seen.path_to(chosen)) > cluster_tree.LEVELS_MAX
    if typed and (chosen is None or deep):
        return Clusters(cluster_tree.matches(seen, typed), searched=typed)
    kept = "open" in given
    opened = opened_in(seen, given.getlist("open")) if kept else cluster_tree.opened_at_first(seen)
    opened ^= opened_in(seen, given.getlist("toggle"))
    twigs = cluster_tree.tree(seen, opened, chosen)
    return Clusters(twigs, more=len(seen.roots) - len(twigs))


OPEN_PATHS_MAX = 100


def opened_in(seen: ClusterGraph, texts: Iterable[str]) -> set[Path]:
    """Those of the texts ("1-5-7") that name a path down through the visible clusters."""
    found = set()
    for text in list(texts)[:OPEN_PATHS_MAX]:
        steps = text.split("-")
        path = tuple(id for id in map(id_in, steps) if id is not None)
        if len(path) == len(steps) and seen.has(path):
            found.add(path)
    return found
