"""What an import takes away: a source has all rows of a scope of which it has any. Of a customer's addresses
under a key, or an invoice's documents of a transformation, those that the folder no longer has are removed,
but for what a person added.

Mails that went out keep their own recipients, and their documents' bytes stay in the document store."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import and_, delete, func, insert, select
from sqlalchemy.orm import Session

from webapp import notation
from webapp.imports import staged
from webapp.imports.targets import Target
from webapp.store.statuses import Origin
from webapp.translation import _, translated

FREE_REMOVALS = 50
"""Up to this many addresses, or documents, an import removes without being asked to."""
FREE_SHARE = 0.1
"""Up to this share of a file's rows, too."""


def find(session: Session, target: Target, known: int) -> int:
    """Note which stored rows are removed; return their number. `known` is how many stored rows the folder
    has."""
    if not target.scope:
        return 0
    stored = target.stored
    if session.scalar(select(func.count()).select_from(stored)) == known:
        return 0  # all of them: the usual import of what is stored already need not look further
    removed = staged.REMOVED[target.staged.name]
    same = [stored.c[name] == target.values[name] for name in target.scope]
    named = select(stored.c.id).select_from(target.source.join(stored, and_(*same)))
    known_ids = select(target.known.c.id).where(target.known.c.id.is_not(None))
    session.execute(insert(removed).from_select(["id"], named.except_(known_ids)))
    _spare(session, target)
    return session.scalar(select(func.count()).select_from(removed)) or 0


def _spare(session: Session, target: Target) -> None:
    """Let those stay that a person added, and those of sets that a person changed (kept.py)."""
    stored, removed = target.stored, staged.REMOVED[target.staged.name]
    spared = staged.SPARED[target.staged.name]
    added = (
        select(removed.c.id)
        .join_from(removed, stored, stored.c.id == removed.c.id)
        .where(stored.c.origin == Origin.ADDED, removed.c.id.not_in(select(spared.c.id)))
    )
    session.execute(insert(spared).from_select(["id"], added))
    session.execute(delete(removed).where(removed.c.id.in_(select(spared.c.id))))


def delete_found(session: Session, target: Target) -> None:
    """Delete the rows that were found."""
    removed = staged.REMOVED[target.staged.name]
    session.execute(delete(target.stored).where(target.stored.c.id.in_(select(removed.c.id))))


def objection(removed: Mapping[str, tuple[int, int]], allowed: int | None) -> str:
    """Why the import must not take away so much, as the words of a refusal; empty if it may.

    `removed`: what the rows are called → how many are removed, and how many rows the file has. `allowed` is
    the number that a person has allowed; None: FREE_REMOVALS or FREE_SHARE, whichever is more."""
    total = sum(count for count, _rows in removed.values())
    if allowed is None:
        too_many = any(count > max(FREE_REMOVALS, FREE_SHARE * rows) for count, rows in removed.values())
    else:
        too_many = total > allowed
    if not too_many:
        return ""
    listed = ", ".join(
        _(
            "%(count)s %(words)s (the file has %(rows)s)",
            count=notation.number(count),
            words=translated(words),
            rows=notation.number(rows),
        )
        for words, (count, rows) in removed.items()
        if count
    )
    return _(
        "the folder would take away %(listed)s: it does not have them, and it does have others of the same "
        "customers or invoices. See which with --dry-run. If they are to go, import with --allow-removals "
        "%(total)s; if not, add them to the folder",
        listed=listed,
        total=total,
    )
