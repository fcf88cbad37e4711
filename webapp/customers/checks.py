"""What people fill in of customers and clusters, checked as an import checks it. Each raises Refused, in
words."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import edits
from webapp.access import Viewer, visible_to
from webapp.errors import Refused
from webapp.imports import values
from webapp.language_names import tag_of
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.store.customers import Cluster
from webapp.translation import _

NAME_MAX, CODE_MAX, LANGUAGE_MAX, TAG_MAX, FIELD_MAX = 300, 100, 16, 200, 100


def address(text: str) -> str:
    """The address as it goes on the wire."""
    try:
        return checked_address(text)
    except BadAddress as problem:
        said = str(problem).rstrip(".")
        why = said[0].upper() + said[1:]
        raise Refused(_("%(problem)s. Write it as name@example.com.", problem=why)) from None


def line(what: str, text: str, most: int, *, empty: bool = False) -> str:
    """One line of text; `what`, in the reader's language, begins the sentence that refuses it."""
    value = text.strip()
    try:
        return str(values.text(most, empty=empty)(value))
    except ValueError:
        raise Refused(edits.why_no_line(what, value, most)) from None


def language(text: str) -> str:
    """The code of a language, which may be named in words; or nothing."""
    code = tag_of(text.strip())
    if len(code) > LANGUAGE_MAX or not values.LANGUAGE.fullmatch(code):
        raise Refused(_("“%(code)s” is not a language code. Write it as “nl” or “de-CH”.", code=code[:50]))
    return code


def cluster(session: Session, viewer: Viewer, tag_name: str) -> Cluster:
    """The cluster of this name that this person may see."""
    wanted = (Cluster.tag_name == tag_name.strip(), visible_to(viewer, Cluster))
    found = session.scalar(select(Cluster).where(*wanted))
    if found is None:
        raise Refused(no_cluster(tag_name.strip()))
    return found


def no_cluster(name: str) -> str:
    """That there is no cluster of this name, and the way out."""
    return _("There is no cluster “%(name)s”. Choose one from the list, or create it first.", name=name)
