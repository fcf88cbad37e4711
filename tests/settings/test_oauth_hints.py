"""The form of an OAuth account says where each field stands in the console of the provider."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.http_client import LogIn
from tests.world import World
from webapp.store.mailservers import MailServer


@pytest.mark.parametrize(
    ("provider", "places"),
    [
        ("microsoft", ["Directory (tenant) ID", "Application (client) ID", "Certificates &amp; secrets",
                       "Expires", "API permissions", "Redirect URIs"]),
        ("google", ["OAuth 2.0 Client IDs", "Service Accounts, Keys", "Domain-wide delegation",
                    "Authorized redirect URIs"]),
    ],
)  # fmt: skip
def test_each_field_says_where_it_stands_at_the_provider(
    log_in: LogIn, world: World, provider: str, places: list[str]
) -> None:
    with world.runtime.database.reading() as session:
        server = session.scalars(select(MailServer.id)).first()
    page = log_in("admin").look(f"/servers/{server}?oauth={provider}").text
    assert [each for each in places if each not in page] == []
