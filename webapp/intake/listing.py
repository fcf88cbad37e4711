"""What the pages of imports read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.store.customers import Cluster
from webapp.store.invoices import Transformation
from webapp.store.users import ImportSet, User

ROWS_OF_A_PAGE = 50


def page(session: Session, before: int | None) -> tuple[Sequence[ImportSet], int | None]:
    """The newest imports, or the newest of those before this id; and the id that the next page begins
    before."""
    rows = select(ImportSet).order_by(ImportSet.id.desc()).limit(ROWS_OF_A_PAGE + 1)
    found = session.scalars(rows if before is None else rows.where(ImportSet.id < before)).all()
    shown = found[:ROWS_OF_A_PAGE]
    return shown, shown[-1].id if len(found) > len(shown) else None


def people(session: Session, rows: Iterable[ImportSet]) -> dict[str, str]:
    """Address → name of those who uploaded or changed these."""
    addresses = {address for row in rows for address in (row.made_by, row.changed_by)}
    found = session.execute(select(User.email, User.name).where(User.email.in_(addresses)))
    return {email: name for email, name in found if name}


def transformations(session: Session) -> dict[str, list[str]]:
    """Output type → names of the transformations that make it."""
    found: dict[str, list[str]] = {}
    rows = select(Transformation.output_type, Transformation.name).order_by(Transformation.name)
    for output_type, name in session.execute(rows):
        found.setdefault(output_type, []).append(name)
    return found


CLUSTERS_OFFERED_MAX = 500


def clusters(session: Session) -> list[str]:
    """Those that new ones may be put below."""
    return list(
        session.scalars(select(Cluster.tag_name).order_by(Cluster.tag_name).limit(CLUSTERS_OFFERED_MAX))
    )
