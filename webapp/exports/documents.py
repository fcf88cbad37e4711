"""Documents and where they are in the folder: under their SHA-256, so that equal names do not meet and equal
documents are written once."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import RowMapping, select
from sqlalchemy.orm import Session

from webapp.exports.tables import in_batches
from webapp.store.invoices import Invoice, Transformation, TransformationResult

FILE = "transformation_results.csv"
HEADER = ("invoice_number", "transformation", "file", "media_type")


def rows(session: Session) -> Iterator[RowMapping]:
    """Every document: invoice, transformation, file name, media type and SHA-256."""
    document = TransformationResult
    query = (
        select(
            document.id,
            Invoice.number,
            Transformation.name.label("transformation"),
            document.file_name,
            document.media_type,
            document.sha256,
        )
        .join(Invoice, Invoice.id == document.invoice_id)
        .join(Transformation, Transformation.id == document.transformation_id)
    )
    return in_batches(session, query, document.id)


def place(row: RowMapping) -> str:
    """The path of this document within the folder."""
    return f"documents/{row['sha256'][:2]}/{row['sha256']}/{row['file_name']}"
