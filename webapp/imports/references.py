"""What only all rows together show: keys used twice, references to nothing, invoices of another customer.

Set-based, over the staging tables and what is stored. A wrong value is NULL there and refers to nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session

from webapp.imports import staged
from webapp.imports.circles import ImportedParents
from webapp.imports.kinds import Kind
from webapp.imports.problems import REPEATED, UNKNOWN, Problem, Problems
from webapp.imports.values import shown
from webapp.mailing.addresses import doubt_about
from webapp.store.customers import Cluster, ClusterParent, Customer, RecipientKey
from webapp.store.invoices import Invoice, Transformation
from webapp.translation import N_, _


@dataclass(frozen=True)
class Reference:
    """The column of a file that names something of another file, or something stored."""

    file: str
    column: ColumnElement[Any]
    words: str
    target_file: str
    target: ColumnElement[Any]
    stored: InstrumentedAttribute[str]


NO_CUSTOMER = N_("there is no customer %(name)s, neither in %(file)s nor stored")
CUSTOMER = (NO_CUSTOMER, "customers.csv", staged.CUSTOMER.c.code, Customer.code)
REFERENCES = (
    Reference(
        "customers.csv", staged.CUSTOMER.c.cluster,
        N_("there is no customer cluster %(name)s, neither in %(file)s nor stored"),
        "clusters.csv", staged.CLUSTER.c.tag_name, Cluster.tag_name,
    ),
    Reference("emails.csv", staged.EMAIL.c.customer_code, *CUSTOMER),
    Reference(
        "emails.csv", staged.EMAIL.c.key,
        N_("there is no recipient key %(name)s, neither in %(file)s nor stored"),
        "messaging.toml", staged.RECIPIENT_KEY.c.key, RecipientKey.key,
    ),
    Reference("invoices.csv", staged.INVOICE.c.customer_code, *CUSTOMER),
    Reference(
        "transformation_results.csv", staged.RESULT.c.invoice_number,
        N_("there is no invoice %(name)s, neither in %(file)s nor stored"),
        "invoices.csv", staged.INVOICE.c.number, Invoice.number,
    ),
    Reference(
        "transformation_results.csv", staged.RESULT.c.transformation,
        N_("there is no invoice transformation %(name)s, neither in %(file)s nor stored"),
        "messaging.toml", staged.TRANSFORMATION.c.name, Transformation.name,
    ),
)  # fmt: skip


UNKNOWN_NAMES_MAX = 1_000
"""Of one column: names of what does not exist that are kept."""


def index_keys(session: Session, kind: Kind, problems: Problems) -> None:
    """Puts a unique index on the natural key, for the look-ups to come; where it cannot be unique, notes the
    lines that use a key again."""
    table, columns = kind.table.name, ", ".join(kind.natural)
    try:
        with session.begin_nested():
            session.execute(text(f"CREATE UNIQUE INDEX ix_{table} ON {table} ({columns})"))
    except IntegrityError:
        _note_repeated(session, kind, problems)
        session.execute(text(f"CREATE INDEX ix_{table} ON {table} ({columns})"))


def note_unknown(session: Session, problems: Problems) -> None:
    """Report every reference to something that is neither in the folder nor stored."""
    for each in REFERENCES:
        if each.target_file in problems.incomplete:
            continue
        line = each.column.table.c.line
        wrong = select(line, each.column).where(
            each.column.is_not(None),
            ~select(each.target).where(each.target == each.column).exists(),
            ~select(each.stored).where(each.stored == each.column).exists(),
        )

        def words(row: Any, each: Reference = each) -> str:
            return _(each.words, name=shown(row[1]), file=each.target_file)

        where = each.file, str(each.column.key)
        if _note(session, problems, *where, wrong, line, words, UNKNOWN):
            names = wrong.with_only_columns(each.column).group_by(each.column).order_by(func.min(line))
            problems.unknown[where] = list(session.scalars(names.limit(UNKNOWN_NAMES_MAX)))


def note_others_invoices(session: Session, problems: Problems) -> None:
    """Report invoices that are already stored, but for another customer."""
    line = staged.INVOICE.c.line
    wrong = (
        select(line, staged.INVOICE.c.number, Customer.code)
        .join_from(staged.INVOICE, Invoice, Invoice.number == staged.INVOICE.c.number)
        .join(Customer, Customer.id == Invoice.customer_id)
        .where(Customer.code != staged.INVOICE.c.customer_code)
    )

    def words(row: Any) -> str:
        return _(
            "invoice %(number)s is stored for customer %(customer)s; an invoice cannot move",
            number=shown(row[1]),
            customer=shown(row[2]),
        )

    _note(session, problems, "invoices.csv", "customer_code", wrong, line, words)


ERASED = {
    "customers.csv": (staged.CUSTOMER, "code", N_("the personal data of %(name)s were erased on request")),
    "emails.csv": (staged.EMAIL, "customer_code", N_("%(name)s was erased on request, and gets no address")),
    "invoices.csv": (
        staged.INVOICE,
        "customer_code",
        N_("%(name)s was erased on request: without free data"),
    ),
}


def leave_out_erased(session: Session, problems: Problems) -> int:
    """Take what would bring back the data of erased customers out of the staging tables, and warn of it:
    their rows, addresses and documents. Invoices stay, without free data. Returns how many customers are
    erased."""
    erased = select(Customer.code).where(Customer.erased_at.is_not(None))
    count = session.scalar(select(func.count()).select_from(erased.subquery())) or 0
    if not count:
        return 0
    for file, (table, column, words) in ERASED.items():
        theirs = table.c[column].in_(erased)
        for line, name in session.execute(select(table.c.line, table.c[column]).where(theirs)):
            problems.warn(file, line, column, _(words, name=shown(name)))
        if table is staged.INVOICE:
            session.execute(update(table).where(theirs).values(data={}))
        else:
            session.execute(delete(table).where(theirs))
    for table in (staged.CHANGED_HERE, staged.ROW_OF_PEOPLE):
        session.execute(delete(table).where(table.c.owner.in_(erased)))
    _leave_out_documents(session, erased, problems)
    return count


def _leave_out_documents(session: Session, erased: Select[str], problems: Problems) -> None:
    """The documents of their invoices, those of the folder and those that are stored."""
    number, result = staged.INVOICE.c.number, staged.RESULT
    in_folder = select(number).where(staged.INVOICE.c.customer_code.in_(erased))
    stored = select(Invoice.number).join(Customer, Customer.id == Invoice.customer_id)
    theirs = result.c.invoice_number.in_(in_folder.union(stored.where(Customer.erased_at.is_not(None))))
    for line, name in session.execute(select(result.c.line, result.c.invoice_number).where(theirs)):
        words = _(
            "%(name)s is of a customer who was erased on request, and gets no document", name=shown(name)
        )
        problems.warn("transformation_results.csv", line, "invoice_number", words)
    session.execute(delete(result).where(theirs))
    named = select(result.c.sha256).where(result.c.sha256.is_not(None))
    session.execute(delete(staged.DOCUMENT).where(staged.DOCUMENT.c.sha256.not_in(named)))


def warn_of_addresses(session: Session, problems: Problems) -> None:
    """Warn of addresses whose domain has no dot: mail to them can go to a machine of this network only."""
    line, address = staged.EMAIL.c.line, staged.EMAIL.c.address
    doubtful = select(line, address).where(~address.like("%@%.%")).order_by(line)
    for number, given in session.execute(doubtful.execution_options(yield_per=1000)):
        if words := doubt_about(given):
            problems.warn("emails.csv", number, "address", words)


def note_wrong_parents(session: Session, graph: ImportedParents, problems: Problems) -> None:
    """Report parents that do not exist, and the lines that close a circle."""
    if "clusters.csv" not in problems.incomplete:
        stored = set(session.scalars(select(Cluster.tag_name)))
        for line, parent in graph.unknown_parents(stored):
            words = _(
                "there is no customer cluster %(name)s, neither in this file nor stored", name=shown(parent)
            )
            problems.add("clusters.csv", line, "parents", words)
    for line, circle in graph.closing(stored_edges(session)):
        words = _("closes a circle: %(circle)s", circle=" → ".join(circle))
        problems.add("clusters.csv", line, "parents", words)


def stored_edges(session: Session) -> list[tuple[str, str]]:
    """Every edge between stored clusters, as the tag names of child and parent."""
    child, parent = Cluster.__table__.alias("child"), Cluster.__table__.alias("parent")
    edges = (
        select(child.c.tag_name, parent.c.tag_name)
        .select_from(ClusterParent)
        .join(child, child.c.id == ClusterParent.child_id)
        .join(parent, parent.c.id == ClusterParent.parent_id)
    )
    return [(below, above) for below, above in session.execute(edges)]


def _note_repeated(session: Session, kind: Kind, problems: Problems) -> None:
    columns = [kind.table.c[name] for name in kind.natural]
    first = func.min(kind.table.c.line).over(partition_by=columns).label("first")
    rows = select(kind.table.c.line, first, *columns).where(*(c.is_not(None) for c in columns)).subquery()
    wrong = select(rows).where(rows.c.line != rows.c.first)

    def words(row: Any) -> str:
        values = ", ".join(shown(value) for value in row[2:])
        return _("%(values)s stands in line %(line)s already", values=values, line=row[1])

    column = "file" if kind.natural[-1] == "file_name" else kind.natural[-1]
    _note(session, problems, kind.file, column, wrong, rows.c.line, words, REPEATED)


def _note(
    session: Session,
    problems: Problems,
    file: str,
    column: str,
    wrong: Select[Any],
    line: ColumnElement[int],
    words: Callable[[Any], str],
    kind: str = "",
) -> int:
    """Note the problems, and give their number."""
    first = session.execute(wrong.order_by(line).limit(problems.rows_max)).all()
    total = len(first)
    if total == problems.rows_max:
        total = session.scalar(select(func.count()).select_from(wrong.subquery())) or 0
    problems.add_some([Problem(file, row[0], column, words(row), kind) for row in first], total)
    return total
