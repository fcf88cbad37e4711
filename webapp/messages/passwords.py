"""What a mail's documents are protected with, and what templates see of the customer: never that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from webapp import sealed
from webapp.sealed import CannotOpen
from webapp.store.definitions import Content
from webapp.translation import _


@dataclass(frozen=True)
class DocumentPassword:
    """What opens a mail's documents, if they need a password: then one of the two is not empty, or the
    customer has none. `trouble`: why it cannot be read, in words."""

    text: str = field(default="", repr=False)
    trouble: str = ""


def customer_names(row: Row[Any], secret: frozenset[str]) -> dict[str, Any]:
    """What templates see of a customer: without what its secret fields hold."""
    names = {name: getattr(row, name) for name in ("code", "name", "language", "metadata", "cluster")}
    return {**names, "metadata": sealed.without_secrets(row.metadata, secret)}


def password_of(session: Session, row: Row[Any], content: Content) -> DocumentPassword:
    """What the documents of this customer's mail are protected with; nothing if they need no password."""
    key = content["password_key"]
    if not key:
        return NO_PASSWORD
    try:
        return DocumentPassword(sealed.keys_of(session).open(row.code, key, row.metadata.get(key)).strip())
    except CannotOpen as problem:
        told = {"key": key, "problem": problem}
        trouble = _("the customer’s password in “%(key)s” cannot be read: %(problem)s", **told)
        return DocumentPassword(trouble=trouble)


NO_PASSWORD = DocumentPassword()
