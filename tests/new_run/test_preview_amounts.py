"""An amount that its currency cannot show is told before its mail rounds it."""

from __future__ import annotations

import pytest

from tests.http_client import LogIn, text_of
from tests.new_run.test_pages import preview
from tests.world import World
from webapp.access import OPERATOR
from webapp.definitions.versions import content_of
from webapp.new_run.preview import preview as preview_of
from webapp.new_run.preview_amounts import rounded_amounts
from webapp.store.definitions import MessageDefinition


@pytest.mark.parametrize(
    ("currency", "gross", "told"),
    [
        ("EUR", "12.345", True), ("EUR", "12.34", False), ("EUR", "-0.001", True), ("JPY", "4.5", True),
        ("JPY", "4", False), ("KWD", "4.123", False), ("KWD", "4.1234", True), ("XXX", "4.1234", True),
    ],
)  # fmt: skip
def test_d2_an_amount_finer_than_its_currency_is_found(
    world: World, currency: str, gross: str, told: bool
) -> None:
    world.add("")  # cannot be sent: not told
    world.add("", currency=currency, gross="0.0001")
    _, invoice = world.add(currency=currency, gross=gross)
    with world.runtime.database.reading() as session:
        content = content_of(session, session.get_one(MessageDefinition, world.definition.id))
        counted = preview_of(session, world.choice(), OPERATOR)
        found = rounded_amounts(session, OPERATOR, world.choice(), content, counted.amounts)
    if not told:
        assert found is None
        return
    assert found is not None
    assert (found.invoices, found.number, found.currency) == (1, invoice.number, currency)


def test_d2_the_preview_tells_it(log_in: LogIn, world: World) -> None:
    world.add(currency="JPY", gross="4.5")
    browser = log_in("manager")
    said = text_of(preview(browser, world))
    assert "1 invoice has an amount that its currency cannot show, such as JPY" in said
