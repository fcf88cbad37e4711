"""What a returned mail says, from its bytes."""

from __future__ import annotations

import pytest

from tests.bounces.returned import COMPLAINT, OLD_FORM, OUT_OF_OFFICE, REPLY, block, report, to
from webapp.bounces.understanding import understand
from webapp.mailing import return_address
from webapp.mailing.return_address import ReturnToken

KEY, OTHER_KEY = "k" * 40, "o" * 40
TOKEN = return_address.sign(KEY, 123_456, 2)
SIGNED = f"bounces+{TOKEN}@example.com"
PLAIN = "bounces@example.com"


@pytest.mark.parametrize(
    ("action", "code", "kind"),
    [
        ("failed", "5.1.1", "bounce"),
        ("failed", "4.4.7", "bounce"),  # it gave up
        ("Failed (gave up)", "4.2.2", "bounce"),
        ("delayed", "4.4.1", "delay"),
        ("relayed", "2.0.0", "delivered"),
        ("delivered", "2.0.0", "delivered"),
        ("expanded", "2.0.0", "delivered"),
    ],
)
def test_a_report_is_judged_by_its_action(action: str, code: str, kind: str) -> None:
    says = understand(report(PLAIN, block("anna@customers.test", action, code, "")), (KEY,))
    assert says.kind == kind
    assert says.recipients[0].code == code
    assert (says.token, says.message_id) == (None, "<x@example.com>")


def test_it_is_about_what_our_token_names_whatever_its_case() -> None:
    for address in (SIGNED, SIGNED.upper(), f'"{SIGNED}"'):
        says = understand(report(address, block("anna@customers.test")), (OTHER_KEY, KEY))
        assert (says.token, says.matched_by) == (ReturnToken(123_456, 2), "return_address")
    by_id = understand(report(PLAIN, block("anna@customers.test"), envelope_id=TOKEN), (KEY,))
    assert (by_id.token, by_id.matched_by) == (ReturnToken(123_456, 2), "envelope_id")


@pytest.mark.parametrize(
    "forged",
    [
        return_address.sign(OTHER_KEY, 123_456, 2),
        TOKEN[:-1] + ("a" if TOKEN[-1] != "a" else "b"),
        TOKEN.replace("-2-", "-3-"),
        TOKEN.rpartition("-")[0],
        "x" + TOKEN,
    ],
)
def test_a_token_that_we_did_not_sign_names_nothing(forged: str) -> None:
    says = understand(report(f"bounces+{forged}@example.com", block("anna@customers.test")), (KEY,))
    assert (says.kind, says.token) == ("bounce", None)


def test_several_recipients_are_told_apart() -> None:
    blocks = (
        block("a@customers.test", "delayed", "4.4.1", "450 later"),
        block("B@Customers.test", "failed", "5.0.0", "552 5.2.2 Mailbox full"),
    )
    says = understand(report(SIGNED, *blocks), (KEY,))
    assert says.kind == "bounce"
    assert [(each.address, each.action, each.code) for each in says.recipients] == [
        ("a@customers.test", "delayed", "4.4.1"),
        ("b@customers.test", "failed", "5.2.2"),
    ]
    assert says.recipients[1].server == "mx2.customers.test"


def test_answers_of_programs_and_people_are_no_bounces() -> None:
    assert understand(to(OUT_OF_OFFICE, SIGNED), (KEY,)).kind == "auto_reply"
    assert understand(to(REPLY, SIGNED), (KEY,)).kind == "reply"
    assert understand(to(REPLY, PLAIN), (KEY,)).kind == "reply"


def test_a_bounce_without_a_report_counts_at_a_signed_address_only() -> None:
    says = understand(to(OLD_FORM, SIGNED), (KEY,))
    assert (says.kind, says.recipients[0].address) == ("bounce", "anna@customers.test")
    assert says.recipients[0].reply == "550 5.1.1 no such user"
    assert says.message_id == "<1.2.3.abc@example.com>"
    assert understand(to(OLD_FORM, PLAIN), (KEY,)).kind == "other"


def test_a_forwarded_bounce_is_no_bounce() -> None:
    inner = report(PLAIN, block("anna@customers.test")).decode()
    outer = (
        f"From: Marit <marit@example.com>\nTo: {SIGNED}\nSubject: Fwd: Undelivered\nReferences: <a@b>\n"
        'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="O"\n\n--O\nContent-Type: text/plain\n\n'
        f"Look at this.\n--O\nContent-Type: message/rfc822\n\n{inner}\n--O--\n"
    )
    assert understand(outer.encode(), (KEY,)).kind == "reply"


def test_a_complaint_names_its_mail_by_the_return_path_of_what_it_carries() -> None:
    says = understand(COMPLAINT.format(return_path=SIGNED, message_id="<m@x>").encode(), (KEY,))
    assert (says.kind, says.token) == ("complaint", ReturnToken(123_456, 2))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff\xfe",
        b"Subject: =?nonsense?q?x?=\n\nx",
        b"Content-Type: multipart/report; report-type=delivery-status\n\nno boundary",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3_000)),
        b"Content-Type: text/plain; charset=martian\n\nx",
        b"From: a@b\nContent-Type: message/delivery-status\n\n\xff\xfe: x\n: :\n",
    ],
)
def test_any_bytes_say_something(raw: bytes) -> None:
    assert understand(raw, (KEY,)).kind in ("other", "reply")
    signed = f"Delivered-To: {SIGNED}\n".encode() + raw
    assert understand(signed, (KEY,)).token is not None


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_line_endings_do_not_matter(ending: bytes) -> None:
    raw = report(SIGNED, block("anna@customers.test")).replace(b"\n", ending)
    says = understand(raw, (KEY,))
    assert (says.kind, says.token, says.message_id) == ("bounce", ReturnToken(123_456, 2), "<x@example.com>")
