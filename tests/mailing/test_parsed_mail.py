"""A mail taken apart: whatever bytes it is made of, and names that are safe to save under."""

from __future__ import annotations

import pytest

from webapp.mailing import parsed_mail


def test_whatever_bytes_come_make_a_letter() -> None:
    for raw in (
        b"",
        b"\xff\xfe\x00",
        b"Subject: =?unknown-8bit?q?=FF?=\r\n\r\n",
        b'Subject: gr\xc3\xbc\xc3\x9fe\r\nTo: <<<>>> , "\r\n\r\nx',
        b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        b"Content-Type: text/html; charset=martian\r\n\r\n<p>\xe9</p>",
        b"Content-Type: x/../y; name*=utf-8''%ff%2e%2e%2fetc\r\nContent-Disposition: attachment\r\n\r\nx",
    ):
        parsed_mail.read(raw)
        parsed_mail.subject_and_named(raw)
    assert parsed_mail.subject_and_named(b"Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\n")[0] == "grüße"


@pytest.mark.security("C21")
@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\x.pdf", "x.pdf"),
        ("a\r\nSet-Cookie: b.pdf", "a__Set-Cookie_ b.pdf"),
        ("...", ""),
        ("Gespräche 12.csv", "Gespräche 12.csv"),
    ],
)
def test_a_name_is_made_safe(given: str, safe: str) -> None:
    assert parsed_mail.safe_name(given) == safe


def test_e13_a_frame_is_as_high_as_its_mail() -> None:
    """As far as that can be told without a script in it: a short mail leaves no empty half page."""
    short, longer, longest = (
        parsed_mail.ParsedMail((), "\n\n".join([line] * n), f"<p>{line}</p>" * n, ())
        for line, n in (("Invoice 1", 1), ("A line of a letter. " * 9, 20), ("A line", 5_000))
    )
    assert short.height == parsed_mail.HEIGHT_MIN
    assert 900 < longer.height < parsed_mail.HEIGHT_MAX
    assert longest.height == parsed_mail.HEIGHT_MAX
    rows = "<tr><td>Calls</td><td>12</td></tr>" * 30
    table = parsed_mail.ParsedMail((), None, f"<table>{rows}</table>", ())
    assert short.height < 900 < table.height
