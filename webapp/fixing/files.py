"""Files that a person chose in a row, on their way into the document store."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.document_store.stores import DocumentStore
from webapp.fixing.saving import FilledRow
from webapp.invoices import document_editing, uploads
from webapp.store.invoices import Transformation, TransformationResult


def kind_of_file(session: Session, filled: FilledRow) -> Transformation | None:
    """The transformation that the row's file is for; None without a file. Raises NotFound."""
    if filled.upload is None:
        return None
    of_document = select(TransformationResult.transformation_id)
    kind_id = (
        session.scalar(of_document.where(TransformationResult.id == int(filled.row.value)))
        if filled.row.value
        else filled.row.subject[1]
    )
    return document_editing.transformation(session, kind_id or 0)


def with_stored_file(store: DocumentStore, filled: FilledRow, kind: Transformation | None) -> FilledRow:
    """The row with its file in the store, before the transaction that uses it, and while no other is open:
    the store may be far away. Raises Refused."""
    if filled.upload is None or kind is None:
        return filled
    return replace(filled, kept=uploads.put(store, kind, filled.upload))
