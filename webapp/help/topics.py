"""The topics of the help: docs/help/<topic>.md in English, docs/help/<language>/<topic>.md translated.

A topic is Markdown: its first heading is its title, its first paragraph says in a sentence or two what the
page is. A topic that a language does not have is shown in English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt

from webapp.store.text_search import fold_text

FOLDER = Path(__file__).parent.parent.parent / "docs" / "help"
TOPICS = (
    *(
        "start",
        "overview",
        "new-run",
        "runs",
        "plans",
        "approval",
        "results",
        "to-fix",
        "bounces",
        "customers",
        "clusters",
        "invoices",
    ),
    *("definitions", "templates", "import", "mail-servers", "senders", "recipient-keys", "transformations"),
    *("users", "audit", "account", "notices", "search", "mailbox", "glossary"),
)
"""In the order in which they are listed."""
PAGES = {
    "overview": "run_list.start_page",
    "new-run": "run_dialog run_preview mail_preview",
    "runs": "run_list runs run_report",
    "plans": "plans",
    "approval": "run_approval",
    "results": "one_result mails_of_results",
    "to-fix": "fixing",
    "bounces": "bounces settings.mailbox_index settings.mailbox_show settings.mailbox_new",
    "customers": "customers customer_pages",
    "clusters": "clusters",
    "invoices": "invoices invoice_pages invoice_documents",
    "definitions": "definitions",
    "templates": "template_pages",
    "import": "intake",
    "mail-servers": "settings",
    "senders": "settings.sender_index settings.sender_show settings.sender_new",
    "recipient-keys": "settings.recipient_key_index settings.recipient_key_show settings.recipient_key_new",
    "transformations": "settings.transformation_index settings.transformation_show "
    "settings.transformation_new",
    "users": "user_pages",
    "audit": "audit_trail",
    "account": "account factors",
    "notices": "notices",
    "search": "search",
    "mailbox": "catcher",
}
"""The endpoints, or else the blueprints, of the pages that a topic explains."""
TOPIC_OF = {page: topic for topic, pages in PAGES.items() for page in pages.split()}


@dataclass(frozen=True)
class Topic:
    """A page of the help. `html` has no title; `text` is what is searched."""

    name: str
    title: str
    summary: str
    html: str
    text: str


def topic_of(endpoint: str) -> str:
    """The topic that explains the page of this endpoint; the first one for a page without any."""
    return TOPIC_OF.get(endpoint) or TOPIC_OF.get(endpoint.partition(".")[0], TOPICS[0])


def topics(language: str) -> Sequence[Topic]:
    """All topics in this language."""
    return [load(name, language) for name in TOPICS]


@cache
def load(name: str, language: str) -> Topic:
    """The topic of this name. Raises FileNotFoundError for one that no file has."""
    translated = FOLDER / language / f"{name}.md"
    source = (translated if translated.exists() else FOLDER / f"{name}.md").read_text(encoding="utf-8")
    heading, _newline, body = source.partition("\n")
    plain = re.sub(r"[`*_|#]|\]\([^)]*\)|\[", "", body)
    summary = " ".join(plain.strip().partition("\n\n")[0].split())
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(body)
    return Topic(name, heading.removeprefix("# ").strip(), summary, html, f"{heading} {plain}")


def found(wanted: str, language: str) -> list[Topic]:
    """The topics with every word of the text, those that have it in their title first."""
    words = fold_text(wanted).split()
    matching = [each for each in topics(language) if all(word in fold_text(each.text) for word in words)]
    return sorted(matching, key=lambda each: not all(word in fold_text(each.title) for word in words))
