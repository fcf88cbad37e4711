"""A customer who is erased while a run's results are generated leaves no trace in them."""

from __future__ import annotations

import time
from threading import Thread

import pytest
from sqlalchemy import select

from tests import factories
from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.new_run import creation, generation
from webapp.privacy import erased_words, erasing
from webapp.store.customers import Customer
from webapp.store.runs import Result

NAME = "Zebulon Quagmire"
MEANWHILE_SECONDS = 0.6
"""Long enough for the other to get as far as it can."""


@pytest.fixture
def customer(world: World) -> Customer:
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, "zebulon@quagmire.example", name=NAME)
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
        return payer


def created(world: World) -> int:
    with world.runtime.database.writing() as session:
        request = creation.RunRequest(world.choice())
        return creation.create(session, world.runtime.queue, request, OPERATOR).id


def erase(world: World, customer: Customer) -> None:
    with world.runtime.database.writing() as session:
        erasing.erase(session, OPERATOR, customer.id, customer.code)


def test_results_generated_during_an_erasure_have_no_name(
    world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    generating = Thread(target=generation.generate, args=(world.runtime, created(world)))
    hide = erased_words.hide

    def hide_late(*of: object) -> None:
        hide(*of)  # type: ignore[arg-type]
        generating.start()
        time.sleep(MEANWHILE_SECONDS)

    monkeypatch.setattr(erased_words, "hide", hide_late)
    erase(world, customer)
    generating.join()
    with world.runtime.database.reading() as session:
        [result] = session.scalars(select(Result))
    assert (result.status, result.reason) == ("skipped", "suspended")
    assert "zebulon" not in f"{result.sort_name} {result.search_text}".lower()


def test_an_erasure_waits_for_the_results_and_is_refused(
    world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = list[Exception]()

    def try_to_erase() -> None:
        with pytest.raises(Refused, match="is outstanding") as caught:
            erase(world, customer)
        refused.append(caught.value)

    erasure = Thread(target=try_to_erase)
    whole = generation._generate_slice

    def generate_late(*of: object, **how: object) -> None:
        whole(*of, **how)  # type: ignore[arg-type]
        erasure.start()
        time.sleep(MEANWHILE_SECONDS)

    monkeypatch.setattr(generation, "_generate_slice", generate_late)
    generation.generate(world.runtime, created(world))
    erasure.join()
    assert refused
