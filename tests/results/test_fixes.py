"""Whatever keeps a mail from its customer leads to the place where it is fixed."""

from __future__ import annotations

import pytest

from tests.http_client import LogIn, fields
from tests.world import World
from webapp.results.fixes import fix_of
from webapp.store.statuses import REASONS_OF_INVOICES, SkipReason


@pytest.mark.parametrize("reason", sorted({*REASONS_OF_INVOICES} - {SkipReason.ALREADY_SENT}))
def test_every_reason_that_can_be_fixed_has_a_place(reason: SkipReason) -> None:
    fix = fix_of(reason, 3, 7)
    assert fix
    assert fix.href.startswith(("/customers/3", "/invoices/7"))


def test_the_result_and_the_preview_lead_to_the_address(log_in: LogIn, world: World) -> None:
    customer, _ = world.add("")
    [result] = world.results(world.run())
    link = f'<a href="/customers/{customer.id}#addresses">Add an address</a>'
    browser = log_in("manager")
    assert link in browser.look(f"/results/{result.id}").text
    assert link not in log_in("viewer").look(f"/results/{result.id}").text
    query = "&".join(f"{name}={value}" for name, value in fields(world).items())
    assert link in browser.look(f"/runs/preview/list?{query}&show=no_recipient").text
