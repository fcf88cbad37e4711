"""Links in the text version of a mail: “Pay now <https://pay.example/7>” (RFC 3986, appendix C). Nothing else
of a link would be left there."""

from __future__ import annotations

import re
from html import escape, unescape

LINK = re.compile(r"(<a\s(?:[^\"'<>]|\"[^\"]*\"|'[^']*')*>)(.*?)(?=</a\s*>)", re.I | re.S)
HREF = re.compile(r"(?<![\w-])href\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.I)
TAGS = re.compile(r"<[^<>]*>")
MARKS = re.compile("[\ufdd0\ufdd1]")
"""plain_text.py puts these around values."""
SCHEMES = ("https://", "http://", "mailto:", "tel:")
"""Links that lead somewhere outside the mail."""


def with_addresses(html: str) -> str:
    """The HTML with each link's address after the link's text, where the text is not the address already."""
    return LINK.sub(_with_address, html)


def _with_address(link: re.Match[str]) -> str:
    tag, inner = link[1], link[2]
    found = HREF.search(tag)
    if found is None:
        return link[0]
    given = next(each for each in found.groups() if each is not None).strip()
    address = unescape(MARKS.sub("", given)).strip()
    scheme = next((each for each in SCHEMES if address.lower().startswith(each)), None)
    if scheme is None or _plain(address, scheme) == _plain(_text(inner), scheme):
        return link[0]
    shown = given.replace("<", "&lt;").replace(">", "&gt;")
    if scheme in ("mailto:", "tel:"):  # what a person types is the address alone
        shown = escape(address[len(scheme) :].partition("?")[0])
    return f"{link[0]} &lt;{shown}&gt;"


def _text(inner: str) -> str:
    return unescape(MARKS.sub("", TAGS.sub("", inner)))


def _plain(text: str, scheme: str) -> str:
    """What two spellings of an address have in common."""
    text = "".join(text.split()).lower().removeprefix(scheme)
    if scheme in ("mailto:", "tel:"):
        text = text.partition("?")[0]
    if scheme == "tel:":
        return re.sub(r"[^0-9+]", "", text)
    return text.removeprefix("www.").rstrip("/")
