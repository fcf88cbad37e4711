"""The access token of an account: stored, renewed early, once for all, and never lost; and what is told when
there is none."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from joserfc.jwk import RSAKey
from sqlalchemy import update

from tests.launch.test_secrets import with_keys
from tests.oauth.accounts import account, age, stored
from tests.store.secrets_in import dump
from tests.token_endpoint import TokenEndpoint
from webapp import limited_http, sealing
from webapp.extensions import Runtime
from webapp.oauth import secrets, tokens
from webapp.oauth.no_token import NoToken
from webapp.store.mailservers import OAuthAccount
from webapp.store.types import now


def made(runtime: Runtime, endpoint: TokenEndpoint, way: str = "delegated", **fields: object) -> int:
    with runtime.database.writing() as session:
        return account(session, endpoint, way, **fields).id


def token(runtime: Runtime, id: int, refused: str = "") -> str:
    return tokens.access_token(runtime.database, runtime.settings, id, refused=refused)


def refresh_token(runtime: Runtime) -> str:
    with runtime.database.reading() as session:
        return secrets.opened(session, stored(runtime.database), "refresh_token")


@pytest.mark.parametrize("way", ["delegated", "client_credentials"])
def test_it_is_asked_for_once_and_renewed_before_it_ends(
    runtime: Runtime, endpoint: TokenEndpoint, way: str
) -> None:
    id = made(runtime, endpoint, way)
    first = token(runtime, id)
    assert endpoint.accepts(first)
    assert token(runtime, id) == first
    assert len(endpoint.requests) == 1
    age(runtime.database, seconds=tokens.EARLY_SECONDS + 30)
    assert token(runtime, id) == first
    age(runtime.database, seconds=tokens.EARLY_SECONDS - 30)
    second = token(runtime, id)
    assert second != first
    assert len(endpoint.requests) == 2


def test_a_short_life_is_no_reason_to_ask_each_time(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    endpoint.life = 60
    id = made(runtime, endpoint)
    assert token(runtime, id) == token(runtime, id)
    assert len(endpoint.requests) == 1


def test_a_service_account_signs_for_its_mailbox(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    endpoint.key = RSAKey.generate_key(2048)
    endpoint.client_secret = endpoint.key.as_pem(private=True).decode()
    id = made(runtime, endpoint, "service_account", scope="https://mail.example/")
    assert endpoint.accepts(token(runtime, id))
    [claims] = endpoint.claims
    assert claims["aud"] == endpoint.token_url
    assert (claims["iss"], claims["sub"]) == ("mailrun-client", "invoicing@example.test")
    assert claims["scope"] == "https://mail.example/"
    assert set(endpoint.requests[0]) == {"path", "grant_type", "assertion"}


def test_a_rotated_refresh_token_is_committed_before_the_token_is_used(
    runtime: Runtime, endpoint: TokenEndpoint
) -> None:
    endpoint.rotates = True
    id = made(runtime, endpoint)
    before = refresh_token(runtime)
    first = token(runtime, id)
    after = refresh_token(runtime)
    assert before != after
    assert after in endpoint.refresh
    assert token(runtime, id, refused=first) != first
    assert endpoint.used_twice == []


def test_many_at_once_make_one_request(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    endpoint.rotates, endpoint.slow = True, 0.5
    id = made(runtime, endpoint)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: token(runtime, id), range(8)))
    assert len(found) == 1
    assert len(endpoint.requests) == 1
    assert endpoint.used_twice == []


def test_no_writer_waits_while_the_provider_answers(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    endpoint.slow = 3.0
    id = made(runtime, endpoint)
    asking = threading.Thread(target=token, args=(runtime, id))
    asking.start()
    while not endpoint.requests:
        pass
    began = now()
    with runtime.database.writing() as session:
        session.execute(update(OAuthAccount).values(mailbox="other@example.test"))
    assert now() - began < timedelta(seconds=1.5)
    asking.join()


def test_the_claim_of_a_lost_worker_runs_out(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    id = made(runtime, endpoint)
    with runtime.database.writing() as session:
        soon = now() + timedelta(seconds=0.6)
        session.execute(update(OAuthAccount).values(claim="lost", claimed_until=soon))
    assert endpoint.accepts(token(runtime, id))
    assert now() >= soon


def test_what_was_connected_again_meanwhile_counts(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    endpoint.slow = 1.0
    id = made(runtime, endpoint)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(token, runtime, id)
        while not endpoint.requests:
            pass
        with runtime.database.writing() as session:
            row = session.get_one(OAuthAccount, id, with_for_update=True)
            again = endpoint._give()
            secrets.store(session, row, access_token=again["access_token"])
            secrets.store(session, row, refresh_token=again["refresh_token"])
            row.renewed_at, row.expires_at = now(), now() + timedelta(hours=1)
            row.version += 1
        assert asking.result() == again["access_token"]
    assert refresh_token(runtime) == again["refresh_token"]


def test_away_uses_what_is_still_good(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    id = made(runtime, endpoint)
    first = token(runtime, id)
    age(runtime.database, seconds=tokens.EARLY_SECONDS - 30)
    endpoint.away = True
    assert token(runtime, id) == first
    assert "cannot give one now" in stored(runtime.database).error
    age(runtime.database, seconds=1)
    with pytest.raises(NoToken, match="cannot give one now: HTTP 503") as why:
        token(runtime, id)
    assert not why.value.needs_a_person
    endpoint.away = False
    assert token(runtime, id) != first
    assert stored(runtime.database).error == ""


@pytest.mark.parametrize(
    ("trouble", "words", "needs_a_person"),
    [
        ({"revoked": True}, "it was revoked or has ended: invalid_grant", True),
        ({"client_secret": "another"}, "refuses the client ID or its secret", True),
        ({"html": True}, "has no token in it", False),
        ({"leads_to": "http://127.0.0.1:1/"}, "it leads elsewhere", False),
    ],
)
def test_trouble_is_told_and_judged(
    runtime: Runtime, endpoint: TokenEndpoint, trouble: dict[str, object], words: str, needs_a_person: bool
) -> None:
    id = made(runtime, endpoint)
    for name, value in trouble.items():
        setattr(endpoint, name, value)
    with pytest.raises(NoToken, match=words) as why:
        token(runtime, id)
    assert why.value.needs_a_person is needs_a_person
    assert words in stored(runtime.database).error


def test_down_and_slow_are_the_provider_s_trouble(
    runtime: Runtime, endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = made(runtime, endpoint)
    monkeypatch.setattr(limited_http, "ANSWER_SECONDS", 0.3)
    endpoint.slow = 1.0
    with pytest.raises(NoToken, match="no answer in time"):
        token(runtime, id)
    endpoint.stop()
    with pytest.raises(NoToken, match="connection refused") as why:
        token(runtime, id)
    assert not why.value.needs_a_person


@pytest.mark.security("C18")
@pytest.mark.parametrize("way", ["delegated", "client_credentials", "service_account"])
def test_an_error_repeats_no_secret(runtime: Runtime, endpoint: TokenEndpoint, way: str) -> None:
    if way == "service_account":
        endpoint.key = RSAKey.generate_key(2048)
        endpoint.client_secret = endpoint.key.as_pem(private=True).decode()
    id = made(runtime, endpoint, way)
    endpoint.echoes = endpoint.revoked = True
    with pytest.raises(NoToken) as why:
        token(runtime, id)
    assert "•" in str(why.value)
    assert why.value.needs_a_person
    text = str(why.value) + repr(why.value.__cause__) + dump(runtime)
    assert [secret for secret in endpoint.secrets_given() if secret in text] == []


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://tokens.example/token", "must begin with https"),
        ("https://169.254.169.254/token", "link-local or metadata"),
        ("https://[fd00:ec2::254]/token", "link-local or metadata"),
        ("https://127.0.0.1:8000/token", "service of Mailrun itself"),
        ("http://localhost:8000/token", "service of Mailrun itself"),
    ],
)
def test_f_secrets_are_sent_nowhere_else(
    runtime: Runtime, endpoint: TokenEndpoint, url: str, words: str
) -> None:
    id = made(runtime, endpoint, token_url=url)
    with pytest.raises(NoToken, match=words) as why:
        token(runtime, id)
    assert why.value.needs_a_person


def test_f_a_name_that_leads_to_our_own_service(
    runtime: Runtime, endpoint: TokenEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name is looked up late, and the machine at the other end is looked at before anything is sent."""
    own = replace(runtime.settings, host="127.0.0.1", port=endpoint.port)
    id = made(runtime, endpoint)
    monkeypatch.setattr("webapp.oauth.exchange.refusal", lambda *_: "")
    with pytest.raises(NoToken, match="service of Mailrun itself"):
        tokens.access_token(runtime.database, own, id)
    assert endpoint.requests == []


@pytest.mark.security("C18")
def test_a_new_secret_key_seals_all_of_it_again(runtime: Runtime, endpoint: TokenEndpoint) -> None:
    id = made(runtime, endpoint)
    first = token(runtime, id)
    before = runtime.settings.secret_key
    after = with_keys(runtime, "k" * 40, before)
    counts = sealing.rotate(after.database, "test")
    assert (counts.older, counts.unreadable) == (3, 0)
    alone = with_keys(runtime, "k" * 40)
    assert tokens.access_token(alone.database, alone.settings, id) == first
    with pytest.raises(NoToken, match="cannot be read"):
        token(runtime, id)
