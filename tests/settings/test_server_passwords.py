"""The password of a mail server, entered in the browser: used by workers, sealed in the database, on no page,
and sealed again when the secret key changes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from sqlalchemy import select

from tests.http_client import Browser, LogIn, text_of
from tests.launch.test_secrets import with_keys
from tests.settings.filled import filled
from tests.settings.test_setting_pages import SERVER, audited, seen
from tests.world import World
from webapp import sealing
from webapp.mailservers import passwords
from webapp.mailservers.reaching import address_of
from webapp.settings import server_pages
from webapp.store.base import Base
from webapp.store.mailservers import MailServer
from webapp.workers import WorkerProcess

SECRET = "Zahlstraße-geheim-1"
FORM = {**SERVER, "password_env": "", "password": SECRET}


@pytest.fixture
def admin(log_in: LogIn, world: World) -> Browser:
    return log_in("admin")


@pytest.fixture
def url(admin: Browser) -> str:
    admin.look("/servers/new")
    made = admin.press("/servers/new", **FORM)
    assert made.status_code == 303, text_of(made)
    return str(made.headers["Location"])


def stored(world: World) -> MailServer:
    with world.runtime.database.reading() as session:
        return session.scalars(select(MailServer).where(MailServer.name == "Relay")).one()


def used(world: World) -> str:
    return address_of(stored(world), world.runtime.settings).password


@pytest.mark.security("C18")
def test_it_is_used_and_shown_nowhere(admin: Browser, world: World, url: str) -> None:
    assert used(world) == SECRET
    assert SECRET not in stored(world).password
    for page in (url, "/servers", "/settings"):
        assert SECRET not in admin.look(page).text
    assert SECRET not in "\n".join(audited(world))
    wrong = admin.press(url, seen="x", **{**FORM, "port": "0"})
    assert wrong.status_code == 422
    assert SECRET not in wrong.text
    with world.runtime.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            assert SECRET not in repr(session.execute(select(table)).all()), table.name


def test_empty_keeps_it_and_a_tick_forgets_it(admin: Browser, world: World, url: str) -> None:
    stamp = seen(admin, url)
    more = {**FORM, "password": "", "rate_per_minute": "7"}
    assert admin.press(url, seen=stamp, **more).status_code == 303
    assert (stored(world).rate_per_minute, used(world)) == (7, SECRET)
    stamp = seen(admin, url)
    admin.press(url, seen=stamp, **{**FORM, "password": "another"})
    assert used(world) == "another"
    assert audited(world)[-1] == "change mail server Relay: password: ••••"
    stamp = seen(admin, url)
    admin.press(url, seen=stamp, **{**FORM, "password": "", "no_password": "y"})
    assert (stored(world).password, used(world)) == ("", "")


def test_it_is_entered_or_named_and_not_both(admin: Browser, world: World, url: str) -> None:
    stamp = seen(admin, url)
    both = admin.press(url, seen=stamp, **{**FORM, "password_env": "SMTP_PASSWORD"})
    assert both.status_code == 422
    assert "not both" in text_of(both)
    stamp = seen(admin, url)
    admin.press(url, seen=stamp, **{**FORM, "password": "", "password_env": "SMTP_PASSWORD"})
    assert stored(world).password == ""


def test_a_worker_logs_in_with_it(admin: Browser, world: World, worker: WorkerProcess) -> None:
    world.server.auth = f"mailrun:{SECRET}"
    world.add("a@customers.test")
    with world.runtime.database.reading() as session:
        first = session.scalars(select(MailServer)).one()
    url = f"/servers/{first.id}"
    host = re.search(r'name="host"[^>]*value="([^"]+)"', admin.look(url).text)
    assert host
    form = {**FORM, "host": host[1], "port": str(world.server.port), "security": "none"}
    assert admin.press(url, seen=seen(admin, url), **form).status_code == 303
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["sent"]
    assert set(world.server.logins) == {"mailrun"}


def test_a_new_secret_key_seals_it_again(world: World, url: str) -> None:
    before = world.runtime.settings.secret_key
    after = with_keys(world.runtime, "k" * 40, before)
    alone = replace(after.settings, former_keys=())
    row = stored(world)
    assert passwords.opened(row, after.settings) == (SECRET, "")
    password, why = passwords.opened(row, alone)
    assert password == ""
    assert "MAILRUN_SECRET_KEY_OLD" in why
    assert address_of(row, alone).unreadable_password == why
    counts = sealing.rotate(after.database, "test")
    assert (counts.older, counts.unreadable) == (1, 0)
    assert passwords.opened(stored(world), alone) == (SECRET, "")


@pytest.mark.security("C18")
@pytest.mark.parametrize("elsewhere", [{"host": "mail.example.com"}, {"port": "25"}, {"security": "none"}])
def test_f_it_goes_nowhere_else_by_itself(
    admin: Browser, world: World, url: str, elsewhere: dict[str, str]
) -> None:
    stamp = seen(admin, url)
    refused = admin.press(url, seen=stamp, **{**FORM, "password": "", **elsewhere})
    assert refused.status_code == 422
    assert "Enter the password again" in text_of(refused)
    assert admin.press(url, seen=stamp, **{**FORM, **elsewhere}).status_code == 303


def test_f_two_checks_at_once_and_no_more(admin: Browser, world: World, url: str) -> None:
    typed = filled(admin, url)
    with server_pages.CHECKS, server_pages.CHECKS:
        answer = admin.press(f"{url}/check", **typed, recipient="")
        assert answer.status_code == 503
        assert "Try again in half a minute" in text_of(answer)
