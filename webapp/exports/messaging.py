"""What is stored of mail servers, senders, templates and definitions, as messaging.toml.

Passwords are not in it, only the names of the variables that hold them. Pictures of templates are not part of
an import folder."""

from __future__ import annotations

from collections.abc import Iterator

import tomli_w
from sqlalchemy.orm import Session

from webapp.imports import messaging_store
from webapp.imports.messaging import FILE
from webapp.imports.messaging_keys import keys

__all__ = ["FILE", "entries"]


def entries(session: Session) -> Iterator[str]:
    """The tables of the file, one by one, in the order of their names."""
    stored = messaging_store.stored(session)
    for table, allowed in keys().items():
        for _, values in sorted(stored[table].items()):
            entry = {name: values[name] for name in allowed}
            # The writer turns CR LF within a text of several lines into LF: then it must be one line.
            readable = not any("\r" in str(value) for value in entry.values())
            yield f"[[{table}]]\n{tomli_w.dumps(entry, multiline_strings=readable)}\n"
