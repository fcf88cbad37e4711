"""What `mailrun doctor` looks at: each check gives one line, and says whether it is well."""

from __future__ import annotations

import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from webapp import migrations, sealing
from webapp.document_store.stores import DocumentMissing
from webapp.extensions import Runtime
from webapp.launch.check_result import CheckResult
from webapp.launch.mailbox_checks import mailbox_checks
from webapp.launch.notice_checks import notice_checks
from webapp.launch.oauth_checks import oauth_checks
from webapp.launch.plan_checks import plan_checks
from webapp.mailservers.reaching import address_of
from webapp.smtp.server_connection import Waits
from webapp.smtp.transport import Conversation
from webapp.store import installation
from webapp.store.invoices import TransformationResult
from webapp.store.mailservers import MailServer
from webapp.store.statuses import Security
from webapp.store.workers import Worker
from webapp.translation import _, ngettext

SMTP_SECONDS = 10.0
BEATS_TO_WAIT = 3
NEWEST = 20
"""Documents that are looked for in the store."""


def examine(runtime: Runtime) -> Iterator[CheckResult]:
    """Every check in turn. What needs the database is left out when it does not answer."""
    schema = list(_database(runtime))
    yield from schema
    yield _redis(runtime)
    yield _home(runtime)
    store = _store(runtime)
    yield store
    if all(finding.well for finding in schema):
        if store.well:
            yield _documents(runtime)
        yield _installation(runtime)
        yield _workers(runtime)
        yield from oauth_checks(runtime)
        yield from _mail_servers(runtime)
        yield from plan_checks(runtime)
        yield from mailbox_checks(runtime)
        yield from notice_checks(runtime)


def _database(runtime: Runtime) -> Iterator[CheckResult]:
    where = runtime.database.url.render_as_string(hide_password=True)
    try:
        has, needs = migrations.versions(runtime.database)
    except DBAPIError as problem:
        yield CheckResult(
            "database",
            False,
            _("%(where)s does not answer: %(orig)s", where=where, orig=_first_line(problem.orig)),
        )
        return
    yield CheckResult("database", True, f"{where} answers")
    if has == needs:
        yield CheckResult("schema", True, f"version {has}")
    else:
        yield CheckResult(
            "schema",
            False,
            _("version %(value)s, needed is %(needs)s; call: mailrun init", value=has or "none", needs=needs),
        )


def _redis(runtime: Runtime) -> CheckResult:
    if not runtime.settings.redis_url:
        return CheckResult("redis", True, _("none is set; the workers look for work by themselves"))
    where = runtime.settings.redis_url.rpartition("@")[2]
    if trouble := runtime.queue.trouble():
        words = _(
            "%(where)s: %(trouble)s; mails go out all the same, a little later", where=where, trouble=trouble
        )
        return CheckResult("redis", False, words)
    if is_open(runtime.settings.redis_url):
        words = _(
            "%(where)s takes jobs from anyone in the network: give it a password (redis://:password@host)",
            where=where,
        )
        return CheckResult("redis", True, words, warns=True)
    return CheckResult("redis", True, _("%(where)s takes jobs", where=where))


def is_open(url: str) -> bool:
    """Whether this Redis is of the network and asks for no password."""
    parts = urlsplit(url)
    return parts.scheme in ("redis", "rediss") and not parts.password and not _is_local(parts.hostname or "")


def _is_local(host: str) -> bool:
    """Whether only this machine reaches it there."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in ("", "localhost")


def _home(runtime: Runtime) -> CheckResult:
    """Whether others on this machine may look into the home: it has documents, mails and the key."""
    home = runtime.settings.home
    mode = stat.S_IMODE(home.stat().st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        words = _(
            "%(home)s is open to others (mode %(mode)s); call: chmod 700 %(home)s",
            home=home,
            mode=format(mode, "04o"),
        )
        return CheckResult("home", True, words, warns=True)
    return CheckResult("home", True, _("only this user may look into %(home)s", home=home))


def _store(runtime: Runtime) -> CheckResult:
    where = runtime.settings.store_url.rpartition("@")[2]
    probe = b"mailrun doctor " + secrets.token_bytes(32)  # random: never the bytes of a real document
    try:
        digest = runtime.documents.put(probe)
        same = runtime.documents.get(digest) == probe
        runtime.documents.remove(digest)
    except (OSError, DocumentMissing) as problem:
        return CheckResult("store", False, f"{where}: {problem}")
    return CheckResult("store", same, _("%(where)s: written, read and removed a probe", where=where))


def _documents(runtime: Runtime) -> CheckResult:
    """Whether the store belongs to this database: after a restore it may be an empty one, or an older one."""
    newest = select(TransformationResult.sha256).order_by(TransformationResult.id.desc()).limit(NEWEST)
    with runtime.database.reading() as session:
        digests = session.scalars(newest).all()
    missing = sum(not runtime.documents.has(digest) for digest in digests)
    if not missing:
        words = ngettext(
            "the store has all of %(num)s", "the store has all of the %(num)s newest", len(digests)
        )
        return CheckResult("documents", True, words if digests else _("none imported yet"))
    words = ngettext(
        "the store lacks %(missing)s of %(num)s; restore it, or call mailrun import with their folder again",
        "the store lacks %(missing)s of the %(num)s newest; restore it, or call mailrun import with "
        "their folder again",
        len(digests),
        missing=missing,
    )
    return CheckResult("documents", False, words)


def _installation(runtime: Runtime) -> CheckResult:
    with runtime.database.reading() as session:
        held = installation.held(session)
        missing = sealing.missing_keys(session)
    if held:
        words = held if held == installation.CHANGED else f"{held} (mailrun takeover)"
        return CheckResult(_("secret key"), False, words)
    if missing:
        return CheckResult(_("secret key"), False, sealing.MISSING_KEYS)
    return CheckResult(_("secret key"), True, _("the one that this database belongs to"))


def _workers(runtime: Runtime) -> CheckResult:
    """A worker lives if its beat moves while we watch."""
    first = _beats(runtime)
    end = time.monotonic() + BEATS_TO_WAIT * runtime.settings.beat_every
    moved: set[int] = set()
    while len(moved) < len(first) and time.monotonic() < end:
        time.sleep(0.1)
        moved |= {worker for worker, beat in _beats(runtime).items() if first.get(worker) not in (None, beat)}
    silent = len(first) - len(moved)
    words = _("%(count)s at work", count=len(moved))
    if silent:
        words = _("%(count)s at work, %(silent)s silent", count=len(moved), silent=silent)
    if not moved:
        words = _(
            "%(words)s; no mail is sent. Start one: mailrun worker (mailrun up starts some)", words=words
        )
    return CheckResult("workers", bool(moved), words)


def _beats(runtime: Runtime) -> dict[int, int]:
    present = select(Worker.id, Worker.beat).where(Worker.left_at.is_(None), Worker.lost_at.is_(None))
    with runtime.database.reading() as session:
        return dict(session.execute(present).all())


def _mail_servers(runtime: Runtime) -> Iterator[CheckResult]:
    with runtime.database.reading() as session:
        servers = session.scalars(select(MailServer).order_by(MailServer.name)).all()
    if not servers:
        yield CheckResult("mail", True, _("no mail server has been set up yet"))
    for server in servers:
        yield _mail_server(server, runtime)


def _mail_server(server: MailServer, runtime: Runtime) -> CheckResult:
    """Connects, encrypts and logs in as the workers do, and says goodbye."""
    about, where = _("mail server %(name)s", name=server.name), f"{server.host}:{server.port}"
    settings = runtime.settings
    seconds = min(SMTP_SECONDS, settings.smtp_timeout)
    address = address_of(server, settings, runtime.database)
    with closing(Conversation(address, Waits(seconds, seconds))) as conversation:
        if trouble := conversation.open():
            return CheckResult(about, False, f"{where}: {trouble.words}")
    done = {Security.NONE: "greets", Security.STARTTLS: "encrypts", Security.TLS: "encrypts"}
    words = f"{where} {done[Security(server.security)]}"
    return CheckResult(
        about, True, _("%(words)s and takes the login", words=words) if address.username else words
    )


def _first_line(problem: object) -> str:
    return next(iter(str(problem).splitlines()), "") or type(problem).__name__
