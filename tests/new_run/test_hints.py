"""The words beside the fields of the run dialog."""

from __future__ import annotations

import pytest

from webapp.new_run.hints import bcc_words, children_words, resend_words, start_words

OWN = ["own@example.com"]


@pytest.mark.parametrize(
    ("below", "said"),
    [
        (None, "And all clusters below it. Each customer counts once."),
        (0, "There is no cluster below DACH."),
        (1, "1 cluster below DACH. Each customer counts once."),
        (1_200, "1,200 clusters below DACH. Each customer counts once."),
    ],
)
def test_how_many_clusters_are_below(below: int | None, said: str) -> None:
    assert children_words("DACH", below) == said


@pytest.mark.parametrize(
    ("named", "own", "mails", "said"),
    [
        ([], OWN, 7, "Leave empty to use the definition’s own: own@example.com."),
        (["a@b.test"], OWN, 1, "Optional. Gets a copy of all 1 mail."),
        (["a@b.test", "c@d.test"], [], 12, "Optional. Each address gets a copy of all 12 mails."),
        (
            ["a@b.test"],
            [],
            None,
            "Optional. Separate addresses with commas. Each gets a copy of every mail.",
        ),
        ([], [], 7, "Optional. Separate addresses with commas. Each gets a copy of every mail."),
    ],
)
def test_who_gets_a_copy(named: list[str], own: list[str], mails: int | None, said: str) -> None:
    assert bcc_words(named, own, mails) == said


def test_how_many_get_a_mail_twice() -> None:
    assert resend_words(None, is_chosen=True) == "These customers receive their mail twice."
    assert resend_words(1, is_chosen=True) == "1 customer will receive its mail twice."
    assert resend_words(2, is_chosen=False) == "2 customers could receive their mail twice."


@pytest.mark.parametrize(
    ("mails", "copies", "said"),
    [
        (None, 0, "sends at once, the first mails within seconds."),
        (0, 0, "has nothing to send."),
        (1, 0, "sends 1 mail, the first within seconds."),
        (14, 1, "sends 14 mails and 1 Bcc copy, the first within seconds."),
        (1_118, 2_236, "sends 1,118 mails and 2,236 Bcc copies, the first within seconds."),
    ],
)
def test_what_create_and_start_does(mails: int | None, copies: int, said: str) -> None:
    assert start_words(mails, copies) == said
