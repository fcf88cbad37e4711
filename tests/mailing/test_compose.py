"""The bytes of a mail: what goes in comes out of the standard library's parser, and no header can be smuggled
in."""

from __future__ import annotations

import email
import email.policy
import hashlib
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from webapp.mailing import parsed_mail
from webapp.mailing.compose import Document, MailDraft, Picture, Uncomposable, compose, rebuild

LETTER = MailDraft(
    sender=("billing@example.com", "Example, Inc. Rechnungsbüro"),
    reply_to="help@example.com",
    to=(("a@customers.test", "Jörg Ünlü, Einkauf"), ("b@customers.test", "")),
    subject="Rechnung für März – Invoice 7" + " lang" * 30,
    text="Guten Tag,\n.\n.x\nGrüße\n",
    html="<p>Guten Tag</p>\n.\n<p>Grüße</p>",
    message_id="<1.2.3@example.com>",
    date=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
    invoice_ids=frozenset({1}),
)


def document(name: str = "INV-1.pdf", content: bytes = b"%PDF" + bytes(range(256)) * 50) -> Document:
    return Document(1, name, "application/pdf", hashlib.sha256(content).hexdigest(), content)


def picture(name: str = "logo@example.com", content: bytes = b"\x89PNG picture") -> Picture:
    return Picture(name, "image/png", hashlib.sha256(content).hexdigest(), content)


@pytest.mark.parametrize("documents", [0, 2])
def test_pictures_are_within_the_html_and_no_attachments(documents: int) -> None:
    html = '<p><img src="cid:logo@example.com" alt=""></p>\n'
    shown = [picture(), picture("line@example.com", b"GIF89a line")]
    files = [document(f"{n}.pdf") for n in range(documents)]
    made = compose(replace(LETTER, html=html, pictures=tuple(shown)), files)
    mail = email.message_from_bytes(made.data, policy=email.policy.default)
    assert not any(part.defects for part in mail.walk())
    body = mail.get_body(("related",))
    assert body is not None
    assert [part.get_content_type() for part in body.iter_parts()] == ["text/html", "image/png", "image/png"]
    found = [(part["Content-ID"], part.get_payload(decode=True)) for part in list(body.iter_parts())[1:]]
    assert found == [(f"<{each.content_id}>", each.content) for each in shown]
    assert len(list(mail.iter_attachments())) == documents
    text = mail.get_body(("plain",))
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    stored = {each.sha256: each.content for each in shown} | {each.sha256: each.content for each in files}
    assert rebuild(made.rebuild_data, stored.__getitem__) == made.data
    letter = parsed_mail.read(made.data)
    assert [name for name, _ in letter.pictures] == [each.content_id for each in shown]
    assert len(letter.attachments) == documents
    assert "data:image/png;base64," in (letter.html_to_show or "")


@pytest.mark.parametrize(
    "wrong",
    [
        picture("a\r\nBcc: b@c.test"),
        picture("a>b"),
        replace(picture(), media_type="text/html\r\nX: y"),
        replace(picture(), content=b"another"),
    ],
)
def test_a_picture_that_is_not_what_it_says_goes_nowhere(wrong: Picture) -> None:
    with pytest.raises(Uncomposable):
        compose(replace(LETTER, pictures=(wrong,)), [])


@pytest.mark.parametrize("documents", [0, 1, 3])
def test_what_goes_in_comes_out(documents: int) -> None:
    names = ["INV-1.pdf", "Rechnung für März – 100 € " + "x" * 80 + ".pdf", 'quo"te; semi.pdf']
    files = [document(name, name.encode() * 999) for name in names[:documents]]
    made = compose(LETTER, files)
    mail = email.message_from_bytes(made.data, policy=email.policy.default)
    assert not mail.defects
    assert mail["Subject"] == LETTER.subject
    assert [str(address) for address in mail["To"].addresses] == [
        '"Jörg Ünlü, Einkauf" <a@customers.test>',
        "b@customers.test",
    ]
    assert mail["From"].addresses[0].display_name == "Example, Inc. Rechnungsbüro"
    assert sorted(mail.keys()) == sorted(
        [
            "From",
            "To",
            "X-Auto-Response-Suppress",
            "Reply-To",
            "Subject",
            "Date",
            "Message-ID",
            "Auto-Submitted",
            "MIME-Version",
            "Content-Type",
        ]
    )
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().strip().replace("\r\n", "\n") == LETTER.html
    attached = [(part.get_filename(), part.get_content()) for part in mail.iter_attachments()]
    assert attached == [(file.file_name, file.content) for file in files]
    assert made.data.isascii()
    assert b"\n" not in made.data.replace(b"\r\n", b"")
    assert max(map(len, made.data.split(b"\r\n"))) <= 998
    contents = {file.sha256: file.content for file in files}
    assert rebuild(made.rebuild_data, contents.__getitem__) == made.data
    assert hashlib.sha256(made.data).hexdigest() == made.sha256


@pytest.mark.security("C8")
@pytest.mark.parametrize("breaker", ["\r\n", "\n", "\r", "\x00", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_no_header_can_be_smuggled_in(breaker: str) -> None:
    evil = f"x{breaker}Bcc: thief@example.org"
    for letter in (
        replace(LETTER, subject=evil),
        replace(LETTER, sender=("billing@example.com", evil)),
        replace(LETTER, to=(("a@customers.test", evil),)),
        replace(LETTER, to=((f"a@customers.test{breaker}Bcc: t@e.org", ""),)),
        replace(LETTER, reply_to=f"a@customers.test{breaker}Bcc: t@e.org"),
        replace(LETTER, message_id=evil),
        replace(LETTER, real_recipients=(evil,)),
    ):
        with pytest.raises(Uncomposable):
            compose(letter, [])
    with pytest.raises(Uncomposable):
        compose(LETTER, [document(evil)])


def test_a_document_of_another_invoice_is_never_attached() -> None:
    with pytest.raises(Uncomposable, match="another invoice"):
        compose(LETTER, [replace(document(), invoice_id=2)])


def test_a_document_with_other_bytes_is_never_attached() -> None:
    with pytest.raises(Uncomposable, match="not what it was"):
        compose(LETTER, [replace(document(), content=b"%PDF another")])


@pytest.mark.security("C28")
def test_a_text_with_lone_carriage_returns_stays_one_mail() -> None:
    made = compose(replace(LETTER, text="a\r.\r\nb\r", html=None), [])
    assert b"\r" not in made.data.replace(b"\r\n", b"")


@pytest.mark.parametrize(
    ("media_type", "content", "said"),
    [
        ("text/csv", "Straße;1".encode(), 'text/csv; charset="utf-8"'),
        ("text/csv", "Straße;1".encode("cp1252"), "text/csv"),
        ("text/csv", "Straße;1".encode("utf-16"), 'text/csv; charset="utf-16"'),
        ("application/xml", b"<a/>", 'application/xml; charset="utf-8"'),
        ("application/xml", b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xfc</a>',
         'application/xml; charset="iso-8859-1"'),
        ("text/xml", b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><a/>", 'text/xml; charset="utf-8"'),
        ("application/pdf", b"%PDF-1.7", "application/pdf"),
    ],
)  # fmt: skip
def test_d2_a_text_is_attached_with_its_charset(media_type: str, content: bytes, said: str) -> None:
    file = Document(1, "a.bin", media_type, hashlib.sha256(content).hexdigest(), content)
    mail = email.message_from_bytes(compose(LETTER, [file]).data, policy=email.policy.default)
    [part] = mail.iter_attachments()
    assert part["Content-Type"] == said
    assert part.get_payload(decode=True) == content


def test_d3_no_out_of_office_reply_is_asked_for() -> None:
    mail = email.message_from_bytes(compose(LETTER, []).data, policy=email.policy.default)
    assert mail["X-Auto-Response-Suppress"] == "DR, RN, NRN, OOF, AutoReply"  # not NDR: bounces are needed
    assert mail["Auto-Submitted"] == "auto-generated"
