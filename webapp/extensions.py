"""What every part of the program is given: settings, database, documents, the bell for the workers, the
renderer of templates, and the counters of what goes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from webapp.config import Settings
from webapp.mailing.rates import Counters
from webapp.mailing.renderer import Renderer
from webapp.queue import JobQueue
from webapp.store.database import Database
from webapp.store.document_stores import open_store
from webapp.store.documents import DocumentStore


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    database: Database
    documents: DocumentStore
    queue: JobQueue
    renderer: Renderer
    counters: Counters

    def close(self) -> None:
        """Ends what was opened: pooled connections, and the renderer's process."""
        self.renderer.close()
        self.database.dispose()


def open_runtime(settings: Settings) -> Runtime:
    """Opens everything that the settings name. Nothing is contacted yet."""
    return Runtime(
        settings=settings,
        database=Database(settings.database_url, settings.secret_key),
        documents=open_store(settings.store_url),
        queue=JobQueue(settings.redis_url),
        renderer=Renderer(),
        counters=Counters(settings.redis_url),
    )


def runtime() -> Runtime:
    """The running application's parts; needs an application context."""
    return cast(Runtime, current_app.extensions["mailrun"])
