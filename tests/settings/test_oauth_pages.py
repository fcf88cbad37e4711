"""A mail server is connected by OAuth 2 on its page, by administrators, and no secret is on any page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select, update

from tests.http_client import Browser, LogIn, text_of
from tests.oauth.accounts import MAILBOX, stored
from tests.settings.test_setting_pages import SERVER, audited, seen
from tests.store.secrets_in import dump
from tests.token_endpoint import CLIENT_ID, CLIENT_SECRET, TokenEndpoint, token_endpoint
from tests.world import World
from webapp.mailservers.reaching import address_of
from webapp.oauth import tokens
from webapp.store.mailservers import MailServer, OAuthAccount
from webapp.store.types import now


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with token_endpoint() as running:
        yield running


@pytest.fixture
def admin(log_in: LogIn, world: World) -> Browser:
    return log_in("admin")


@pytest.fixture
def url(admin: Browser, world: World) -> str:
    """The page of the world's own server."""
    with world.runtime.database.reading() as session:
        return f"/servers/{session.scalars(select(MailServer.id)).one()}"


def form(endpoint: TokenEndpoint, way: str = "client_credentials", **more: str) -> dict[str, str]:
    return {
        "provider": "other",
        "way": way,
        "token_url": endpoint.token_url,
        "authorize_url": f"{endpoint.url}/authorize",
        "device_url": f"{endpoint.url}/device",
        "client_id": CLIENT_ID,
        "secret": CLIENT_SECRET,
        "mailbox": MAILBOX,
        "scope": "mail",
        **more,
    }


def save(
    admin: Browser, url: str, endpoint: TokenEndpoint, way: str = "client_credentials", **more: str
) -> None:
    admin.look(f"{url}?oauth=other")
    answer = admin.press(f"{url}/oauth", **form(endpoint, way, **more))
    assert answer.status_code == 303, text_of(answer)


def press(admin: Browser, url: str, what: str, **fields: str) -> str:
    """Press a button of the card; what the page says then."""
    admin.look(url)
    assert admin.press(f"{url}/oauth/{what}", **fields).status_code == 303
    return text_of(admin.look(url))


def test_an_application_is_connected(admin: Browser, url: str, world: World, endpoint: TokenEndpoint) -> None:
    assert "Microsoft 365" in text_of(admin.look(url))
    save(admin, url, endpoint)
    said = text_of(admin.look(url))
    assert "Not connected yet." in said
    said = press(admin, url, "renew")
    assert "is connected" in said
    assert "by admin@example.com. The token renews automatically, next at" in said
    account = stored(world.runtime.database)
    assert (account.hosts, account.mailbox) == ("127.0.0.1", MAILBOX)
    with world.runtime.database.reading() as session:
        server = session.scalars(select(MailServer)).one()
    reached = address_of(server, world.runtime.settings, world.runtime.database)
    assert reached.username == MAILBOX
    assert reached.access_token
    assert endpoint.accepts(reached.access_token(""))
    assert "login by OAuth 2" in text_of(admin.look("/servers"))
    noted = audited(world)
    assert f"connect oauth account {server.name}: client_credentials for {MAILBOX}" in noted
    assert f"change oauth account {server.name}: client secret: ••••" in noted


def test_a_person_allows_it_in_the_browser(
    admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    save(admin, url, endpoint, "delegated")
    led = admin.look(f"{url}/oauth/connect")
    assert led.status_code == 303
    assert led.location.startswith(f"{endpoint.url}/authorize?")
    asked = requests.get(led.location, allow_redirects=False, timeout=5)
    back = urlsplit(asked.headers["Location"])
    assert back.path == "/oauth/back"
    assert admin.look(f"{back.path}?{back.query}").location == url
    assert "is connected" in text_of(admin.look(url))
    account = stored(world.runtime.database)
    token = tokens.access_token(world.runtime.database, world.runtime.settings, account.id)
    assert endpoint.accepts(token)
    again = admin.look(f"{back.path}?{back.query}")
    assert again.location == "/servers"
    assert "not begun in this browser" in text_of(admin.look("/servers"))


def test_f_another_state_connects_nothing(
    admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    save(admin, url, endpoint, "delegated")
    admin.look(f"{url}/oauth/connect")
    admin.look("/oauth/back?code=stolen&state=another")
    assert stored(world.runtime.database).connected_at is None
    assert endpoint.requests == []
    assert audited(world)[-1].startswith("refused oauth account")
    admin.look("/oauth/back?code=stolen")
    assert endpoint.requests == []


def test_a_person_allows_it_by_a_code(
    admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    save(admin, url, endpoint, "delegated")
    said = press(admin, url, "device")
    assert "Enter ABCD-EFGH at" in said
    assert "not confirmed yet" in press(admin, url, "device/check")
    endpoint.confirmed = True
    assert "is connected" in press(admin, url, "device/check")
    assert stored(world.runtime.database).pending == ""
    assert "The code has ended" in press(admin, url, "device/check")


@pytest.mark.security("C18")
def test_no_secret_is_on_a_page_or_in_the_database(
    admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    endpoint.rotates = endpoint.echoes = True
    save(admin, url, endpoint, "delegated")
    press(admin, url, "device")
    endpoint.confirmed = True
    press(admin, url, "device/check")
    wrong = admin.press(f"{url}/oauth", **form(endpoint, mailbox=""))
    assert wrong.status_code == 422
    endpoint.revoked = True
    account = stored(world.runtime.database)
    with world.runtime.database.writing() as session:
        session.execute(update(OAuthAccount).values(expires_at=now()))
    with pytest.raises(Exception, match="revoked"):
        tokens.access_token(world.runtime.database, world.runtime.settings, account.id)
    pages = [admin.look(page).text for page in (url, "/servers", "/settings", "/audit", "/audit.csv")]
    assert "No token: 127.0.0.1 gives no token any more" in text_of(admin.look(url))
    kept = "".join(pages) + wrong.text + dump(world.runtime)
    assert [secret for secret in endpoint.secrets_given() if secret in kept] == []


def test_a_secret_stays_with_its_addresses(
    admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    save(admin, url, endpoint)
    press(admin, url, "renew")
    elsewhere = {**form(endpoint), "secret": "", "token_url": "https://evil.example/token"}
    answer = admin.press(f"{url}/oauth", **elsewhere)
    assert answer.status_code == 422
    assert "Enter the secret again" in text_of(answer)
    kept = admin.press(f"{url}/oauth", **{**form(endpoint), "secret": "", "mailbox": "other@example.test"})
    assert kept.status_code == 303
    account = stored(world.runtime.database)
    assert (account.access_token, account.connected_at) == ("", None)
    assert account.client_secret


def test_a_host_of_another_provider_is_refused(admin: Browser, url: str, endpoint: TokenEndpoint) -> None:
    admin.look(f"{url}?oauth=microsoft")
    sent = {**form(endpoint), "provider": "microsoft", "tenant": "example.test"}
    answer = admin.press(f"{url}/oauth", **sent)
    assert answer.status_code == 422
    assert "Its tokens go to smtp.office365.com" in text_of(answer)
    assert CLIENT_SECRET not in answer.text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"client_id": ""}, "Enter the client ID"),
        ({"token_url": "http://tokens.example/"}, "begins with https://"),
        ({"secret": ""}, "Enter the client secret"),
        ({"mailbox": ""}, "Enter the mailbox"),
        ({"way": "service_account"}, "Not a valid choice"),
    ],
)
def test_what_is_missing_is_told(
    admin: Browser, url: str, endpoint: TokenEndpoint, wrong: dict[str, str], words: str
) -> None:
    admin.look(f"{url}?oauth=other")
    answer = admin.press(f"{url}/oauth", **{**form(endpoint), **wrong})
    assert answer.status_code == 422
    assert words in text_of(answer)


def test_one_account_for_two_servers(admin: Browser, url: str, world: World, endpoint: TokenEndpoint) -> None:
    save(admin, url, endpoint)
    admin.look("/servers/new")
    made = admin.press("/servers/new", **{**SERVER, "host": "127.0.0.1", "password_env": ""})
    assert made.status_code == 303, text_of(made)
    second = str(made.location)
    id = stored(world.runtime.database).id
    assert "logs in by OAuth 2 now" in press(admin, second, "use", account=str(id))
    press(admin, url, "leave")
    assert stored(world.runtime.database).id == id
    assert "by user name and password" in press(admin, second, "leave")
    with world.runtime.database.reading() as session:
        assert session.scalars(select(OAuthAccount)).all() == []


def test_a_deleted_server_takes_its_account_with_it(
    admin: Browser, world: World, endpoint: TokenEndpoint
) -> None:
    admin.look("/servers/new")
    made = admin.press("/servers/new", **{**SERVER, "host": "127.0.0.1", "password_env": ""})
    save(admin, str(made.location), endpoint)
    admin.look(str(made.location))
    assert admin.press(f"{made.location}/delete").status_code == 303
    with world.runtime.database.reading() as session:
        assert session.scalars(select(OAuthAccount)).all() == []
    assert audited(world)[-1] == "delete oauth account Relay: "


def test_a_secret_that_ends_is_told_a_week_before(
    admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    today = now().date()
    save(admin, url, endpoint, secret_ends_on=str(today + timedelta(days=8)))
    assert "The client secret ends on" not in text_of(admin.look(url))
    for days, words in ((7, "The client secret ends on"), (-1, "The client secret ended on")):
        more = {"secret_ends_on": str(today + timedelta(days=days)), "secret": ""}
        assert admin.press(f"{url}/oauth", **form(endpoint, **more)).status_code == 303
        assert words in text_of(admin.look(url))


def test_the_presets_have_the_limits_of_the_providers(admin: Browser) -> None:
    page = admin.look("/servers/new?preset=microsoft").text
    found = dict(re.findall(r'name="(\w+)"[^>]*value="([^"]*)"', page))
    assert (found["host"], found["port"]) == ("smtp.office365.com", "587")
    limits = ("rate_per_minute", "recipients_per_day", "max_connections")
    assert [found[name] for name in limits] == ["30", "10000", "3"]
    assert 'value="smtp.gmail.com"' in admin.look("/servers/new?preset=google").text


@pytest.mark.security("C1")
def test_f_only_administrators_of_everything_connect_it(
    log_in: LogIn, admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    save(admin, url, endpoint, "delegated")
    bound = log_in("admin", "left")
    bound.look(url)
    for what in ("renew", "device", "device/check"):
        assert bound.press(f"{url}/oauth/{what}").status_code == 403
    assert bound.look(f"{url}/oauth/connect").status_code == 403
    for what in ("leave", "use"):
        bound.look(url)
        assert bound.press(f"{url}/oauth/{what}", account="1").status_code == 303
    bound.look(url)
    assert bound.press(f"{url}/oauth", **form(endpoint, mailbox="mine@example.test")).status_code == 422
    assert stored(world.runtime.database).mailbox == MAILBOX
    assert len([line for line in audited(world) if line.startswith("refused oauth account")]) == 7
    assert endpoint.requests == []


def test_the_main_form_keeps_the_account(
    admin: Browser, url: str, world: World, endpoint: TokenEndpoint
) -> None:
    save(admin, url, endpoint)
    stamp = seen(admin, url)
    page = admin.look(url).text
    shown = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', page))
    keys = (
        "host",
        "port",
        "rate_per_minute",
        "domain_rate_per_minute",
        "recipients_per_day",
        "max_connections",
    )
    more = {**{key: shown[key] for key in keys}, "security": "none", "rate_per_minute": "30"}
    assert admin.press(url, seen=stamp, **more).status_code == 303
    with world.runtime.database.reading() as session:
        server = session.scalars(select(MailServer)).one()
    assert server.rate_per_minute == 30
    assert server.oauth_account_id
