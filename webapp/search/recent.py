"""What a person opened last: customers, invoices, runs and results. Only their ids are kept (pages.py), and
what they may see of these is looked up each time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.access import Viewer, visible_to
from webapp.store.customers import Cluster, Customer
from webapp.store.invoices import Invoice
from webapp.store.runs import Result, Run
from webapp.translation import _

RECENT_MAX = 8
KINDS = {"customer_id": "c", "invoice_id": "i", "run_id": "r", "result_id": "m"}
"""What the address of such a page names → the letter that its mark begins with."""
MARK = re.compile(r"([cirm])(\d{1,18})")


@dataclass(frozen=True)
class Recent:
    """A row: where it leads, its icon, and its words."""

    href: str
    icon: str
    words: str
    beside: str


def opened(marks: Sequence[str], mark: str) -> list[str]:
    """The marks, with this one first."""
    return [mark, *(each for each in marks if each != mark)][:RECENT_MAX]


def load(session: Session, viewer: Viewer, marks: Sequence[str]) -> list[Recent]:
    """What of these is still there, and may be seen by this person; in this order."""
    wanted: dict[str, list[int]] = {letter: [] for letter in KINDS.values()}
    for mark in marks[:RECENT_MAX]:
        if found := MARK.fullmatch(mark):
            wanted[found[1]].append(int(found[2]))
    rows: dict[str, Recent] = {}
    for letter, (query, row) in QUERIES.items():
        model = MODELS[letter]
        if ids := wanted[letter]:
            visible = query.where(model.id.in_(ids), visible_to(viewer, model))
            rows.update({f"{letter}{each.id}": row(each) for each in session.execute(visible)})
    return [rows[mark] for mark in marks if mark in rows]


MODELS: dict[str, Any] = {"c": Customer, "i": Invoice, "r": Run, "m": Result}
QUERIES: dict[str, tuple[Any, Any]] = {
    "c": (
        select(Customer.id, Customer.name, Customer.code, Cluster.tag_name).join(
            Cluster, Cluster.id == Customer.cluster_id
        ),
        lambda row: Recent(f"/customers/{row.id}", "person", row.name, f"{row.code} · {row.tag_name}"),
    ),
    "i": (
        select(Invoice.id, Invoice.number, Customer.name).join(Customer, Customer.id == Invoice.customer_id),
        lambda row: Recent(f"/invoices/{row.id}", "file", row.number, row.name),
    ),
    "r": (
        select(Run.id, Run.name),
        lambda row: Recent(f"/runs/{row.id}", "sending", row.name, _("run %(id)s", id=row.id)),
    ),
    "m": (
        select(Result.id, Invoice.number, Customer.name, Result.status, Run.name.label("run"))
        .join(Invoice, Invoice.id == Result.lead_invoice_id)
        .join(Customer, Customer.id == Result.customer_id)
        .join(Run, Run.id == Result.run_id),
        lambda row: Recent(
            f"/results/{row.id}",
            row.status,
            _("The mail of %(number)s", number=row.number),
            f"{row.name} · {row.run}",
        ),
    ),
}
