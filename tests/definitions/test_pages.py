"""Definitions: made, changed, copied, retired, deleted; every change a version; no one overwrites another's
change."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.definitions.versions import fields_of
from webapp.errors import Refused
from webapp.mailing.renderer import Renderer
from webapp.store.customers import Customer
from webapp.store.definitions import DefinitionVersion, MessageDefinition, TemplateText
from webapp.store.users import AuditEntry


@pytest.fixture
def filled(world: World) -> dict[str, object]:
    """The form of a definition like the world's own, under another name."""
    with world.runtime.database.reading() as session:
        fields = fields_of(session, session.get_one(MessageDefinition, world.definition.id))
    return {
        "name": "Reminder",
        "sender": fields.sender_id,
        "recipient_key": fields.recipient_key_id,
        "template": fields.template_id,
        "subject": "Reminder: {{ invoice.number }}",
        "transformations": list(fields.transformations),
        "bcc": "copies@example.com",
        "reply_to": "answers@example.com",
    }


def definitions(world: World) -> dict[str, MessageDefinition]:
    with world.runtime.database.reading() as session:
        return {each.name: each for each in session.scalars(select(MessageDefinition))}


def versions(world: World, id: int) -> list[DefinitionVersion]:
    with world.runtime.database.reading() as session:
        stored = select(DefinitionVersion).where(DefinitionVersion.definition_id == id)
        return list(session.scalars(stored.order_by(DefinitionVersion.number)))


def seen(browser: Browser, id: int) -> str:
    found = re.search(r'name="seen" value="(\w+)"', browser.look(f"/definitions/{id}").text)
    assert found
    return found[1]


def test_a_definition_is_made_and_its_first_version_with_it(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    browser = log_in("manager")
    assert "Message definition" in text_of(browser.look("/definitions/new"))
    answer = browser.press("/definitions", **filled)
    made = definitions(world)["Reminder"]
    assert (answer.status_code, answer.location) == (303, f"/definitions/{made.id}")
    assert (made.reply_to, made.bcc) == ("answers@example.com", ["copies@example.com"])
    [version] = versions(world, made.id)
    assert (version.number, version.created_by) == (1, "manager@example.com")
    assert version.content["reply_to"] == "answers@example.com"
    assert "Reminder" in text_of(browser.look("/definitions"))
    assert browser.press("/definitions", **filled).status_code == 303  # the same form pressed twice
    assert len(versions(world, made.id)) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": " "}, "Enter a name."),
        ({"transformations": []}, "Choose what is attached, or tick “No documents”."),
        ({"no_documents": "y"}, "nothing can be attached then"),
        ({"subject": "{{ invoice.number"}, "Line 1:"),
        ({"subject": "a\r\nBcc: b@c.test"}, "This is one line."),
        ({"bcc": "unknown"}, "is not an email address"),
        ({"reply_to": "a@b.test, c@d.test"}, "more than one address"),
        ({"sender": 999}, "Not a valid choice"),
        ({"name": "Monthly invoice"}, "already"),
    ],
)
def test_what_is_wrong_is_told_at_the_field_and_nothing_is_stored(
    log_in: LogIn, world: World, filled: dict[str, object], wrong: dict[str, object], words: str
) -> None:
    browser = log_in("manager")
    browser.look("/definitions/new")
    if wrong == {"name": "Monthly invoice"}:
        wrong = {"name": world.definition.name}
    answer = browser.press("/definitions", **{**filled, **wrong})
    assert answer.status_code == 422
    assert words in text_of(answer).replace("&#39;", "'")
    assert "Reminder" not in definitions(world)


def test_a_change_is_a_version_and_changes_no_run(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    world.add()
    run_id = world.run()
    browser, id = log_in("manager"), world.definition.id
    before = len(versions(world, id))
    changed = {**filled, "name": world.definition.name, "seen": seen(browser, id)}
    assert browser.press(f"/definitions/{id}", **changed).status_code == 303
    after = versions(world, id)
    assert len(after) == before + 1
    assert after[-1].content["subject"] == "Reminder: {{ invoice.number }}"
    page = text_of(browser.look(f"/runs/{run_id}"))
    assert f"version {before}" in page
    assert "today’s differs in Subject" in page
    history = text_of(browser.look(f"/definitions/{id}/versions"))
    assert "Reminder: {{ invoice.number }}" in history
    assert "manager@example.com" in history


def test_two_people_do_not_overwrite_each_other(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    one, other, id = log_in("manager"), log_in("admin"), world.definition.id
    first, second = seen(one, id), seen(other, id)
    one.press(f"/definitions/{id}", **{**filled, "name": "First", "seen": first})
    answer = other.press(f"/definitions/{id}", **{**filled, "name": "Second", "seen": second})
    assert answer.status_code == 422
    assert "Another person has saved a change" in text_of(answer)
    assert 'value="Second"' in answer.text  # what was typed is still there
    assert definitions(world).keys() >= {"First"}


def test_what_fails_for_a_sample_is_asked_about_before_it_is_saved(
    log_in: LogIn, world: World, filled: dict[str, object]
) -> None:
    world.add()
    browser = log_in("manager")
    browser.look("/definitions/new")
    wrong = {**filled, "subject": "{{ invoice.nmuber }}"}
    answer = browser.press("/definitions", **wrong)
    assert answer.status_code == 422
    assert "there is no invoice.nmuber. Did you mean invoice.number?" in text_of(answer).replace(
        "There", "there"
    )
    assert "Reminder" not in definitions(world)
    assert browser.press("/definitions", **wrong, anyway="1").status_code == 303
    assert "Reminder" in definitions(world)


def test_copy_retire_and_delete(log_in: LogIn, world: World) -> None:
    world.add()
    world.run()
    browser, id = log_in("manager"), world.definition.id
    browser.look(f"/definitions/{id}")
    copied = browser.press(f"/definitions/{id}/copy").location
    name = f"{world.definition.name} (copy)"
    assert copied == f"/definitions/{definitions(world)[name].id}"
    browser.look(f"/definitions/{id}")
    assert "1 run needs it" in text_of(browser.press(f"/definitions/{id}/delete", htmx=True))
    assert world.definition.name in definitions(world)
    browser.look(copied)
    browser.press(f"{copied}/delete")
    assert name not in definitions(world)
    browser.look(f"/definitions/{id}")
    browser.press(f"/definitions/{id}/retirement")
    assert world.definition.name not in text_of(browser.look("/definitions"))
    assert world.definition.name in text_of(browser.look("/definitions?show=retired"))
    assert f'<option value="{id}"' not in browser.look("/runs/new").text
    with pytest.raises(Refused, match="is retired"):
        world.run()
    browser.look(f"/definitions/{id}")
    browser.press(f"/definitions/{id}/retirement/end")
    world.run()


@pytest.mark.security("C7")
def test_a_viewer_looks_and_changes_nothing(log_in: LogIn, world: World, filled: dict[str, object]) -> None:
    browser, id = log_in("viewer"), world.definition.id
    assert browser.look(f"/definitions/{id}").status_code == 200
    assert browser.look("/definitions/new").status_code == 403
    for url in ("/definitions", f"/definitions/{id}", f"/definitions/{id}/copy", f"/definitions/{id}/delete",
                f"/definitions/{id}/retirement", "/definitions/check", "/definitions/test"):  # fmt: skip
        assert browser.press(url, **filled).status_code == 403, url
    assert list(definitions(world)) == [world.definition.name]


@pytest.fixture
def at_the_form(log_in: LogIn, world: World) -> Browser:
    """A manager before the form of a new definition, with an invoice to try it on."""
    world.add("ada@example.com")
    browser = log_in("manager")
    browser.look("/definitions/new")
    return browser


def test_beside_the_form_stands_the_mail_of_an_invoice(
    at_the_form: Browser, world: World, filled: dict[str, object]
) -> None:
    browser = at_the_form
    answer = browser.press("/definitions/check", **filled, htmx=True)
    said = text_of(answer)
    assert "ada@example.com" in said
    assert "Subject Reminder: " in said
    assert "no errors." in said
    assert 'data-variable="invoice.gross_amount"' in answer.text
    frame = browser.press("/definitions/mail", **filled)
    assert "sandbox" in frame.headers["Content-Security-Policy"]
    wrong = browser.press("/definitions/check", **{**filled, "subject": "\u007b{ x }}"}, htmx=True)
    assert 'data-where="subject" data-line="1"' in wrong.text


def test_a_picture_that_there_is_not_is_told(log_in: LogIn, world: World) -> None:
    world.add("ada@example.com")
    with world.runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source='<p><img src="cid:nope" alt=""></p>'))
    said = text_of(log_in("manager").look(f"/definitions/{world.definition.id}"))
    assert "the mail shows a picture that there is not: nope" in said


def test_invoices_that_can_be_sent_are_tried_first(log_in: LogIn, world: World) -> None:
    _, fit = world.add("ada@example.com")
    for _ in range(25):
        world.add(documents=False)
    page = log_in("manager").look(f"/definitions/{world.definition.id}")
    assert re.search(rf'<option value="{fit.id}" selected>', page.text)


@pytest.mark.security("C18")
def test_the_password_of_documents_is_on_no_screen(
    at_the_form: Browser, world: World, filled: dict[str, object]
) -> None:
    with world.runtime.database.writing() as session:
        session.execute(update(Customer).values(extra={"door_code": "s3cret", "town": "Zwolle"}))
    answer = at_the_form.press("/definitions/check", **{**filled, "password_key": "door_code"}, htmx=True)
    assert "Zwolle" in answer.text
    assert "s3cret" not in answer.text


def test_a_manager_of_one_cluster_tries_with_its_customers_only(
    log_in: LogIn, world: World, filled: dict[str, object], in_cluster: object
) -> None:
    other = in_cluster("right")  # type: ignore[operator]
    browser = log_in("manager", "left")
    browser.look("/definitions/new")
    answer = browser.press("/definitions/check", **filled, sample=other, htmx=True)
    assert f'value="{other}"' not in answer.text
    assert "no invoice yet" in text_of(answer)


def test_a_test_goes_to_oneself_alone_and_counts_nowhere(
    at_the_form: Browser, world: World, filled: dict[str, object]
) -> None:
    browser = at_the_form
    answer = browser.press("/definitions/test", **filled)
    assert answer.status_code == 303
    [taken] = world.server.taken
    assert taken.recipients == ("manager@example.com",)
    assert b"[Test]" in taken.data
    assert b"copies@example.com" not in taken.data.replace(b"X-Mailrun-Recipients", b"")
    with world.runtime.database.reading() as session:
        assert "send test" in session.scalars(select(AuditEntry.action)).all()
    run_id = world.run()
    assert world.statuses(run_id) == ["ready"]  # nothing is reserved


def test_customers_outside_the_viewers_clusters_are_not_counted(
    log_in: LogIn, world: World, in_cluster: Callable[[str], int], filled: dict[str, object]
) -> None:
    in_cluster("left")
    in_cluster("right")
    with world.runtime.database.writing() as session:
        session.execute(update(Customer).values(extra={"zip": "secret"}))
    key, field = filled["recipient_key"], "password_key=zip"
    for browser, n in ((log_in("manager"), 2), (log_in("manager", "left"), 1)):
        reach = text_of(browser.look(f"/definitions/reach?recipient_key={key}"))
        assert reach == f"{n} of {n} customer{'s' if n > 1 else ''} have it"
        assert f"{n} of {n} customer" in text_of(browser.look(f"/definitions/passwords?{field}"))


def test_no_read_transaction_is_open_while_mails_are_rendered(
    world: World, filled: dict[str, object], at_the_form: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On SQLite the write-ahead log cannot be reset past an open one."""
    pool, render, open_connections = world.runtime.database.engine.pool, Renderer.render, []

    def watched(self: Renderer, *args: Any) -> Any:
        open_connections.append(pool.checkedout())  # type: ignore[attr-defined]
        return render(self, *args)

    monkeypatch.setattr(Renderer, "render", watched)
    answer = at_the_form.press("/definitions/check", **filled, htmx=True)
    assert answer.status_code == 200
    assert open_connections
    assert set(open_connections) == {0}
