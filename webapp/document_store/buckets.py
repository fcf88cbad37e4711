"""Documents in a bucket that speaks the S3 protocol: what all machines of an installation can reach.

Credentials, region and AWS_ENDPOINT_URL (for stores that are not Amazon's) come from the environment, as the
library reads them; on Amazon's machines, from the machine's role. `open_store`: which store MAILRUN_STORE_URL
names, a bucket or a folder."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from webapp.document_store.stores import DocumentFolder, DocumentMissing, DocumentStore, checked, place
from webapp.errors import SettingError
from webapp.translation import _

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Store

CONNECT_SECONDS = 5
REQUEST_SECONDS = 60
RETRIES = 3
RETRY_SECONDS = 20
"""For how long a store that does not answer is asked again; then it counts as away."""


class DocumentBucket:
    """A bucket of documents. An object is complete or absent: the server puts it in place when it has all of
    it."""

    is_far = True

    def __init__(self, bucket: S3Store) -> None:
        import obstore

        self._bucket, self._verbs = bucket, obstore

    def put(self, content: bytes) -> str:
        """Store the bytes; the server has confirmed that when this returns."""
        digest = hashlib.sha256(content).hexdigest()
        if not self.has(digest):
            with _told(), _no_bucket():
                self._verbs.put(self._bucket, place(digest), content, use_multipart=False)
        return digest

    def has(self, digest: str) -> bool:
        """Whether it was stored. A bucket that does not exist has nothing."""
        try:
            with _told():
                self._verbs.head(self._bucket, place(digest))
        except FileNotFoundError:
            return False
        return True

    def get(self, digest: str) -> bytes:
        """The bytes; bytes in the bucket that differ count as missing, too."""
        return checked(self.read(digest), digest)

    def read(self, digest: str) -> bytes:
        """The bytes as they are in the bucket."""
        try:
            with _told():
                return bytes(self._verbs.get(self._bucket, place(digest)).bytes())
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error):  # no document is to blame
                raise _no_such_bucket() from None
            raise DocumentMissing(_("the document store has no %(digest)s", digest=digest)) from None

    def remove(self, digest: str) -> None:
        """Delete these bytes from the bucket."""
        with _told(), _no_bucket():
            self._verbs.delete(self._bucket, place(digest))


def open_store(url: str) -> DocumentStore:
    """The document store at this address: a folder's path (or file:// address), or s3://bucket/prefix.
    Nothing is contacted yet. Raises SettingError for others."""
    if url.startswith("s3://"):
        return open_bucket(url)
    if "://" in url and not url.startswith("file://"):
        raise SettingError(f"MAILRUN_STORE_URL is {url}; it must be a folder, or s3://bucket/prefix")
    return DocumentFolder(Path(url.removeprefix("file://")))


def open_bucket(url: str) -> DocumentBucket:
    """The bucket at s3://bucket/prefix. Raises SettingError if the library is not installed, or the address
    names no bucket."""
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError:
        raise SettingError(
            f"MAILRUN_STORE_URL is {url}, which needs the package obstore: pip install 'mailrun[s3]'"
        ) from None
    parts = urlsplit(url)
    if not parts.netloc or parts.query or parts.fragment:
        raise SettingError(f"MAILRUN_STORE_URL is {url}; it must be s3://bucket or s3://bucket/prefix")
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL", "")
    client: ClientConfig = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "timeout": timedelta(seconds=REQUEST_SECONDS),
    }
    retries: RetryConfig = {"max_retries": RETRIES, "retry_timeout": timedelta(seconds=RETRY_SECONDS)}
    prefix = parts.path.strip("/") or None
    try:
        bucket = S3Store(parts.netloc, prefix=prefix, client_options=client, retry_config=retries)
    except (BaseError, ValueError) as error:
        raise SettingError(f"MAILRUN_STORE_URL is {url}: {_first_line(error)}") from None
    return DocumentBucket(bucket)


@contextmanager
def _told() -> Iterator[None]:
    """The library's errors as OSError, in a line, as callers know it from a disk that is away."""
    from obstore.exceptions import BaseError

    try:
        yield
    except BaseError as error:
        raise OSError(errno.EIO, f"the document store does not answer: {_first_line(error)}") from None


@contextmanager
def _no_bucket() -> Iterator[None]:
    """For calls where "not found" can only mean a missing bucket."""
    try:
        yield
    except FileNotFoundError:
        raise _no_such_bucket() from None


def _no_such_bucket() -> OSError:
    return OSError(errno.EIO, "the document store has no such bucket")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), "")[:300] or type(error).__name__
