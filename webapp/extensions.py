"""What every part of the program is given: settings, database, documents, job queue, the renderer of
templates, and the counters of what goes out. An application has them, with pages or without."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

from flask import Flask, current_app

from webapp.config import Settings
from webapp.document_store.buckets import open_store
from webapp.document_store.stores import DocumentStore
from webapp.mailing.pdf_locking import LOCKER
from webapp.mailing.renderer import Renderer
from webapp.queue import JobQueue
from webapp.smtp.rates import Counters
from webapp.store.database import Database
from webapp.store.db import db


@dataclass(frozen=True)
class Runtime:
    settings: Settings
    database: Database
    documents: DocumentStore
    queue: JobQueue
    renderer: Renderer
    counters: Counters

    def close(self) -> None:
        """Close what was opened: pooled connections, and the child processes."""
        self.renderer.close()
        LOCKER.close()
        self.database.dispose()


def init_app(app: Flask, settings: Settings) -> None:
    """Open everything that the settings name, for this application. Nothing is contacted yet."""
    app.extensions[_RUNTIME] = Runtime(
        settings=settings,
        database=db.open(app, settings.database_url, settings.secret_key, settings.former_keys),
        documents=open_store(settings.store_url),
        queue=JobQueue(settings.redis_url),
        renderer=Renderer(),
        counters=Counters(settings.redis_url),
    )


def runtime() -> Runtime:
    """The current application's parts; needs an application context."""
    return runtime_of(current_app)


def runtime_of(app: Flask) -> Runtime:
    """This application's parts, for code that has no application context."""
    return cast(Runtime, app.extensions[_RUNTIME])


def replace_renderer(app: Flask, renderer: Renderer) -> None:
    """Have this application render by another renderer."""
    parts = runtime_of(app)
    parts.renderer.close()
    app.extensions[_RUNTIME] = replace(parts, renderer=renderer)


_RUNTIME = "mailrun"
