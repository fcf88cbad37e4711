"""`mailrun up`: everything on this machine, in the foreground."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

from flask import Flask
from sqlalchemy.exc import DBAPIError

from webapp.bounces.listening import LOOK_SECONDS, return_ports
from webapp.config import Settings, embedded_redis_socket
from webapp.demo import loading as demo
from webapp.launch import embedded_redis, ports, processes
from webapp.launch.supervisor import AskedToStop, Supervisor
from webapp.store.db import db
from webapp.translation import _

WEB_SECONDS = 60.0
REDIS_SECONDS = 5.0


class NotStarted(Exception):
    """A step of the start failed; what went wrong has been printed by the step itself."""


def up(settings: Settings, *, with_demo: bool, with_catcher: bool) -> None:
    """Start everything and look after it until Ctrl-C, SIGTERM or SIGHUP; no process is left when this
    returns.

    Raises ports.Occupied before anything is started, NotStarted when the schema or the demo fails."""
    with ports.sole_user(settings.home):
        settings = ports.reserve(settings, with_catcher=with_catcher)
        supervisor = Supervisor(settings.privacy.log_style)
        with supervisor.signals():
            try:
                environ = start(supervisor, settings, with_demo, with_catcher)
                _open_return_ports(supervisor, settings, environ)
                supervisor.wait(lambda: False)
            except AskedToStop:
                supervisor.say(_("Stopping. Workers finish the message that they are at (up to 30 s)."))
            finally:
                supervisor.stop()
                supervisor.say("Stopped.")


def start(supervisor: Supervisor, settings: Settings, with_demo: bool, with_catcher: bool) -> dict[str, str]:
    """Everything in its order: schema, demo, Redis, then the rest; says where to go when the web answers.
    Returns what each process is told."""
    environ = processes.child_environ(settings)
    _once(supervisor, processes.Part("init", processes.mailrun("init"), environ))
    if with_demo:
        _once(supervisor, processes.Part("demo", processes.mailrun("demo"), environ))
    if settings.redis_url == embedded_redis.url(settings.home):
        environ["MAILRUN_REDIS_URL"] = _redis(supervisor, settings)
    if with_catcher:
        (settings.home / "caught").mkdir(exist_ok=True, mode=0o700)
        supervisor.keep(processes.catcher(environ))
    supervisor.keep(processes.web(environ))
    for worker in processes.workers(environ, settings.workers):
        supervisor.keep(worker)
    if not supervisor.wait(lambda: web_answers(settings), WEB_SECONDS):
        supervisor.say(
            _(
                "The web part has not answered within %(web_seconds)s s; see its own words above.",
                web_seconds=format(WEB_SECONDS, "g"),
            )
        )
        supervisor.wait(lambda: web_answers(settings))
    for line in _welcome(settings, with_catcher):
        supervisor.say(line)
    return environ


def web_answers(settings: Settings) -> bool:
    """Whether the web part answers at /healthz."""
    host = ports.EVERYWHERE.get(settings.host, settings.host)
    connection = http.client.HTTPConnection(host, settings.port, timeout=1)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _open_return_ports(supervisor: Supervisor, settings: Settings, environ: dict[str, str]) -> None:
    """Wait until a mailbox is a port of Mailrun's own, and start what takes mails there. That process looks
    itself which other mailboxes are.

    The web part is asked first: it says within a second whether the database answers, and who waited here for
    one that does not would look after no process meanwhile."""
    while not (web_answers(settings) and _has_return_port(settings)):
        supervisor.wait(lambda: False, LOOK_SECONDS)
    supervisor.keep(processes.returned_mails(environ))


def _has_return_port(settings: Settings) -> bool:
    """Whether a mailbox is a port of Mailrun's own. A database that does not answer has none yet."""
    database = db.open(Flask(__name__), settings.database_url)
    try:
        return bool(return_ports(database))
    except DBAPIError:
        return False
    finally:
        database.dispose()


def _once(supervisor: Supervisor, step: processes.Part) -> None:
    if supervisor.run_to_end(step) != 0:
        raise NotStarted(_("mailrun %(name)s failed, so nothing was started", name=step.name))


def _redis(supervisor: Supervisor, settings: Settings) -> str:
    """Starts the embedded Redis and gives its address; "none" if there is none to start."""
    binary = embedded_redis.find_server()
    if binary is None:
        supervisor.say(
            _("No Redis on this machine: the workers look for work by themselves, a little later.")
        )
        return "none"
    socket = embedded_redis_socket(settings.home)
    embedded_redis.prepare_folder(socket)
    supervisor.keep(processes.redis(binary, socket))
    url = embedded_redis.url(settings.home)
    if not supervisor.wait(lambda: embedded_redis.answers(url), REDIS_SECONDS):
        supervisor.say(
            _("Redis (%(binary)s) does not answer yet; the workers do without until it does.", binary=binary)
        )
    return url


def _welcome(settings: Settings, with_catcher: bool) -> Iterator[str]:
    address = ports.address(settings)
    yield ""
    yield _("Mailrun is running.")
    yield _("  Go to     %(address)s", address=address)
    if login := demo.login(settings.home):
        yield _("  Log in    Email %(email)s  Password %(password)s", email=login[0], password=login[1])
    if with_catcher:
        yield _(
            "  Mails     %(address)s/dev/mailbox (SMTP on port %(catcher_port)s; caught, none leaves)",
            address=address,
            catcher_port=settings.catcher_port,
        )
    yield _("  Data in   %(home)s", home=settings.home)
    yield _("  Stop      Ctrl-C")
    yield ""
