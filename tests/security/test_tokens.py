"""Every changing request without the token of its own session is refused, and looking changes nothing: over
every route (OWASP ASVS 5.0, V3.5)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.http_client import LogIn
from tests.security.conftest import Whole
from webapp.store.base import Base

TOLD_OF_LOOKING = {"audit_entry", "audit_chain", "user_session"}
"""Tables that say who looked at what, and when they last did."""


def stored(whole: Whole) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, but for what tells of looking itself."""
    tables = [table for table in Base.metadata.sorted_tables if table.name not in TOLD_OF_LOOKING]
    columns = {table.name: [each for each in table.columns if each.name != "seen_at"] for table in tables}
    with whole.world.runtime.database.reading() as session:
        return {name: [tuple(row) for row in session.execute(select(*of))] for name, of in columns.items()}


@pytest.mark.security("C4")
def test_no_change_without_the_token_or_with_anothers(whole: Whole, log_in: LogIn) -> None:
    other = log_in("manager")
    other.look("/account")
    foreign = other.keys["csrf_token"]
    before = stored(whole)
    for token in ({}, {"csrf_token": ""}, {"csrf_token": foreign}):
        for headers in ({}, {"HX-Request": "true"}, {"X-CSRFToken": foreign}):
            for url in whole.addresses("POST"):
                data = {**token, "form_key": "k" * 24, "id": "1", "confirmed": "1", "all": "1"}
                answer = whole.admin.client.post(url, data=data, headers=headers)
                assert answer.status_code == 400, (url, token, headers)
    assert stored(whole) == before
    assert whole.admin.look("/account").status_code == 200  # no /logout either


@pytest.mark.security("C4")
def test_looking_changes_nothing(whole: Whole) -> None:
    before = stored(whole)
    for url in whole.addresses("GET"):
        for query in ("", "?confirmed=1&asked=1&all=1&id=1&status=sent"):
            answer = whole.admin.look(url + query)
            answer.close()
            assert answer.status_code < 500, url
    for url in set(whole.addresses("POST")) - set(whole.addresses("GET")):
        assert whole.admin.look(url).status_code in (404, 405), url
    assert stored(whole) == before
