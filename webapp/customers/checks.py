"""What people fill in of customers and clusters, checked as an import checks it. Each raises Refused, in
words."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.errors import Refused
from webapp.imports import values
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.store.customers import Cluster

NAME_MAX, CODE_MAX, LANGUAGE_MAX, TAG_MAX, FIELD_MAX = 300, 100, 16, 200, 100


def address(text: str) -> str:
    """The address as it goes on the wire."""
    try:
        return checked_address(text)
    except BadAddress as problem:
        said = str(problem).rstrip(".")
        raise Refused(f"{said[0].upper()}{said[1:]}. Write it as name@example.com.") from None


def line(what: str, text: str, most: int, *, empty: bool = False) -> str:
    """One line of text; `what` begins the sentence that refuses it."""
    try:
        return str(values.text(most, empty=empty)(text.strip()))
    except ValueError as problem:
        raise Refused(f"{what} {problem}.") from None


def language(text: str) -> str:
    """The code of a language, or nothing."""
    code = text.strip()
    if len(code) > LANGUAGE_MAX or not values.LANGUAGE.fullmatch(code):
        raise Refused(f"“{code[:50]}” is not a language code. Write it as “nl” or “de-CH”.")
    return code


def cluster(session: Session, viewer: Viewer, tag_name: str) -> Cluster:
    """The cluster of this name that this person may see."""
    wanted = (Cluster.tag_name == tag_name.strip(), visible_to(viewer, Cluster))
    found = session.scalar(select(Cluster).where(*wanted))
    if found is None:
        raise Refused(
            f"There is no cluster “{tag_name.strip()}”. Choose one from the list, or create it first."
        )
    return found
