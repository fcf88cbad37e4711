"""Every kind of mail, made of whatever texts there are: read back by the standard library it says what went
in, and looks on the wire as RFC 5322 and 2045 want it."""

from __future__ import annotations

import email
import email.policy
import hashlib
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from webapp.mailing.compose import Document, MailDraft, compose, rebuild

BREAKERS = "\r\n\x00\x0b\x0c\x85\u2028\u2029"

words = st.text(
    st.one_of(
        st.characters(min_codepoint=32, max_codepoint=126),
        st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=BREAKERS),
        st.sampled_from(" =?\"'\\,;:<>@()%.äß€漢😀"),
    ),
    max_size=120,
)
header_texts = words.map(str.strip).filter(bool)
bodies = st.text(
    st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(".\r\n =é")), max_size=400
)
addresses = st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}@[a-z0-9-]{1,20}\.test", fullmatch=True)
people = st.tuples(addresses, words.map(str.strip))
contents = st.binary(min_size=1, max_size=3_000)
media_types = st.sampled_from(
    ["application/pdf", "text/csv", "application/xml", "nonsense", "message/rfc822"]
)


@st.composite
def letters(draw: st.DrawFn) -> MailDraft:
    return MailDraft(
        sender=draw(people),
        reply_to=draw(st.one_of(st.just(""), addresses)),
        to=tuple(draw(st.lists(people, min_size=1, max_size=3))),
        subject=draw(header_texts),
        text=draw(bodies),
        html=draw(st.one_of(st.none(), bodies)),
        message_id="<1.2.3@example.com>",
        date=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
        invoice_ids=frozenset({1}),
        real_recipients=draw(st.sampled_from([(), ("a@customers.test", "b@customers.test" * 9)])),
    )


@st.composite
def documents(draw: st.DrawFn) -> Document:
    content = draw(contents)
    digest = hashlib.sha256(content).hexdigest()
    return Document(1, draw(header_texts), draw(media_types), digest, content)


@pytest.mark.security("C28")
@settings(max_examples=300, deadline=None)
@given(letters(), st.lists(documents(), max_size=3))
@example(
    MailDraft(("a@x.test", "=?utf-8?q?Bcc?="), "", (("b@x.test", '"'),), "=?utf-8?q?x?= y", ".", ".\r.",
    "<1@x>", datetime(2026, 1, 1, tzinfo=UTC), frozenset({1})),
    [Document(1, "<>", "text/csv", hashlib.sha256(b"x").hexdigest(), b"x")]
)  # fmt: skip
def test_what_goes_in_comes_out(letter: MailDraft, attached: list[Document]) -> None:
    made = compose(letter, attached)
    wire(made.data)
    mail: Any = email.message_from_bytes(made.data, policy=email.policy.default)
    assert [part.defects for part in mail.walk() if part.defects] == []
    assert spaces(mail["Subject"]) == spaces(letter.subject)
    raw = email.message_from_bytes(made.data, policy=email.policy.compat32)
    assert people_in(raw["From"]) == [named(letter.sender)]
    assert people_in(raw["To"]) == [named(pair) for pair in letter.to]
    assert (mail["Reply-To"] or "") == letter.reply_to
    assert (mail["X-Mailrun-Recipients"] or "") == ", ".join(letter.real_recipients)
    wanted = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
    wanted |= {"X-Auto-Response-Suppress"}
    optional = {"Reply-To", "X-Mailrun-Recipients", "Content-Transfer-Encoding"}
    assert wanted <= set(mail.keys()) <= wanted | optional
    assert len(mail.keys()) == len(set(mail.keys()))
    inline = [part for part in mail.walk() if part.get_content_disposition() != "attachment"]
    texts = [part for part in inline if part.get_content_maintype() == "text"]
    said = [letter.text] if letter.html is None else [letter.text, letter.html]
    assert [body_of(part) for part in texts] == [ended(text) for text in said]
    assert [(spaces(file_name(part)), part.get_payload(decode=True)) for part in mail.iter_attachments()] == [
        (spaces(document.file_name.replace("/", "_").replace("\\", "_")), document.content)
        for document in attached
    ]
    by_hash = {document.sha256: document.content for document in attached}
    assert rebuild(made.rebuild_data, by_hash.__getitem__) == made.data
    assert hashlib.sha256(made.data).hexdigest() == made.sha256


def wire(data: bytes) -> None:
    """7-bit, no lone CR or LF, no line longer than 998, none but the last empty line begins with a space
    alone."""
    assert data.isascii()
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert data.endswith(b"\r\n")
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    head = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    assert all(line.strip() for line in head)


def file_name(part: Any) -> str:
    """The parameter itself: get_filename() would take < and > around it for those of an address."""
    return str(part["Content-Disposition"].params["filename"])


def spaces(text: str) -> str:
    """Folding and unfolding may turn one kind of white space into another; nothing else."""
    return " ".join(text.split())


def people_in(field: str) -> list[tuple[str, str]]:
    """(address, display name) of each, decoded by the older of the library's two readers: the newer one keeps
    the space between two encoded words of a display name, which RFC 2047, 6.2, wants dropped."""
    pairs = getaddresses([field])
    return [(address, spaces(str(make_header(decode_header(name))))) for name, address in pairs]


def named(pair: tuple[str, str]) -> tuple[str, str]:
    return pair[0], spaces(pair[1])


def body_of(part: Any) -> str:
    return str(part.get_payload(decode=True).decode())


def ended(text: str) -> str:
    """Lines end with CRLF on the way; the last one does, too."""
    lines = text.replace("\r\n", "\n")
    return (lines if lines.endswith("\n") else lines + "\n").replace("\n", "\r\n")
