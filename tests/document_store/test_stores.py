"""The document stores: a folder, and a bucket on a real server of the S3 protocol, behave alike."""

from __future__ import annotations

import hashlib
import io
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import obstore
import pytest
from obstore.store import S3Store

from tests.mailserver import mail_server
from tests.runtimes import open_runtime
from tests.s3_server import S3Server, s3_server
from tests.world import make_world
from webapp import config
from webapp.access import OPERATOR
from webapp.document_store import buckets
from webapp.document_store.buckets import open_store
from webapp.document_store.stores import DocumentFolder, DocumentMissing, DocumentStore, place
from webapp.errors import SettingError
from webapp.evidence.archive import evidence
from webapp.extensions import Runtime
from webapp.launch.checks import examine
from webapp.lifecycle import runs
from webapp.workers import WorkerProcess

CONTENT = b"%PDF-1.4 an invoice\n" * 100
DIGEST = hashlib.sha256(CONTENT).hexdigest()
KEY = f"{DIGEST[:2]}/{DIGEST}"


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        running.make_bucket("documents")
        yield running


@pytest.fixture
def s3(server: S3Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """The address of an empty place in the bucket, with the environment that leads there."""
    for name, value in server.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(buckets, "RETRIES", 1)
    return f"s3://documents/{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:12]}/of mailrun"


@dataclass
class Kind:
    """A kind of store, empty, and a way to put other bytes in the place of a document behind its back."""

    store: DocumentStore
    overwrite: Callable[[bytes], None]


@pytest.fixture(params=["folder", "bucket"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Kind:
    if request.param == "folder":
        root = tmp_path / "documents"
        return Kind(open_store(str(root)), lambda content: _write(root / KEY, content))
    url: str = request.getfixturevalue("s3")
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    behind = S3Store(bucket, prefix=prefix, client_options={"allow_http": True})
    return Kind(open_store(url), lambda content: _overwrite(behind, content))


def _overwrite(bucket: S3Store, content: bytes) -> None:
    obstore.put(bucket, KEY, content)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def test_what_is_put_is_there_under_its_hash(kind: Kind) -> None:
    assert not kind.store.has(DIGEST)
    assert kind.store.put(CONTENT) == kind.store.put(CONTENT) == DIGEST
    assert kind.store.has(DIGEST)
    assert kind.store.get(DIGEST) == CONTENT


@pytest.mark.security("C15")
def test_f15_only_its_owner_may_read_a_document(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        digest = DocumentFolder(tmp_path).put(CONTENT)
    finally:
        os.umask(before)
    assert (tmp_path / place(digest)).stat().st_mode & 0o777 == 0o600


def test_what_is_removed_is_missing_and_may_be_removed_again(kind: Kind) -> None:
    kind.store.put(CONTENT)
    for _ in range(2):
        kind.store.remove(DIGEST)
        assert not kind.store.has(DIGEST)
        with pytest.raises(DocumentMissing, match=DIGEST):
            kind.store.get(DIGEST)


def test_what_was_changed_behind_our_back_is_missing(kind: Kind) -> None:
    kind.store.put(CONTENT)
    kind.overwrite(CONTENT.replace(b"invoice", b"INVOICE"))
    with pytest.raises(DocumentMissing, match="was changed in the store"):
        kind.store.get(DIGEST)


def test_many_threads_at_once(kind: Kind) -> None:
    contents = [b"%d" % (number % 20) * 1000 for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        digests = list(pool.map(kind.store.put, contents))
        assert list(pool.map(kind.store.get, digests)) == contents


def test_a_large_document(kind: Kind) -> None:
    content = b"0123456789abcdef" * (3 * 1024 * 1024)
    assert kind.store.get(kind.store.put(content)) == content


def test_a_store_that_is_away_is_no_missing_document(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing listens at this port."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    store = open_store(s3)
    for verb in (store.has, store.get, store.remove):
        with pytest.raises(OSError, match="does not answer") as told:
            verb(DIGEST)
        assert told.value.strerror
        assert "secret" not in str(told.value)
    with pytest.raises(OSError, match="does not answer"):
        store.put(CONTENT)


def test_a_bucket_that_does_not_exist_is_no_missing_document_either(s3: str) -> None:
    store = open_store("s3://nowhere")
    for verb in (store.get, store.remove):
        with pytest.raises(OSError, match="no such bucket"):
            verb(DIGEST)
    with pytest.raises(OSError, match="no such bucket"):
        store.put(CONTENT)


@pytest.mark.parametrize("url", ["gs://bucket/x", "s3://", "s3:///prefix", "http://there"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(SettingError, match=url):
        open_store(url)


def test_without_the_library_the_way_to_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(SettingError, match=r"pip install 'mailrun\[s3\]'"):
        open_store("s3://documents")


@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_doctor_looks_at_the_bucket(environ: dict[str, str], s3: str) -> None:
    for url, well in ((s3, True), ("s3://nowhere", False)):
        runtime = opened(environ, url)
        [store] = [finding for finding in examine(runtime) if finding.about == "store"]
        assert (store.well, store.words.startswith(url)) == (well, True)
        runtime.close()


def opened(environ: dict[str, str], url: str) -> Runtime:
    return open_runtime(config.load({**environ, "MAILRUN_STORE_URL": url}))


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_run_goes_out_with_documents_from_the_bucket(environ: dict[str, str], s3: str) -> None:
    runtime = opened(environ, s3)
    with mail_server() as taking:
        world = make_world(runtime, taking)
        world.add()
        run_id = world.deliver(WorkerProcess(runtime.database))
        assert world.statuses(run_id) == ["sent"]
        with runtime.database.reading() as session:
            run = runs.run(session, OPERATOR, run_id)
        assert run is not None
        archive = ZipFile(io.BytesIO(b"".join(evidence(runtime.database, runtime.documents, OPERATOR, run))))
        [mail] = [name for name in archive.namelist() if name.startswith("mails/")]
        assert archive.read(mail) == taking.taken[0].data
    runtime.close()
