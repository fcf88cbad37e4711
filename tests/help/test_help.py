"""The help: a topic for each page, found by its words, in the reader's language where that has it."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from tests.http_client import LogIn, text_of
from webapp.help import topics

LINK = re.compile(r"\]\(/help/([a-z-]+)\)")


@pytest.mark.parametrize("language", ["en", "nl"])
def test_every_topic_has_a_title_a_summary_and_links_that_lead_somewhere(language: str) -> None:
    for topic in topics.topics(language):
        assert topic.title
        assert 20 < len(topic.summary) < 400, topic.name
        assert "<table" in topic.html or "|---" not in topic.text
    files = {path.stem for path in topics.FOLDER.glob("*.md")}
    assert files == set(topics.TOPICS)
    for path in topics.FOLDER.rglob("*.md"):
        assert set(LINK.findall(path.read_text())) <= files, path


def test_every_page_knows_its_topic(pages: Flask) -> None:
    for endpoint, name in topics.TOPIC_OF.items():
        assert name in topics.TOPICS
        blueprint = endpoint.partition(".")[0]
        assert blueprint in pages.blueprints or blueprint in {"intake", "catcher"}, endpoint


@pytest.mark.parametrize(
    ("address", "topic"), [("/runs", "runs"), ("/", "overview"), ("/senders", "senders"), ("/help", "start")]
)
def test_the_mark_in_the_top_bar_leads_to_the_topic_of_the_page(
    log_in: LogIn, address: str, topic: str
) -> None:
    viewer = log_in("admin")
    assert f'href="/help/{topic}" aria-label="Help: what is this page?"' in viewer.look(address).text
    assert viewer.look(f"/help/{topic}").status_code == 200


def test_a_search_finds_words_and_says_when_there_are_none(log_in: LogIn) -> None:
    viewer = log_in("viewer")
    found = text_of(viewer.look("/help?q=suspect+released"))
    assert "Invoices" in found or "Glossary" in found
    assert "Recipient keys" not in found
    assert "Nothing matches “zzzz”" in text_of(viewer.look("/help?q=zzzz"))
    assert viewer.look("/help/nothing").status_code == 404


@pytest.mark.security("C10")
def test_a_topic_shows_no_markup_of_its_source_as_html(log_in: LogIn) -> None:
    page = log_in("viewer").look("/help/templates").text
    assert "<code>{{ customer.name }}</code>" in page
    assert "<h1>Templates</h1>" in page
