"""Every kind of notice in every language: as it is mailed, and as it stands under the bell."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from webapp import notation, translation
from webapp.notation import Notation, NumberStyle
from webapp.notices.mail_texts import mail_text
from webapp.notices.words import KIND_WORDS, words_of
from webapp.store.notices import Notice, NoticeKind
from webapp.translation import LANGUAGES

NUMBERS = {"sent": 9812, "failed": 3, "bounced": 0, "unconfirmed": 1, "skipped": 2, "to_fix": 4}
STOPPED = (
    "It stopped itself: the mail server refused 20 of the last 31 mails for good, the latest with “550 no”. "
    "Look at what failed; Start goes on with the rest."
)
WAIT = {
    "host": "smtp.test",
    "name": "Main",
    "trouble": "it refuses connections",
    "since": "2026-11-26T11:05:00+00:00",
}
WANTED = {"by": "jonas@office.test", "mails": 1200, "sums": {"EUR": "12471.50"}, "approval": 1}
DECIDED = {"by": "marit@office.test", "reason": "No price list."}
HELD = ["Its plan has this run wait for a person. Look at the numbers, then press Start."]
CASES: list[tuple[NoticeKind, dict[str, Any], dict[str, str]]] = [
    (
        NoticeKind.RUN_FINISHED,
        {"run": "October", **NUMBERS},
        {"en": "“October” has finished", "nl": "“October” is voltooid", "de": "„October“ ist abgeschlossen"},
    ),
    (
        NoticeKind.RUN_STOPPED,
        {"run": "October", "why": STOPPED},
        {
            "en": "“October” does not go on by itself",
            "nl": "“October” gaat niet vanzelf verder",
            "de": "„October“ läuft nicht von selbst weiter",
        },
    ),
    (
        NoticeKind.RUN_WAITS,
        {"run": "October", **WAIT},
        {
            "en": "“October” waits for its mail server",
            "nl": "“October” wacht op zijn mailserver",
            "de": "„October“ wartet auf seinen Mailserver",
        },
    ),
    (
        NoticeKind.APPROVAL_WANTED,
        {"run": "October", **WANTED},
        {
            "en": "“October” waits for your approval",
            "nl": "“October” wacht op uw goedkeuring",
            "de": "„October“ wartet auf Ihre Genehmigung",
        },
    ),
    (
        NoticeKind.APPROVAL_DECIDED,
        {"run": "October", **DECIDED, "decision": "rejected"},
        {
            "en": "“October” was rejected by marit@office.test",
            "nl": "“October” is afgewezen door marit@office.test",
            "de": "„October“ wurde von marit@office.test abgelehnt",
        },
    ),
    (
        NoticeKind.APPROVAL_DECIDED,
        {"run": "October", **DECIDED, "decision": "approved"},
        {
            "en": "“October” was approved by marit@office.test",
            "nl": "“October” is goedgekeurd door marit@office.test",
            "de": "„October“ wurde von marit@office.test genehmigt",
        },
    ),
    (
        NoticeKind.PLAN_HELD,
        {"plan": "Monthly", "state": "waiting", "why": HELD},
        {
            "en": "The run of plan “Monthly” waits for you",
            "nl": "De run van planning “Monthly” wacht op u",
            "de": "Der Lauf des Plans „Monthly“ wartet auf Sie",
        },
    ),
    (
        NoticeKind.CONNECTION,
        {"what": "mailbox", "name": "Bounces", "words": "no route to host", "address": "/mailboxes/3"},
        {
            "en": "Mailbox “Bounces” is in trouble",
            "nl": "Mailbox “Bounces” heeft een probleem",
            "de": "Postfach „Bounces“ hat ein Problem",
        },
    ),
    (
        NoticeKind.NOT_MAILED,
        {"why": "no sender is chosen for notices"},
        {
            "en": "Notices could not be mailed",
            "nl": "Meldingen konden niet worden gemaild",
            "de": "Mitteilungen konnten nicht gemailt werden",
        },
    ),
]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("kind", "details", "titles"), CASES)
def test_each_kind_is_told_in_each_language(
    kind: NoticeKind, details: dict[str, Any], titles: dict[str, str], language: str
) -> None:
    notice = Notice(kind=kind, details=details, run_id=7, plan_id=2)
    with notation.reading(Notation("Europe/Amsterdam", language=language)):
        words = words_of(notice)
        subject, text = mail_text(notice, [notice], "https://mailrun.test")
    assert words.title == titles[language]
    assert subject == f"Mailrun: {titles[language]}"
    assert f"{words.link}: https://mailrun.test{words.href}" in text
    assert all(line in text for line in words.lines)
    assert "https://mailrun.test/account#notices" in text
    assert "%(" not in text


def test_every_kind_is_in_the_table_and_can_be_chosen() -> None:
    tried = {kind for kind, *_ in CASES}
    assert tried == set(NoticeKind) - {NoticeKind.DIGEST}
    assert set(KIND_WORDS) == tried - {NoticeKind.NOT_MAILED}


@pytest.mark.parametrize("language", sorted(set(LANGUAGES) - {"en"}))
def test_nothing_of_it_stays_in_english(language: str) -> None:
    """What workers stored in English is told in the reader's language, too."""
    for kind, details, _titles in CASES:
        notice = Notice(kind=kind, details=details, run_id=7, plan_id=2)
        with translation.english():
            before = words_of(notice)
        with notation.reading(Notation(language=language)):
            after = words_of(notice)
        same = {line for line in after.lines if line in before.lines}
        assert same <= {"“No price list.”"}, kind


def test_numbers_and_times_are_written_as_the_user_reads() -> None:
    finished = Notice(kind=NoticeKind.RUN_FINISHED, details={"run": "October", **NUMBERS}, run_id=7)
    waits = Notice(kind=NoticeKind.RUN_WAITS, details={"run": "October", **WAIT}, run_id=7)
    style = Notation("America/St_Johns", numbers=NumberStyle.APOSTROPHE)
    with notation.reading(style):
        counted, fix = words_of(finished).lines
        assert counted == "9’812 mails were sent, 3 failed, 1 is unconfirmed and 2 were skipped."
        assert fix == "4 mails need a fix."
        assert words_of(finished).href == "/fix?run=7"
        assert "since 26 Nov 07:35: it refuses connections." in words_of(waits).lines[0]
    with notation.reading(replace(style, language="nl", numbers=NumberStyle.LANGUAGE)):
        assert words_of(finished).lines[0].startswith("9.812 e-mails zijn verzonden")


def test_a_finished_run_without_anything_to_fix_leads_to_itself() -> None:
    numbers = {**NUMBERS, "failed": 0, "unconfirmed": 0, "sent": 1, "to_fix": 0, "skipped": 0}
    words = words_of(Notice(kind=NoticeKind.RUN_FINISHED, details={"run": "October", **numbers}, run_id=7))
    assert (words.lines, words.href) == (("1 mail was sent.",), "/runs/7")


def test_without_an_address_of_the_pages_a_mail_has_no_links() -> None:
    notice = Notice(kind=NoticeKind.RUN_FINISHED, details={"run": "October", **NUMBERS}, run_id=7)
    _subject, text = mail_text(notice, [notice], "")
    assert "/fix" not in text
    assert "in Mailrun, under Account" in text
