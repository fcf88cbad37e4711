"""A plan that expects no oddity, or only kinds that it lists."""

from __future__ import annotations

import pytest
from flask import Flask

from tests.http_client import LogIn, text_of
from tests.oddities.usual import SEPTEMBER, bill, mailed, months
from tests.plans.conftest import Plans
from tests.plans.test_pages import add, filled, stored
from webapp import notation
from webapp.notation import Notation
from webapp.oddities.kinds import OddityKind
from webapp.stored_texts import retold

NONE: dict[str, object] = {"no_oddities": True}


def without_earlier(*allowed: OddityKind) -> dict[str, object]:
    """None but these, and those that need a run to compare with."""
    compared = (OddityKind.NUMBER, OddityKind.AMOUNT, OddityKind.GONE)
    return {"no_oddities": True, "oddities_allowed": [kind.value for kind in (*compared, *allowed)]}


def odd_amounts(plans: Plans) -> None:
    """Two invoices of October that are far above what their customers usually get."""
    for _ in range(2):
        payer, _of = plans.world.add(gross="1000.00")
        months(plans.world, payer, "100.00", "100.00", "100.00")


def test_a_run_with_an_oddity_that_is_not_listed_is_left_to_a_person(plans: Plans) -> None:
    odd_amounts(plans)
    plans.add(**without_earlier())
    plans.work()
    [run], [made] = plans.runs(), plans.occurrences()
    assert (run.status, made.state) == ("created", "unexpected")
    assert made.findings == ["Oddity “Much larger than usual”: 2 invoices."]
    assert made.odd_kinds == ["large"]
    assert run.problem == f"Its plan did not start this run. {made.findings[0]}"


def test_an_oddity_that_is_listed_is_allowed(plans: Plans) -> None:
    odd_amounts(plans)
    plans.add(**without_earlier(OddityKind.LARGE))
    plans.work()
    [made] = plans.occurrences()
    assert (made.state, made.findings, made.odd_kinds) == ("started", [], [])


def test_a_plan_that_does_not_look_at_oddities_starts_its_run(plans: Plans) -> None:
    odd_amounts(plans)
    plans.add()
    plans.work()
    assert [made.state for made in plans.occurrences()] == ["started"]


def test_without_an_earlier_run_not_every_oddity_can_be_found(plans: Plans) -> None:
    plans.world.add()
    plans.add(**NONE)
    plans.work()
    [made] = plans.occurrences()
    assert made.state == "unexpected"
    assert [words[:28] for words in made.findings] == ["No earlier run like this one"]


def test_the_totals_and_the_missing_are_held_against_the_last_run(plans: Plans) -> None:
    payers = [plans.world.add(period=SEPTEMBER)[0] for _ in range(10)]
    earlier = mailed(plans.world, include_children=True)
    for payer in payers[:5]:
        bill(plans.world, payer)
    bill(plans.world, payers[0], currency="CHF")
    for _ in range(4):
        bill(plans.world, payers[0], currency="CHF")
    plans.add(**{**NONE, "oddities_allowed": ["number"]})
    plans.work()
    [made] = plans.occurrences()
    assert made.findings == [
        f"Oddity: amounts in CHF, of which run {earlier} had none.",
        f"Oddity: in EUR 50% less than in run {earlier}.",
        "Oddity “Mailed last time, no invoice now”: 5 customers.",
    ]
    assert made.odd_kinds == ["amount", "gone"]


def test_as_usual_is_as_expected(plans: Plans) -> None:
    payer, _ = plans.world.add(period=SEPTEMBER)
    mailed(plans.world, include_children=True)
    bill(plans.world, payer)
    plans.add(**NONE)
    plans.work()
    assert [made.state for made in plans.occurrences()] == ["started"]


def test_the_pages_lead_to_the_oddities(plans: Plans, pages: Flask, log_in: LogIn) -> None:
    odd_amounts(plans)
    plan_id = plans.add(**without_earlier())
    plans.work()
    [run] = plans.runs()
    browser = log_in("admin")
    page = browser.look(f"/plans/{plan_id}")
    assert "Oddity “Much larger than usual”: 2 invoices." in text_of(page)
    assert f'href="/runs/{run.id}/oddities/large"' in page.text
    assert "2 invoices" in text_of(browser.look(f"/runs/{run.id}/oddities/large"))
    page = browser.look(f"/runs/{run.id}")
    assert "Its plan did not start this run." in text_of(page)
    assert f'href="/runs/{run.id}/oddities"' in page.text


@pytest.mark.parametrize(
    ("stored_words", "dutch"),
    [
        ("Oddity “Much larger than usual”: 2 invoices.", "“Veel hoger dan gebruikelijk”: 2 facturen."),
        ("Oddity: in EUR 50% less than in run 7.", "in EUR 50% minder dan in run 7."),
        (
            "Its plan did not start this run. 3 invoices have a suspect document. Oddity “Mailed last time, "
            "no invoice now”: 5 customers.",
            "3 facturen hebben een verdacht document. ",
        ),
    ],
)
def test_they_are_told_in_the_reader_s_language(stored_words: str, dutch: str) -> None:
    with notation.reading(Notation(language="nl")):
        told = retold(stored_words)
    assert dutch in told
    assert "Oddity" not in told


def test_the_form_keeps_which_oddities_are_allowed(log_in: LogIn, plans: Plans) -> None:
    browser = log_in("manager")
    page = browser.look("/plans/new")
    assert 'value="shared_address" checked' in page.text  # only told, never worth a look
    assert 'value="large" checked' not in page.text
    plan_id = add(browser, plans.world, no_oddities="y", oddities_allowed=["large", "new_domain"])
    [plan] = stored(plans.world)
    assert (plan.no_oddities, plan.oddities_allowed) == (True, ["large", "new_domain"])
    page = browser.look(f"/plans/{plan_id}")
    assert 'value="large" checked' in page.text
    assert 'value="gone" checked' not in page.text
    browser.look("/plans/new")
    bad = filled(plans.world, name="Another", oddities_allowed=["sunspots"])
    assert browser.press("/plans", **bad).status_code == 422
