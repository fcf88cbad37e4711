"""Filters, searches and orders are values and names of ours, never SQL: in every list and every download
(Frappe CVE-2026-44447)."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests.http_client import readable
from tests.security.conftest import Whole
from tests.security.test_tokens import stored
from webapp.store.customers import Customer

PAYLOADS = (
    "' OR 1=1 --",
    "x') OR ('1'='1",
    "1; DROP TABLE customer; --",
    "1 UNION SELECT password_hash FROM user_account",
    "(SELECT password_hash FROM user_account LIMIT 1)",
    "id DESC, (SELECT 1/0)",
    'name COLLATE "nothing"',
    "1~' OR ''='",
)
ARGUMENTS = (
    *("q", "sort", "status", "reason", "kind", "who", "subject", "cluster", "customer", "definition"),
    *("before", "after", "show", "in", "cause", "from", "to", "period", "currency", "id", "run", "rows"),
    *("runs", "since", "attempt", "numbers", "template", "language", "invoice", "toggle", "page", "state"),
)
TRIED = [
    *((("q",), payload) for payload in PAYLOADS[:3]),
    *((("sort",), payload) for payload in PAYLOADS[3:6]),
    *((ARGUMENTS[first::4], PAYLOADS[-1 - first]) for first in range(4)),
]
"""Which arguments with which payload, for every address: a refused one must not hide the others."""


@pytest.mark.security("C23")
def test_no_argument_of_an_address_is_sql(whole: Whole) -> None:
    before = stored(whole)
    with whole.world.runtime.database.reading() as session:
        [name] = session.scalars(select(Customer.name))
    lists = [url for url in whole.addresses("GET") if not url.startswith(("/static/", "/help"))]
    for url in lists:
        for names, payload in TRIED:
            answer = whole.admin.client.get(url, query_string=dict.fromkeys(names, payload))
            assert answer.status_code in (200, 302, 303, 400, 404, 409, 429), (url, names, payload)
            said = readable(answer) if answer.mimetype != "application/zip" else ""
            answer.close()
            assert "$argon2" not in said, (url, payload)
            if names == ("q",) and url in ("/customers.csv", "/invoices.csv", "/runs/1/report.csv"):
                assert name not in said, (url, payload)
                assert said.count("\n") <= 1, (url, payload)
    assert stored(whole) == before
