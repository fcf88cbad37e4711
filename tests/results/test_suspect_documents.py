"""What the pages say of documents that do not name their invoice, and how a person releases them."""

from __future__ import annotations

import pytest

from tests import factories
from tests.http_client import LogIn, fields, text_of
from tests.pdfs import pdf
from tests.world import World
from webapp.access import OPERATOR
from webapp.new_run import creation
from webapp.store.customers import Customer
from webapp.store.invoices import Invoice


def swapped(world: World) -> list[tuple[Customer, Invoice]]:
    """Two customers, each with the other's PDF, and a third with the right one."""
    those = [world.add(f"{name}@example.com", documents=False) for name in ("ada", "bob", "eve")]
    papers = [pdf(f"Invoice {of.number}", payer.code) for payer, of in those]
    with world.runtime.database.writing() as session:
        for (_, of), paper in zip(those, [papers[1], papers[0], papers[2]], strict=True):
            factories.document(session, world.runtime.documents, of, content=paper, checked=False)
    return those


@pytest.fixture
def run_id(world: World) -> int:
    swapped(world)
    return world.run()


def results(world: World, run_id: int) -> list[str]:
    return [str(result.id) for result in world.results(run_id)]


def test_the_preview_counts_them_and_lists_them(log_in: LogIn, world: World) -> None:
    those = swapped(world)
    world.run()  # they are checked when a run takes them, or when they are imported
    browser = log_in("manager")
    browser.look("/runs/new")
    said = text_of(browser.press("/runs/preview", **fields(world), htmx=True))
    assert "2 suspect document a document does not mention its invoice number" in said
    listed = browser.look(
        f"/runs/preview/list?definition={world.definition.id}&cluster=all&include_children=y"
        "&period_from=2026-10-01&period_to=2026-10-31&show=suspect_document"
    )
    assert those[0][1].number in listed.text
    assert those[2][1].number not in listed.text


def test_the_run_says_how_many_are_held_and_the_way_to_them(log_in: LogIn, world: World, run_id: int) -> None:
    browser = log_in("viewer")
    page = browser.look(f"/runs/{run_id}")
    assert "2 mails are held: a document of each does not mention its invoice number." in text_of(page)
    assert f'href="/runs/{run_id}?reason=suspect_document"' in page.text
    narrowed = text_of(browser.look(f"/runs/{run_id}?reason=suspect_document"))
    assert "suspect document" in narrowed
    assert "Let pass" not in narrowed


def test_the_result_says_what_is_wrong_with_which_document(log_in: LogIn, world: World, run_id: int) -> None:
    first = world.results(run_id)[0]
    browser = log_in("manager")
    said = text_of(browser.look(f"/results/{first.id}"))
    assert "This mail is held: it may carry another customer’s document." in said
    assert ".pdf does not name its invoice." in said
    assert "Let pass" in said
    pressed = {"only": first.id, "from_result": first.id}
    question = text_of(browser.press(f"/runs/{run_id}/results/let-pass", **pressed))
    assert "Let the documents of 1 mail pass?" in question
    assert world.statuses(run_id) == ["skipped", "skipped", "ready"]
    answer = browser.press(f"/runs/{run_id}/results/let-pass", **pressed, asked="1", looked="1")
    assert answer.status_code == 303
    assert world.statuses(run_id) == ["ready", "skipped", "ready"]
    said = text_of(browser.look(f"/results/{first.id}"))
    assert "1 mail let pass." in said
    assert "Documents let pass" in said


def test_several_pass_only_after_one_question_that_names_them(
    log_in: LogIn, world: World, run_id: int
) -> None:
    ids = results(world, run_id)
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}?reason=suspect_document")
    question = browser.press(f"/runs/{run_id}/results/let-pass", id=ids[:2])
    said = text_of(question)
    assert "Let the documents of 2 mails pass?" in said
    assert said.count("does not name its invoice") == 2
    assert world.statuses(run_id) == ["skipped", "skipped", "ready"]
    browser.press(f"/runs/{run_id}/results/let-pass", id=ids[:2], asked="1", looked="1")
    assert world.statuses(run_id) == ["ready", "ready", "ready"]
    assert "mails are held" not in text_of(browser.look(f"/runs/{run_id}"))


def test_everything_that_the_filter_matches_can_pass_at_once(
    log_in: LogIn, world: World, run_id: int
) -> None:
    browser = log_in("manager")
    page = browser.look(f"/runs/{run_id}?reason=suspect_document&all=1")
    assert "Let pass 2" in text_of(page)
    pressed = {"all": "1", "seen": "2", "reason": "suspect_document"}
    assert "Let the documents of 2 mails pass?" in text_of(
        browser.press(f"/runs/{run_id}/results/let-pass", **pressed, htmx=True)
    )
    browser.press(f"/runs/{run_id}/results/let-pass", **pressed, asked="1", looked="1")
    assert world.statuses(run_id) == ["ready", "ready", "ready"]


def test_what_is_not_held_does_not_pass(log_in: LogIn, world: World, run_id: int) -> None:
    browser = log_in("manager")
    browser.look(f"/runs/{run_id}")
    third = results(world, run_id)[2]
    browser.press(f"/runs/{run_id}/results/let-pass", only=third, asked="1")
    assert "Not let pass: not held for a suspect document." in text_of(browser.look(f"/runs/{run_id}"))


def test_while_a_run_is_made_the_page_says_what_is_checked(log_in: LogIn, world: World) -> None:
    swapped(world)
    with world.runtime.database.writing() as session:
        run = creation.create(session, world.runtime.queue, creation.RunRequest(world.choice()), OPERATOR)
    said = text_of(log_in("viewer").look(f"/runs/{run.id}"))
    assert "Checking documents: 3 to go" in said
