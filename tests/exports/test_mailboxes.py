"""Mailboxes and the senders that they read for, in messaging.toml."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.exports.test_folder import content, export, imported_into_an_empty_database
from tests.imports import folders
from tests.imports.test_folder import load, refused
from webapp import edits
from webapp.access import Viewer
from webapp.exports.folder import export_folder
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.mailservers import passwords
from webapp.settings import storing
from webapp.settings.kinds import SENDERS
from webapp.store.bounces import Mailbox
from webapp.store.mailservers import Sender
from webapp.store.statuses import Role

ADMIN = Viewer("admin@example.com", Role.ADMIN)
SECRET = "open sesame"
IMAP = {"kind": "imap", "host": "imap.example.com", "username": "bounces", "every_minutes": 7}
MAILDIR = {"kind": "maildir", "folder": "/var/mail/bounces"}


@pytest.fixture
def stored(runtime: Runtime, tmp_path: Path) -> Runtime:
    """An imported folder, and what an administrator added: two mailboxes, one of which a sender uses."""
    load(runtime, folders.write(tmp_path / "in"))
    with runtime.database.writing() as session:
        session.add(mailbox := Mailbox(name="Bounces", **IMAP))
        session.add(Mailbox(name="Old", **MAILDIR))
        session.flush()
        passwords.store(session, mailbox, SECRET)
    give(runtime, mailbox.id)
    return runtime


def give(runtime: Runtime, mailbox_id: int | None) -> None:
    """Have an administrator give the first sender this mailbox, on its page."""
    with runtime.database.writing() as session:
        sender = session.scalars(select(Sender).order_by(Sender.id)).first()
        assert sender is not None
        values = storing.values_of(SENDERS, sender)
        seen = edits.fingerprint(values)
        storing.change(session, ADMIN, SENDERS, sender.id, {**values, "mailbox_id": mailbox_id}, seen)


def mailboxes_of_senders(runtime: Runtime) -> list[str | None]:
    with runtime.database.reading() as session:
        names = select(Mailbox.name).select_from(Sender).outerjoin(Mailbox, Mailbox.id == Sender.mailbox_id)
        return list(session.scalars(names.order_by(Sender.id)))


def test_an_export_has_them_without_any_password(stored: Runtime, tmp_path: Path) -> None:
    text = export(stored, tmp_path / "out")["messaging.toml"].decode()
    assert text.count("[[mailbox]]") == 2
    assert 'mailbox = "Bounces"' in text
    assert SECRET not in text
    with stored.database.reading() as session:
        assert all(each.password not in text for each in session.scalars(select(Mailbox)) if each.password)


def test_importing_it_changes_nothing_here_and_makes_the_same_elsewhere(
    stored: Runtime, tmp_path: Path
) -> None:
    before = export(stored, tmp_path / "out")
    done = import_folder(stored.database, stored.documents, tmp_path / "out")
    assert not any(counts.new or counts.changed for counts in done.counts.values())
    assert export(stored, tmp_path / "again") == before
    database, store = imported_into_an_empty_database(tmp_path / "out", tmp_path)
    export_folder(database, store, tmp_path / "other", with_documents=True, actor="a test")
    assert content(tmp_path / "other") == before


def test_a_file_that_says_nothing_of_mailboxes_leaves_them(stored: Runtime, tmp_path: Path) -> None:
    before = mailboxes_of_senders(stored)
    assert "Bounces" in before
    load(stored, tmp_path / "in")
    assert mailboxes_of_senders(stored) == before


def test_what_a_person_gave_a_sender_stays_until_the_file_says_another(
    stored: Runtime, tmp_path: Path
) -> None:
    export(stored, tmp_path / "out")
    (tmp_path / "out" / "changed_here.csv").unlink()
    load(stored, tmp_path / "out")
    give(stored, None)
    load(stored, tmp_path / "out")
    assert "Bounces" not in mailboxes_of_senders(stored)
    file = tmp_path / "out" / "messaging.toml"
    file.write_text(file.read_text().replace('mailbox = "Bounces"', 'mailbox = "Old"'))
    load(stored, tmp_path / "out")
    assert "Old" in mailboxes_of_senders(stored)
    file.write_text(file.read_text().replace('mailbox = "Old"', 'mailbox = "Elsewhere"'))
    assert any("there is no [[mailbox]]" in error for error in refused(stored, tmp_path / "out"))


def test_a_stored_mailbox_stays_as_it_is_and_that_is_told(stored: Runtime, tmp_path: Path) -> None:
    export(stored, tmp_path / "out")
    with stored.database.writing() as session:
        session.execute(update(Mailbox).where(Mailbox.name == "Bounces").values(host="imap2.example.com"))
    done = import_folder(stored.database, stored.documents, tmp_path / "out")
    told = [row for row in done.rows if row.kind == "kept" and row.row == "Bounces"]
    assert len(told) == 1
    assert "imap2.example.com" in " ".join(told[0].differences)
    with stored.database.reading() as session:
        kept = session.scalars(select(Mailbox).where(Mailbox.name == "Bounces")).one()
    assert (kept.host, kept.password != "") == ("imap2.example.com", True)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('kind = "imap"\nusername = "b"', "is empty; name the server of the mailbox"),
        ('kind = "imap"\nhost = "imap.example.com"', "is empty; name the user whose mailbox it is"),
        ('kind = "imap"\nhost = "169.254.169.254"\nusername = "b"', "169.254"),
        ('kind = "maildir"\nfolder = "mail"', "is no path"),
        ('kind = "maildir"\nfolder = "/mail"\nhost = "imap.example.com"', "is of a Maildir"),
        ('kind = "uucp"', "uucp"),
    ],
)
def test_what_a_mailbox_may_not_be(runtime: Runtime, tmp_path: Path, table: str, words: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "messaging.toml").write_text(f'[[mailbox]]\nname = "Bounces"\n{table}\n')
    assert words in " ".join(refused(runtime, folder))
    with runtime.database.reading() as session:
        assert session.scalars(select(Mailbox.id)).all() == []
