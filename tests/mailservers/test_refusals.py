"""What a temporary refusal is about: the message, its domain, or us."""

from __future__ import annotations

import pytest

from webapp.mailservers.refusals import OutcomeSeen, RefusalCause, cause_of, class_of
from webapp.smtp.outcomes import Reply

THROTTLED = "450 4.7.1 error too many recipients from"


@pytest.mark.parametrize(
    ("code", "text", "kind"),
    [
        (450, "4.7.1 Error: too many recipients from 192.0.2.7", THROTTLED),
        (450, "4.7.1 Error: too many recipients from 2001:db8::1", THROTTLED),
        (451, "4.7.1 <a@b.example>: greylisted, see https://x.example/?a=1", "451 4.7.1 greylisted see"),
        (451, "4.7.1 <c@d.example>: greylisted, see https://x.example/?a=2", "451 4.7.1 greylisted see"),
        (454, "slow down (queue 4711)", "454 slow down queue"),
        (452, "4.2.2 a@b.example mailbox full", ""),
        (450, "4.1.1 <a@b.example>: mailbox unavailable", ""),
        (450, "4.2.1 receiving mail at a rate that prevents delivery", ""),
        (450, "4.2.0 <a@b.example>: Greylisted", "450 4.2.0 greylisted"),
        (550, "5.7.1 too many", ""),
    ],
)
def test_b2_the_class_of_a_refusal(code: int, text: str, kind: str) -> None:
    assert class_of(Reply(code, text)) == kind


def seen(pattern: str, refusal: str = THROTTLED) -> list[OutcomeSeen]:
    """ "a+ b- c~": accepted at domain a, refused at b, refused at c in other words."""
    refusals = {"+": "", "-": refusal, "~": "451 other words"}
    return [OutcomeSeen(word[0], refusals[word[1]], True) for word in pattern.split()]


@pytest.mark.parametrize(
    ("pattern", "cause"),
    [
        ("a-", RefusalCause.MESSAGE),
        ("a- b- c- d-", RefusalCause.MESSAGE),
        ("a- b- c- d- e-", RefusalCause.SERVER),
        ("a+ b+ c+ a- b- c- d- e-", RefusalCause.SERVER),
        ("a- b+ c- d+ e- a+ b- c+ d-", RefusalCause.SERVER),
        ("a- b+ c+ d+ e- a+ b+ c+ d-", RefusalCause.MESSAGE),
        ("a- b~ c- d~ e- a~ b- c~ d-", RefusalCause.SERVER),
        ("a- b~ c- d~ e- a~ b~ c-", RefusalCause.MESSAGE),
        ("b+ a- c+ a- d+ a-", RefusalCause.MESSAGE),
        ("b+ a- c+ a- d+ b+ a-", RefusalCause.DOMAIN),
        ("b+ a- c+ a+ d+ b+ a- c+ d+ a-", RefusalCause.MESSAGE),
        ("a- a- a- a- a-", RefusalCause.DOMAIN),
        ("a- a- a- a- b-", RefusalCause.SERVER),
        ("a- b- c- d- e- f+", RefusalCause.MESSAGE),
    ],
)
def test_b2_what_refusals_are_about(pattern: str, cause: RefusalCause) -> None:
    assert cause_of(seen(pattern), lambda: False) == cause


def test_b2_a_run_to_one_domain_alone_has_nothing_to_compare_with() -> None:
    assert cause_of(seen("a- a- a- a- a-"), lambda: True) == RefusalCause.SERVER
    assert cause_of(seen("b+ a- c+ a- d+ b+ a-"), lambda: True) == RefusalCause.DOMAIN
