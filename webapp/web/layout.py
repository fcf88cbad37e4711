"""What the frame around every page shows: the links of the top bar, the banners, who is logged in."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Flask, current_app, g
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.access import Viewer
from webapp.extensions import Runtime, runtime
from webapp.queue import DOES_NOT_ANSWER
from webapp.store.db import db
from webapp.store.installation import held
from webapp.store.mailservers import MailServer
from webapp.store.statuses import TroubleKind
from webapp.stored_texts import retold
from webapp.translation import N_, _
from webapp.web import form_keys, sessions
from webapp.workers import count_alive


@dataclass(frozen=True)
class Link:
    name: str
    href: str
    blueprint: str


@dataclass(frozen=True)
class Door(Link):
    """A link of the top bar, with the second row that its list pages have."""

    rows: tuple[Link, ...] = ()

    def leads_to(self, here: str) -> bool:
        """Whether a page that calls itself so is behind this door."""
        return here == self.name or any(here == row.name for row in self.rows)


@dataclass(frozen=True)
class Banner:
    """`href` is where an administrator can do something about it, in the words of `link`."""

    kind: str
    title: str
    words: str
    href: str = ""
    link: str = ""


RUNS = (Link(N_("Runs"), "/runs", "run_list"), Link(N_("Plans"), "/plans", "plans"))
INVOICES = (Link(N_("Invoices"), "/invoices", "invoices"), Link(N_("Imports"), "/imports", "intake"))
CUSTOMERS = (Link(N_("Customers"), "/customers", "customers"), Link(N_("Clusters"), "/clusters", "clusters"))
DEFINITIONS = (
    Link(N_("Definitions"), "/definitions", "definitions"),
    Link(N_("Templates"), "/templates", "template_pages"),
)
TO_FIX = (Link(N_("To fix"), "/fix", "fixing"), Link(N_("Bounces"), "/bounces", "bounces"))
DOORS = (
    Door(N_("Overview"), "/", "run_list"),
    Door(N_("Runs"), "/runs", "run_list", RUNS),
    Door(N_("Invoices"), "/invoices", "invoices", INVOICES),
    Door(N_("Customers"), "/customers", "customers", CUSTOMERS),
    Door(N_("Definitions"), "/definitions", "definitions", DEFINITIONS),
    Door(N_("To fix"), "/fix", "fixing", TO_FIX),
    Door(N_("Settings"), "/settings", "settings"),
    Door(N_("Mailbox"), "/dev/mailbox", "catcher"),
)
"""In the order of the top bar; a door, or a link of its second row, is shown only if its pages exist."""
COUNTS = "mailrun counts of doors"

STATUS_SECONDS = 2.0


def init_app(app: Flask) -> None:
    """Give the templates what the frame needs."""
    asked = CachedStatus(lambda: load_status(db.session, runtime()))
    app.add_template_global(form_keys.new, "new_form_key")

    @app.context_processor
    def frame() -> dict[str, object]:
        viewer = g.get("viewer")
        user = sessions.current() if viewer else None
        return {
            "viewer": viewer,
            "viewer_name": user.name if user else "",
            "language": notation.current().language,
            "has_shortcuts": user.has_shortcuts if user else True,
            "doors": [door for door in DOORS if _is_shown(door.blueprint)],
            "door_counts": door_counts(viewer) if viewer else {},
            "second_row": second_row,
            "has_search": "search" in current_app.blueprints,
            "banners": banners(runtime(), asked.answer) if viewer else [],
            "sending": sending(runtime(), asked.answer) if viewer else None,
        }


def show_only_while(app: Flask, blueprint: str, is_open: Callable[[], bool]) -> None:
    """Show the link to these pages only while they are open."""
    app.extensions.setdefault("open pages", {})[blueprint] = is_open


def _is_shown(blueprint: str) -> bool:
    is_open = current_app.extensions.get("open pages", {}).get(blueprint)
    return blueprint in current_app.blueprints and (is_open is None or is_open())


DoorCount = Callable[[Session, Viewer], int]
"""How much waits behind a door for this person."""


def show_count(app: Flask, door: str, count: DoorCount) -> None:
    """Have the top bar show this number beside the door of this name, where it is not zero."""
    app.extensions.setdefault(COUNTS, {})[door] = count


def door_counts(viewer: Viewer) -> dict[str, int]:
    """The numbers beside the doors, by their names."""
    counts: dict[str, DoorCount] = current_app.extensions.get(COUNTS, {})
    return {name: count(db.session, viewer) for name, count in counts.items()}


def second_row(here: str) -> list[Link]:
    """The second row of links on a list page that calls itself so; empty if it would have one link."""
    rows = next((door.rows for door in DOORS if door.leads_to(here)), ())
    shown = [link for link in rows if _is_shown(link.blueprint)]
    return shown if len(shown) > 1 else []


@dataclass(frozen=True)
class ToCorrect:
    """A mail server that waits for a person, why, and what they must correct. It is put into words for each
    reader: readers share a status."""

    host: str
    trouble: str
    what: str
    name: str

    def __str__(self) -> str:
        what = _(self.what)
        to_do = _("A person must correct the %(what)s of mail server “%(name)s”.", what=what, name=self.name)
        return f"{self.host}: {retold(self.trouble)}. {to_do}"


@dataclass(frozen=True)
class SystemStatus:
    """What pages report: why Redis takes no jobs, servers that need a person, workers, what holds all."""

    redis_trouble: str
    servers: list[str]
    needs_a_person: list[ToCorrect]
    waited_for: str
    workers: int
    held: str


class CachedStatus:
    """The latest status, at most two seconds old: pages stay fast."""

    def __init__(self, ask: Callable[[], SystemStatus]) -> None:
        self._ask = ask
        self._at = float("-inf")
        self._answer: SystemStatus | None = None

    @property
    def answer(self) -> SystemStatus:
        if self._answer is None or time.monotonic() - self._at > STATUS_SECONDS:
            self._answer = self._ask()
            self._at = time.monotonic()
        return self._answer


def load_status(session: Session, parts: Runtime) -> SystemStatus:
    """Ask Redis and the database."""
    servers = session.scalars(select(MailServer).order_by(MailServer.name)).all()
    return SystemStatus(
        redis_trouble=parts.queue.trouble() if parts.settings.redis_url else "",
        servers=[server.host for server in servers],
        needs_a_person=[_to_correct(server) for server in servers if _needs_a_person(server)],
        waited_for=next((server.host for server in servers if server.trouble is not None), ""),
        workers=count_alive(session),
        held=held(session) or "",
    )


def _needs_a_person(server: MailServer) -> bool:
    return server.trouble is not None and server.trouble_kind in (TroubleKind.LOGIN, TroubleKind.SETUP)


def _to_correct(server: MailServer) -> ToCorrect:
    if server.trouble_kind == TroubleKind.LOGIN and server.oauth_account_id is not None:
        return ToCorrect(server.host, server.trouble or "", N_("OAuth 2 connection"), server.name)
    what = N_("user name or password") if server.trouble_kind == TroubleKind.LOGIN else N_("settings")
    return ToCorrect(server.host, server.trouble or "", what, server.name)


@dataclass(frozen=True)
class Sending:
    """What the top bar says of sending: whether mails reach customers, over which servers, by how many
    workers."""

    look: str
    word: str
    over: str
    workers: int


def sending(parts: Runtime, outside: SystemStatus) -> Sending:
    """What the top bar says of sending."""
    over = _servers_in_words(outside.servers)
    if outside.held:
        return Sending("failed", _("Held"), over, outside.workers)
    if parts.settings.redirect_to:
        return Sending("stopped", _("Safe mode"), over, outside.workers)
    if outside.waited_for:
        return Sending("deferred", _("Waiting"), outside.waited_for, outside.workers)
    return Sending("sent", _("Live"), over, outside.workers)


def _servers_in_words(servers: list[str]) -> str:
    if not servers:
        return _("no mail server")
    return servers[0] if len(servers) == 1 else _("%(count)s mail servers", count=len(servers))


def banners(parts: Runtime, outside: SystemStatus) -> list[Banner]:
    """What every page says before anything else."""
    said = []
    if outside.held:
        words = outside.held[0].upper() + outside.held[1:] + "."
        said.append(Banner("is-failed", _("Nothing is sent."), words, "/takeover", _("What this means")))
    if parts.settings.redirect_to:
        words = _("Every mail goes to %(redirect_to)s only.", redirect_to=parts.settings.redirect_to)
        said.append(Banner("is-deferred", _("Safe mode."), words))
    if not parts.settings.redis_url:
        said.append(Banner("is-ready", _("No Redis:"), _("the workers drain without it, by themselves.")))
    elif outside.redis_trouble:
        goes_on = _("The workers look for work by themselves; sending goes on.")
        is_away = outside.redis_trouble == DOES_NOT_ANSWER
        title = _("Redis is away.") if is_away else _("Redis takes no jobs:")
        said.append(
            Banner("is-deferred", title, goes_on if is_away else f"{outside.redis_trouble}. {goes_on}")
        )
    for server in outside.needs_a_person:
        said.append(Banner("is-failed", _("Mails wait for a correction."), str(server)))
    return said
