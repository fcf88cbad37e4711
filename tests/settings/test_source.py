"""Settings that messaging.toml and administrators change: what was changed in the browser stays until the
file itself changes it, and the file obeys the rules of the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.exports.test_changed_here import export
from tests.exports.test_folder import content, imported_into_an_empty_database
from tests.imports import folders
from tests.imports.test_folder import load
from tests.imports.test_kept import told
from tests.settings.test_setting_pages import SERVER
from webapp.access import OPERATOR
from webapp.edits import fingerprint
from webapp.extensions import Runtime
from webapp.imports import folder as importing
from webapp.imports import storing as storing_step
from webapp.imports.folder import import_folder
from webapp.imports.problems import ImportRefused
from webapp.settings import storing
from webapp.settings.kinds import RECIPIENT_KEYS, SENDERS, SERVERS, SettingKind
from webapp.store.mailservers import MailServer, Sender
from webapp.store.users import SourceValue


def set_in_browser(runtime: Runtime, kind: SettingKind, name: str, **values: object) -> None:
    """Change these columns, as the page does."""
    with runtime.database.writing() as session:
        model: Any = kind.model
        row = session.scalars(select(model).where(getattr(model, kind.natural) == name)).one()
        before = storing.values_of(kind, row)
        assert storing.change(session, OPERATOR, kind, row.id, {**before, **values}, fingerprint(before))


def server(runtime: Runtime) -> MailServer:
    with runtime.database.reading() as session:
        return session.scalars(select(MailServer).where(MailServer.name == "relay")).one()


@pytest.fixture
def source(runtime: Runtime, tmp_path: Path) -> Path:
    """The file, imported; and then changed in the browser: a server, a sender and a recipient key."""
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    with runtime.database.writing() as session:
        session.add(MailServer(name="other", host="smtp.other.test", port=25, security="none"))
    with runtime.database.reading() as session:
        other = session.scalars(select(MailServer.id).where(MailServer.name == "other")).one()
    set_in_browser(runtime, SERVERS, "relay", host="smtp.mine.test", max_connections=3)
    set_in_browser(runtime, SENDERS, "invoicing", mail_server_id=other, display_name="Mine")
    set_in_browser(runtime, RECIPIENT_KEYS, "billing", description="Who pays")
    return folder


KEPT_HOST = "kept in mail servers: relay: host “smtp.mine.test” changed here,"
KEPT_SENDER = "kept in senders: invoicing:"


def test_what_was_changed_in_the_browser_stays_until_the_file_changes_it(
    runtime: Runtime, source: Path, tmp_path: Path
) -> None:
    for dry_run in (True, False, False):
        done = load(runtime, source, dry_run=dry_run)
        assert not done.changed_anything
        assert [row for row in told(done) if "servers" in row or "senders" in row] == [
            f"{KEPT_HOST} the source still says “127.0.0.1”",
            "kept in mail servers: relay: max_connections “3” changed here, the source still says “8”",
            f"{KEPT_SENDER} display_name “Mine” changed here, the source still says “nothing”",
            f"{KEPT_SENDER} mail_server “other” changed here, the source still says “relay”",
        ]
        assert done.counts["mail servers"].kept == 2
    assert (server(runtime).host, server(runtime).max_connections) == ("smtp.mine.test", 3)
    text = folders.MESSAGING.replace('host = "127.0.0.1"', 'host = "10.0.0.9"').replace(
        "port = 2525", "port = 26"
    )
    done = load(runtime, folders.write(tmp_path / "new", messaging_toml=text))
    assert [row for row in told(done) if "servers" in row] == [
        "changed in mail servers: relay: host smtp.mine.test → 10.0.0.9; port 2525 → 26",
        f"{KEPT_HOST} the source now says “10.0.0.9”".replace("kept in", "source wins in"),
        "kept in mail servers: relay: max_connections “3” changed here, the source still says “8”",
    ]
    found = server(runtime)
    assert (found.host, found.port, found.max_connections) == ("10.0.0.9", 26, 3)
    set_in_browser(runtime, SERVERS, "relay", port=27)
    load(runtime, folders.write(tmp_path / "new", messaging_toml=text))
    assert server(runtime).port == 27


def test_an_export_carries_them(runtime: Runtime, source: Path, tmp_path: Path) -> None:
    folder = export(runtime, tmp_path / "out")
    done = load(runtime, folder)
    assert told(done) == []
    assert not done.changed_anything
    assert not load(runtime, source).changed_anything
    assert server(runtime).host == "smtp.mine.test"
    database, store = imported_into_an_empty_database(folder, tmp_path)
    import_folder(database, store, source)
    with database.reading() as session:
        assert session.scalars(select(Sender.display_name)).one() == "Mine"
        assert session.scalars(select(MailServer.host).where(MailServer.name == "relay")).one() == (
            "smtp.mine.test"
        )
    database.dispose()
    assert b"mail_server,relay,host" in content(folder)["changed_here.csv"]


def test_a_change_while_the_import_runs_stays(
    runtime: Runtime, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = folders.MESSAGING.replace("port = 2525", "port = 26")
    changed = folders.write(tmp_path / "new", messaging_toml=text)
    keep = storing_step.keep_documents

    def meanwhile(*args: object) -> None:
        keep(*args)  # type: ignore[arg-type]
        set_in_browser(runtime, SERVERS, "relay", username="meanwhile")

    monkeypatch.setattr(importing, "keep_documents", meanwhile)
    load(runtime, changed)
    assert (server(runtime).port, server(runtime).username) == (26, "meanwhile")


def test_what_is_remembered_of_a_deleted_server_goes_with_it(runtime: Runtime, source: Path) -> None:
    with runtime.database.writing() as session:
        id = storing.create(session, OPERATOR, SERVERS, "brief", {**SERVER_VALUES})
    set_in_browser(runtime, SERVERS, "brief", port=26)
    with runtime.database.writing() as session:
        storing.remove(session, OPERATOR, SERVERS, id)
        left = select(SourceValue).where(SourceValue.subject == "mail_server", SourceValue.subject_id == id)
        assert session.scalars(left).all() == []


SERVER_VALUES = {"host": SERVER["host"], "port": 25, "security": "none"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (
            'security = "none"',
            'security = "none"\npassword_env = "SMTP_PASSWORD"',
            "username: is empty; name the user whose password the variable holds",
        ),
        (
            'mail_server = "relay"',
            'mail_server = "relay"\nreply_to = "x@elsewhere.test"',
            "reply_to: is outside of example.com, where replies may go",
        ),
        (
            'from_key = "invoicing"',
            'from_key = "invoicing"\nreply_to = "x@elsewhere.test"',
            "reply_to: is outside of example.com, where replies may go",
        ),
        ('security = "none"', 'security = "none"\nauthorities = "hello"', "is no certificate in PEM"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"])
def test_the_file_obeys_the_rules_of_the_pages(
    runtime: Runtime, tmp_path: Path, old: str, new: str, words: str
) -> None:
    folder = folders.write(tmp_path / "in", messaging_toml=folders.MESSAGING.replace(old, new))
    with pytest.raises(ImportRefused) as refused:
        import_folder(runtime.database, runtime.documents, folder, bcc_domains=("example.com",))
    assert words in str(refused.value)
