"""Every page in a made-up language, whose texts stand in ⟦brackets⟧: what people read outside of them was not
marked for translation, unless it is data (docs/translating.md)."""

from __future__ import annotations

import re
from functools import cache
from gettext import NullTranslations
from html.parser import HTMLParser

import pytest
from babel import Locale
from babel.dates import get_day_names, get_month_names
from flask import Flask
from sqlalchemy import String, Text, select

from tests import factories
from tests.http_client import Browser, LogIn
from tests.world import World
from webapp import translation
from webapp.store.base import Base
from webapp.store.runs import Attempt, Result
from webapp.workers import WorkerProcess

TAG = re.compile(r"(<[^>]*>)")
VALUE = re.compile(r"%\(\w+\)s")
READ = ("title", "placeholder", "aria-label", "alt", "data-label", "label")
"""Attributes that people read or hear."""
NOT_READ = {"script", "style", "code", "kbd", "pre", "textarea", "datalist", "noscript"}
WORD = re.compile(r"[^\W\d_]{3,}")
MONTHS = "|".join(
    name for width in ("wide", "abbreviated") for name in get_month_names(width, locale="en").values()
)
NAMES = re.compile(
    r"Mailrun|STARTTLS|TLS|EHLO|IMAP|POP3|OAuth 2|Microsoft 365|Google Workspace|PEM|"
    r"SPF|DKIM|DMARC|CSV|XLSX|JSON|ZIP|Zip|PDF|HTML|Bcc|Message-ID|UTC|SMTP|UBL|XML|"
    r"English|Nederlands|Deutsch|SHA-256|Ctrl|Esc|Enter|Shift|EUR|none|starttls|https?://\S+|\S+@\S+|\S+[./=]\S+|"
    rf"\d+ (?:to \d+ )?(?:{MONTHS})\b|\b(?:{MONTHS})\b|"
    r"[A-Z][\w]+-[\w-]+|DR, RN, NRN, OOF, AutoReply|Date|From|Subject|auto-generated|\w{3}, \d+ \w{3} \d{4}|"
    r"approved|Test|Invoice INV-\d+|ada|dee|eve|nothing|cust|zzz|[0-9a-f]{16}|[0-9a-f]{4}…[0-9a-f]{4}"
)
"""What is the same in every language; days and months of English; heads of mails; the data of this world that
no column has as it is."""


class InBrackets(NullTranslations):
    """Every text that is marked in brackets; its values are outside of them: a value that should be a text is
    seen."""

    def gettext(self, message: str) -> str:
        if message not in marked():
            return message
        parts = [
            part if TAG.fullmatch(part) else f"⟦{self._opened(part)}⟧" for part in TAG.split(message) if part
        ]
        return "".join(parts)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return self.gettext(msgid1 if n == 1 else msgid2)

    def _opened(self, text: str) -> str:
        return VALUE.sub(lambda found: f"⟧{found[0]}⟦", text)


@cache
def marked() -> set[str]:
    """Every text that is marked."""
    return {form for forms in translation.messages(("webapp/", "templates/")) for form in forms}


class Texts(HTMLParser):
    """What people read on a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._within: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in READ and value]
        if tag in NOT_READ:
            self._within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._within and self._within[-1] == tag:
            self._within.pop()

    def handle_data(self, data: str) -> None:
        if not self._within:
            self.found.append(data)


def unmarked(html: str, data: re.Pattern[str]) -> set[str]:
    """Texts with words that are neither in brackets nor data."""
    page = Texts()
    page.feed(html)
    left = {" ".join(re.sub(r"⟦[^⟦⟧]*⟧", " ", text).split()) for text in page.found}
    ways = ((data, NAMES), (NAMES, data))  # each may break what the other knows
    return {text for text in left if all(WORD.search(b.sub(" ", a.sub(" ", text))) for a, b in ways)}


OWN_WORDS = (
    *("status", "removed_from", "reason", "role", "kind", "origin", "security", "format", "outcome"),
    *("warning", "problem", "trouble", "finding_words"),
)
"""Columns whose values are words of ours."""


STORED_DETAILS = (Result.__table__.c.detail, Attempt.__table__.c.detail)
"""What workers wrote of a result; that of the audit is data."""


def names_of_babel() -> set[str]:
    """Names of countries and of days, which Babel has in every language (webapp/plans/words.py)."""
    english = Locale("en")
    return {*map(str, english.territories.values()), *get_day_names("wide", locale=english).values()}


def data_of(world: World) -> re.Pattern[str]:
    """Every string that the database has, words of its own such as statuses aside, and what Babel names."""
    found = names_of_babel()
    with world.runtime.database.reading() as session:
        for table in Base.metadata.sorted_tables:
            strings = [each for each in table.columns if isinstance(each.type, String | Text)]
            columns = [each for each in strings if each.name not in OWN_WORDS and each not in STORED_DETAILS]
            for row in session.execute(select(*columns)) if columns else ():
                found |= {str(value) for value in row if value and len(str(value)) > 2}
    return re.compile("|".join(re.escape(each) for each in sorted(found, key=len, reverse=True)))


MORE = (
    *(
        "/runs?status=done",
        "/runs?archived=1",
        "/invoices?q=nothing",
        "/customers?q=nothing",
        "/search?q=zzz",
    ),
    *("/search?q=cust", "/runs/1?status=skipped", "/runs/1?status=failed", "/fix?cluster=1", "/runs/2"),
    *("/results/1", "/results/2", "/results/3", "/results/4", "/results/5", "/results/6", "/customers/2"),
)
"""Pages that say something else than the same page without arguments."""


def addresses(pages: Flask) -> list[str]:
    """Every address that a browser can open, with the first of what it names; the help is Markdown."""
    rules = [rule for rule in pages.url_map.iter_rules() if "GET" in (rule.methods or ())]
    found = [
        re.sub(r"<[^>]*>", "1", rule.rule.replace("<topic>", "start"))
        for rule in rules
        if rule.endpoint != "static"
    ]
    return sorted({*found, *MORE} - {"/help", "/help/start"})


def fill(world: World, worker: WorkerProcess) -> None:
    """A run of each end: sent, failed, skipped for several reasons, waiting; and one that is not started."""
    for address in ("ada@example.com", "reject-550.bo@example.com", "data-554.cy@example.com"):
        world.add(address)
    world.add()
    world.add("dee@example.com", documents=False)
    with world.runtime.database.writing() as session:
        payer = factories.customer(session, world.everybody, "eve@example.com")
        payer.suspended = True
        factories.document(session, world.runtime.documents, factories.invoice(session, payer))
    world.deliver(worker)
    world.run()


@pytest.fixture
def brackets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "_catalogue", lambda language: InBrackets())


def test_no_page_says_what_was_not_marked(
    pages: Flask, world: World, worker: WorkerProcess, log_in: LogIn, brackets: None
) -> None:
    fill(world, worker)
    admin: Browser = log_in("admin")
    data, found = data_of(world), {}
    for address in addresses(pages):
        answer = admin.look(address)
        if (
            answer.status_code == 200
            and answer.mimetype == "text/html"
            and (left := unmarked(answer.text, data))
        ):
            found[address] = left
    assert found == {}
