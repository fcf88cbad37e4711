"""Templates, language by language; shared parts; pictures: made, changed, shown, and never pulled away."""

from __future__ import annotations

import base64
import re
from email import message_from_bytes, policy
from io import BytesIO

import pytest
from sqlalchemy import insert, select

from tests.http_client import Browser, LogIn, text_of
from tests.world import World
from webapp.definitions.queries import parts as stored_parts
from webapp.definitions.versions import template_value
from webapp.store.definitions import (
    DefinitionVersion,
    MessageTemplate,
    TemplateImage,
    TemplatePart,
    TemplateText,
)
from webapp.workers import WorkerProcess

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"


def templates(world: World) -> dict[str, MessageTemplate]:
    with world.runtime.database.reading() as session:
        found = {each.name: each for each in session.scalars(select(MessageTemplate))}
        for each in found.values():
            template_value(each)  # its texts are loaded
        return found


def own(world: World) -> int:
    return world.definition.template_id


def seen(browser: Browser, url: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', browser.look(url).text)
    assert found
    return found[1]


def typed(name: str, **given: object) -> dict[str, object]:
    return {"name": name, "format": "html", "language": "", "source": "<p>{{ customer.name }}</p>", **given}


def save(browser: Browser, id: int, **given: object) -> int:
    address = f"/templates/{id}?language={given.get('language', '')}"
    return browser.press(
        f"/templates/{id}", **typed("Mine", **given), seen=seen(browser, address)
    ).status_code


def test_a_template_is_made_and_gets_a_language_of_its_own_subject(log_in: LogIn, world: World) -> None:
    browser = log_in("manager")
    browser.look("/templates/new")
    answer = browser.press("/templates", **typed("Thanks"))
    made = templates(world)["Thanks"]
    assert (answer.status_code, answer.location) == (303, f"/templates/{made.id}")
    german = typed("Thanks", language="de", subject="Danke", source="<p>Danke</p>", plain="Danke!\r\n")
    browser.press(f"/templates/{made.id}", **german, seen=seen(browser, f"/templates/{made.id}?language=de"))
    texts = template_value(templates(world)["Thanks"]).texts
    assert set(texts) == {"", "de"}
    assert (texts["de"].subject, texts["de"].plain) == ("Danke", "Danke!\n")
    assert "default, de" in text_of(browser.look("/templates"))
    old = seen(browser, f"/templates/{made.id}?language=de")
    browser.press(f"/templates/{made.id}", **{**german, "subject": "Besten Dank"}, seen=old)  # another tab
    for form in (old, seen(browser, f"/templates/{made.id}?language=de")):
        assert "de" in template_value(templates(world)["Thanks"]).texts
        browser.press(f"/templates/{made.id}/languages/delete", language="de", seen=form)
    assert set(template_value(templates(world)["Thanks"]).texts) == {""}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"source": ""}, "The body is empty."),
        ({"source": "a\n{% if %}"}, "Line 2:"),
        ({"language": "klingonese"}, "A language is two letters"),
        ({"name": ""}, "Enter a name."),
        ({"plain": "{{"}, "Line 1:"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_stored(
    log_in: LogIn, world: World, wrong: dict[str, object], words: str
) -> None:
    browser = log_in("manager")
    browser.look("/templates/new")
    answer = browser.press("/templates", **{**typed("Thanks"), **wrong})
    assert answer.status_code == 422
    assert words in text_of(answer)
    assert "Thanks" not in templates(world)


def test_a_language_that_an_import_calls_otherwise_can_be_changed(log_in: LogIn, world: World) -> None:
    with world.runtime.database.writing() as session:
        for language in ("pt_BR", "NL"):
            text = {"template_id": own(world), "language": language, "source": "<p>old</p>"}
            session.execute(insert(TemplateText), [text])
    browser = log_in("manager")
    for language in ("pt_BR", "NL"):
        tried = typed("Mine", language=language, source="<p>new</p>", template=own(world))
        browser.look(f"/templates/{own(world)}?language={language}")
        assert "A language is two letters" not in browser.press("/templates/check", **tried).text
        assert save(browser, own(world), language=language, source="<p>new</p>") == 303
    with world.runtime.database.reading() as session:
        texts = template_value(session.get_one(MessageTemplate, own(world))).texts
    assert {language: text.source for language, text in texts.items() if language} == {
        "pt_BR": "<p>new</p>",
        "NL": "<p>new</p>",
    }


@pytest.mark.security("C7")
def test_a_change_makes_a_version_of_the_definitions_that_use_it(log_in: LogIn, world: World) -> None:
    world.add("ada@example.com")
    run_id = world.run()
    browser = log_in("manager")
    assert save(browser, own(world), source="<p>New: {{ customer.name }}</p>") == 303
    with world.runtime.database.reading() as session:
        latest = session.scalars(select(DefinitionVersion).order_by(DefinitionVersion.id.desc())).first()
        assert latest is not None
        assert latest.content["texts"][""] == "<p>New: {{ customer.name }}</p>"
        assert latest.created_by == "manager@example.com"
    assert "today’s differs in Template; " in text_of(browser.look(f"/runs/{run_id}"))


def test_what_fails_for_a_sample_is_told_at_its_line_and_asked_about(log_in: LogIn, world: World) -> None:
    world.add("ada@example.com")
    browser, id = log_in("manager"), own(world)
    wrong = {"source": "<p>x</p>\n{{ invoice.due_dat }}"}
    assert save(browser, id, **wrong) == 422
    answer = browser.press("/templates/check", **typed("Mine", **wrong), template=id, htmx=True)
    assert 'data-where="template" data-line="2"' in answer.text
    assert "Did you mean invoice.due_date?" in text_of(answer)
    assert save(browser, id, **wrong, anyway="1") == 303


def test_a_template_in_use_cannot_be_deleted_one_without_can(log_in: LogIn, world: World) -> None:
    browser, id = log_in("manager"), own(world)
    browser.look(f"/templates/{id}")
    answer = browser.press(f"/templates/{id}/delete", htmx=True)
    assert f"{world.definition.name} use it" in text_of(answer)
    browser.look(f"/templates/{id}")
    copied = browser.press(f"/templates/{id}/copy").location
    browser.look(copied)
    browser.press(f"{copied}/delete")
    assert [each.id for each in templates(world).values()] == [id]


def test_a_part_and_a_logo_are_in_the_mail_that_goes_out(
    log_in: LogIn, world: World, worker: WorkerProcess
) -> None:
    browser = log_in("manager")
    browser.look("/templates")
    browser.press(
        "/templates/parts", name="signature", language="", source="<p>Yours, {{ sender.address }}</p>"
    )
    browser.look("/templates")
    browser.press("/templates/pictures", name="logo", file=(BytesIO(PNG), "logo.png"))
    assert save(browser, own(world), source='<img src="cid:logo" alt="">{% include "signature" %}') == 303
    world.add("ada@example.com")
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["sent"]
    [taken] = world.server.taken
    mail = message_from_bytes(taken.data, policy=policy.default)
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    html = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_content()
    assert picture.get_payload(decode=True) == PNG
    assert f'src="cid:{picture["Content-ID"][1:-1]}"' in html
    assert "<p>Yours, " in html
    browser.look("/templates")
    refusal = browser.press("/templates/pictures/logo/delete", htmx=True)
    assert "show it" in text_of(refusal)
    browser.look("/templates")
    refusal = browser.press("/templates/parts/signature/delete", htmx=True)
    assert "include it" in text_of(refusal)
    with world.runtime.database.reading() as session:
        assert session.get(TemplateImage, "logo") is not None
        assert session.get(TemplatePart, ("signature", "")) is not None
    frame = browser.look(f"/results/{world.results(run_id)[0].id}/mail")
    assert f"data:image/png;base64,{base64.b64encode(PNG).decode()}" in frame.text
    assert browser.look(f"/results/{world.results(run_id)[0].id}/mail.eml").data == taken.data


@pytest.mark.security("C20")
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("logo", b"<svg onload=alert(1)>", "Choose a PNG, JPEG or GIF file"),
        ("../logo", PNG, "Use only letters without accents"),
        ("logo", PNG + b"x" * 2_000_000, "at most 2 MB"),
    ],
)
def test_a_picture_that_no_mail_program_shows_is_refused(
    log_in: LogIn, world: World, name: str, content: bytes, words: str
) -> None:
    browser = log_in("manager")
    browser.look("/templates")
    answer = browser.press("/templates/pictures", name=name, file=(BytesIO(content), "x.png"), htmx=True)
    assert words in text_of(answer)
    with world.runtime.database.reading() as session:
        assert session.scalars(select(TemplateImage)).all() == []


@pytest.mark.security("C7")
def test_a_viewer_changes_no_template(log_in: LogIn, world: World) -> None:
    browser, id = log_in("viewer"), own(world)
    assert browser.look("/templates").status_code == 200
    assert browser.look(f"/templates/{id}").status_code == 200
    for url in ("/templates", f"/templates/{id}", f"/templates/{id}/copy", f"/templates/{id}/delete",
                "/templates/parts", "/templates/pictures", "/templates/check",
                "/templates/test"):  # fmt: skip
        assert browser.press(url, **typed("Mine")).status_code == 403, url


def test_a_part_that_breaks_mails_is_asked_about_first(log_in: LogIn, world: World) -> None:
    world.add("ada@example.com")
    browser = log_in("manager")
    browser.look("/templates")
    part = {"name": "signature", "language": ""}
    browser.press("/templates/parts", **part, source="<p>Yours</p>")
    save(browser, own(world), source='<p>Dear {{ customer.name }}</p>{% include "signature" %}')
    for source, words in {
        "{% for": "Line 1:",
        "<p>{{ nope }}</p>": "part signature, line 1",
        "<p>{{ invoice.nope }}</p>": "there is no invoice.nope",
        '{% include "signature" %}': "It includes itself.",
        "{{ 10**(10**8) }}": "ran for more than",
    }.items():
        browser.look("/templates")
        question = text_of(browser.press("/templates/parts", **part, source=source)).replace("&#34;", '"')
        assert "Not saved yet." in question, source
        assert words in question
    with world.runtime.database.reading() as session:
        assert stored_parts(session) == {"signature": {"": "<p>Yours</p>"}}
    browser.press("/templates/parts", **part, source="<p>{{ nope }}</p>", anyway="1")
    with world.runtime.database.reading() as session:
        assert stored_parts(session) == {"signature": {"": "<p>{{ nope }}</p>"}}


def test_a_part_changed_by_another_person_is_not_overwritten_unasked(log_in: LogIn, world: World) -> None:
    first, second = log_in("manager"), log_in("admin")
    first.look("/templates")
    part = {"name": "signature", "language": ""}
    first.press("/templates/parts", **part, source="<p>Yours</p>")
    seen_by_both = re.search(r'name="seen" value="(\w+)"', first.look("/templates").text)
    assert seen_by_both
    second.look("/templates")
    second.press("/templates/parts", **part, source="<p>AAA</p>", seen=seen_by_both[1])
    for source in ("<p>BBB</p>", ""):
        question = first.press("/templates/parts", **part, source=source, seen=seen_by_both[1])
        assert "Another person has saved a different text since you opened the page" in text_of(question)
        again = re.search(r'name="seen" value="(\w+)"', question.text)
        assert again
        assert again[1] == seen_by_both[1]  # asked once more by "Try again"
    with world.runtime.database.reading() as session:
        assert stored_parts(session) == {"signature": {"": "<p>AAA</p>"}}


@pytest.mark.parametrize("language", ["x" * 50, "german", "de_DE"])
def test_a_part_in_a_language_that_is_none_is_refused(log_in: LogIn, world: World, language: str) -> None:
    browser = log_in("manager")
    browser.look("/templates")
    part = {"name": "signature", "language": language, "source": "<p>Yours</p>"}
    answer = browser.press("/templates/parts", **part, htmx=True)
    assert "A language is two letters" in text_of(answer)
    with world.runtime.database.reading() as session:
        assert stored_parts(session) == {}
