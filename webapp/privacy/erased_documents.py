"""Delete the documents of erased customers from the store: after the commit, so that nothing is lost if it
fails, and again until it is done."""

from __future__ import annotations

import threading

from sqlalchemy import delete, select

from webapp.document_store.stores import DocumentStore
from webapp.evidence.retention import documents_of, kept_mails, pictures_in_use
from webapp.store.database import Database
from webapp.store.installation import held
from webapp.store.invoices import ErasedDocument, TransformationResult

DIGESTS_AT_ONCE = 5_000


def is_any(database: Database) -> bool:
    """Whether documents of an erased customer are still to be deleted."""
    with database.reading() as session:
        return session.scalar(select(ErasedDocument.sha256).limit(1)) is not None


def delete_erased(database: Database, store: DocumentStore, leaving: threading.Event) -> int:
    """Delete them, but for those that other invoices, templates and kept mails of other customers need;
    returns how many. Several processes may do it at once."""
    gone = 0
    while not leaving.is_set():
        with database.reading() as session:
            if held(session):
                return gone
            noted = set(session.scalars(select(ErasedDocument.sha256).limit(DIGESTS_AT_ONCE)))
            used = select(TransformationResult.sha256).where(TransformationResult.sha256.in_(noted))
            unneeded = noted - set(session.scalars(used.distinct()))
        if not noted:
            return gone
        unneeded -= pictures_in_use(database)
        for mails in kept_mails(database, None, None) if unneeded else ():
            if leaving.is_set():
                return gone
            for _, kept in mails:
                unneeded.difference_update(documents_of(kept))
        for digest in sorted(unneeded):
            store.remove(digest)
        with database.writing() as session:
            done = delete(ErasedDocument).where(ErasedDocument.sha256.in_(noted))
            session.execute(done, execution_options={"synchronize_session": False})
        gone += len(unneeded)
    return gone
