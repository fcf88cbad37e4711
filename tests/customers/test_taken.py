"""S16: codes, numbers and names are unique over all clusters. A person bound to one is told the same words,
whether what has them is in their sight or not, and trying what is out of sight is in the audit trail."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from tests import factories
from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.store.customers import Cluster, Customer
from webapp.store.users import AuditEntry

FACTS = {"currency": "EUR", "net_amount": "1", "tax_amount": "0", "gross_amount": "1"} | {
    "period_start": "2026-10-01", "period_end": "2026-10-31", "issue_date": "2026-10-31", "due_date": "",
}  # fmt: skip


@pytest.fixture
def taken(world: World, branches: None) -> None:
    """A customer with an invoice in "left", and one in "right"."""
    with world.runtime.database.writing() as session:
        for name in ("left", "right"):
            home = session.scalars(select(Cluster).where(Cluster.tag_name == name)).one()
            payer = factories.customer(session, home, name=f"Of {name}")
            payer.code = f"K-{name}"
            factories.invoice(session, payer, number=f"N-{name}")


def add(browser: Browser, what: str, name: str) -> str:
    """What a person reads after trying to add it."""
    fields = {
        "customer": {"code": name, "name": "Mine", "cluster": "right", "language": "en"},
        "invoice": {"number": name, "customer": "K-right", **FACTS},
        "cluster": {"name": name, "parent": "right"},
    }[what]
    url = f"/{what}s/new"
    browser.look(url)
    answer = browser.press(url, **fields)
    assert answer.status_code == 422, text_of(answer)
    return text_of(answer)


def refused(world: World) -> list[str]:
    with world.runtime.database.reading() as session:
        rows = session.scalars(select(AuditEntry).where(AuditEntry.action == "refused"))
        return [f"{row.subject}: {row.detail}" for row in rows]


@pytest.mark.parametrize(
    ("what", "word", "theirs", "mine"),
    [
        ("customer", "code", "K-left", "K-right"),
        ("invoice", "number", "N-left", "N-right"),
        ("cluster", "name", "left", "right"),
    ],
)
def test_s16_the_words_do_not_tell_where(
    log_in: LogIn, world: World, taken: None, what: str, word: str, theirs: str, mine: str
) -> None:
    bound = log_in("manager", "right")
    said = f"The {word} {{0}} cannot be used: each is given once, over all clusters."
    assert said.format(mine) in add(bound, what, mine)
    assert refused(world) == []
    told = add(bound, what, theirs)
    assert said.format(theirs) in told
    assert "Of left" not in told
    assert refused(world) == [f"new {what} {theirs}: taken, in another cluster"]
    everywhere = add(log_in("admin"), what, theirs)
    assert f"{what} {theirs} already. Choose another {word}." in everywhere
    assert len(refused(world)) == 1
    with world.runtime.database.reading() as session:
        assert len(session.scalars(select(Customer)).all()) >= 2
