"""Which document store MAILRUN_STORE_URL names."""

from __future__ import annotations

from pathlib import Path

from webapp.errors import SettingError
from webapp.store.buckets import open_bucket
from webapp.store.documents import DocumentFolder, DocumentStore


def open_store(url: str) -> DocumentStore:
    """The document store at this address: a folder's path (or file:// address), or s3://bucket/prefix.
    Nothing is contacted yet. Raises SettingError for others."""
    if url.startswith("s3://"):
        return open_bucket(url)
    if "://" in url and not url.startswith("file://"):
        raise SettingError(f"MAILRUN_STORE_URL is {url}; it must be a folder, or s3://bucket/prefix")
    return DocumentFolder(Path(url.removeprefix("file://")))
