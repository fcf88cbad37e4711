"""What `mailrun doctor` says of OAuth accounts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import update

from tests.oauth.accounts import with_account
from tests.token_endpoint import TokenEndpoint, token_endpoint
from tests.world import World
from webapp.launch.check_result import CheckResult
from webapp.launch.oauth_checks import oauth_checks
from webapp.store.mailservers import OAuthAccount
from webapp.store.types import now


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with token_endpoint() as running:
        yield running


def told(world: World) -> list[tuple[str, str]]:
    return [(result.look, result.words) for result in oauth_checks(world.runtime)]


def change(world: World, **values: object) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(OAuthAccount).values(**values))


def test_it_checks_the_token(world: World, endpoint: TokenEndpoint) -> None:
    assert told(world) == []
    with_account(world, endpoint)
    assert told(world) == [("ok", "has a token")]
    assert list(oauth_checks(world.runtime)) == [CheckResult("OAuth account Provider", True, "has a token")]
    change(world, expires_at=now())
    endpoint.away = True
    [(look, words)] = told(world)
    assert (look, "cannot give one now" in words) == ("WRONG", True)
    endpoint.away, endpoint.revoked = False, True
    [(look, words)] = told(world)
    assert look == "WRONG"
    assert words.endswith("connect it again on the page of its mail server")
    change(world, connected_at=None)
    assert told(world)[0][1].startswith("is not connected yet")


def test_it_tells_a_week_before_the_secret_ends(world: World, endpoint: TokenEndpoint) -> None:
    with_account(world, endpoint)
    for days, looks in ((8, ["ok"]), (7, ["ok", "warn"]), (0, ["ok", "warn"]), (-1, ["ok", "WRONG"])):
        change(world, secret_ends_on=now().date() + timedelta(days=days))
        assert [look for look, _ in told(world)] == looks, days
