"""F8: what the database, its files, exports and mails have of the passwords of documents: nothing to read."""

from __future__ import annotations

import io
import logging
from email import message_from_bytes, policy
from pathlib import Path

import pikepdf
import pytest
from cryptography.fernet import MultiFernet
from sqlalchemy import select, update

from tests.imports import folders
from tests.imports.test_folder import load
from tests.mailserver import MailServer
from tests.store.secrets_in import dump, files_with, password_of
from tests.world import World, make_world
from webapp import sealed, sealing
from webapp.access import OPERATOR
from webapp.customers import editing
from webapp.edits import fingerprint
from webapp.errors import Refused
from webapp.exports.folder import export_folder
from webapp.extensions import Runtime
from webapp.sealed import CannotOpen, Keys
from webapp.store.customers import Customer
from webapp.store.definitions import TemplateText
from webapp.workers import WorkerProcess

FIRST, SECOND = "Geheim-eins-4711", "Geheim-zwei-0815"
WITH_PIN = folders.MESSAGING + 'password_key = "pin"\n'


def of_c1(pin: str) -> str:
    return f"code,name,cluster,language,metadata.pin\nC1,Müller & Söhne,North,de,{pin}\nC2,Smith,Both,en,\n"


def change(world: World, customer_id: int, pin: str) -> None:
    with world.runtime.database.writing() as session:
        customer = session.get_one(Customer, customer_id)
        seen = fingerprint(editing.field_values(session, customer, "pin", is_secret=True))
        assert editing.set_field(session, OPERATOR, customer_id, "pin", pin, seen)


def protected(runtime: Runtime, server: MailServer) -> tuple[World, int]:
    """A world whose mails have a password, and a customer whose password a person has changed twice."""
    world = make_world(runtime, server, password_key="pin")
    customer, _ = world.add("ada@customers.test")
    with runtime.database.writing() as session:
        session.get_one(Customer, customer.id).extra = {"town": "Utrecht"}
    for pin in (FIRST, SECOND):
        change(world, customer.id, pin)
    return world, customer.id


@pytest.mark.security("C18")
def test_f8_a_password_is_in_nothing_that_is_kept(
    runtime: Runtime,
    server: MailServer,
    worker: WorkerProcess,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    world, customer_id = protected(runtime, server)
    with runtime.database.writing() as session:
        source = "<p>{{ customer|pprint }}</p><p>{{ customer.metadata.town }}</p>"
        session.execute(update(TemplateText).values(source=source))
    run_id = world.deliver(worker)
    assert world.statuses(run_id) == ["sent"]
    [taken] = server.mails_to("ada@customers.test")
    mail = message_from_bytes(taken.data, policy=policy.default)
    body, [document] = mail.get_body(("html",)), list(mail.iter_attachments())
    with pikepdf.open(io.BytesIO(document.get_content()), password=SECOND) as pdf:
        assert len(pdf.pages) == 1
    assert body is not None
    assert "Utrecht" in body.get_content()
    assert sealed.PREFIX not in body.get_content()
    export_folder(runtime.database, runtime.documents, tmp_path / "out", with_documents=True, actor="a test")
    everything = dump(runtime) + taken.data.decode() + caplog.text
    for secret in (FIRST, SECOND):
        assert secret not in everything
        assert files_with(tmp_path, secret) == []  # the home is in it, with the database's files, on SQLite
    assert password_of(runtime, customer_id) == SECOND


def test_f8_what_is_imported_is_sealed_and_imported_again_changes_nothing(
    runtime: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = folders.write(tmp_path / "in", messaging_toml=WITH_PIN, customers_csv=of_c1(FIRST))
    assert load(runtime, folder, dry_run=True).counts["customers"].new == 2
    load(runtime, folder)
    assert FIRST not in dump(runtime)
    assert password_of(runtime, 1) == FIRST
    before = dump(runtime)
    with monkeypatch.context() as patch:  # equal passwords are found without decrypting or encrypting any
        for name in ("decrypt", "encrypt"):
            patch.setattr(MultiFernet, name, lambda *_: pytest.fail("nothing has changed"))
        assert not load(runtime, folder).changed_anything
    assert dump(runtime) == before
    folders.write(tmp_path / "in", messaging_toml=WITH_PIN, customers_csv=of_c1(SECOND))
    done = load(runtime, folder)
    assert done.counts["customers"].changed == 1
    assert ["metadata.pin differs" in str(row) for row in done.rows] == [True]
    assert SECOND not in f"{done.rows} {dump(runtime)}"
    assert password_of(runtime, 1) == SECOND


def test_f8_what_a_person_changed_stays_until_the_source_says_something_new(
    runtime: Runtime, server: MailServer, tmp_path: Path
) -> None:
    folder = folders.write(tmp_path / "in", messaging_toml=WITH_PIN, customers_csv=of_c1(FIRST))
    load(runtime, folder)
    change(World(runtime, server, None, None), 1, SECOND)  # type: ignore[arg-type]
    assert FIRST not in dump(runtime)
    assert load(runtime, folder).counts["customers"].kept == 1
    assert password_of(runtime, 1) == SECOND
    folders.write(tmp_path / "in", messaging_toml=WITH_PIN, customers_csv=of_c1("third-password"))
    assert load(runtime, folder).counts["customers"].source_wins == 1
    assert password_of(runtime, 1) == "third-password"


def test_f8_a_field_that_a_definition_names_is_sealed_with_what_it_has(
    runtime: Runtime, tmp_path: Path
) -> None:
    """Imported in plain text, found by it; then an import names the field as that of a password."""
    folder = folders.write(tmp_path / "in", customers_csv=of_c1(FIRST))
    load(runtime, folder)
    assert FIRST in dump(runtime)
    assert not sealing.is_due(runtime.database)
    load(runtime, folders.write(tmp_path / "later", {"messaging.toml": WITH_PIN}))
    assert FIRST.lower() not in dump(runtime).lower()
    assert password_of(runtime, 1) == FIRST
    done = load(runtime, folder)  # its definition names no field: this one is secret still, since it was
    assert done.counts["customers"].changed == 0
    assert FIRST not in dump(runtime)


@pytest.mark.security("C18")
def test_f8_an_export_has_passwords_only_if_asked_and_imports_as_a_no_op(
    runtime: Runtime, server: MailServer, tmp_path: Path
) -> None:
    protected(runtime, server)
    for with_passwords in (False, True):
        out = tmp_path / f"out {with_passwords}"
        export_folder(
            runtime.database,
            runtime.documents,
            out,
            with_documents=False,
            with_passwords=with_passwords,
            actor="a test",
        )
        said = (out / "customers.csv").read_text()
        assert (SECOND in said, "metadata.pin" in said) == (with_passwords, with_passwords)
        assert sealed.PREFIX not in said
        assert not load(runtime, out).changed_anything


@pytest.mark.security("C18")
def test_f8_a_sealed_password_opens_for_its_own_customer_and_with_its_own_key_only() -> None:
    keys, others = Keys(["k" * 40]), Keys(["x" * 40])
    value = keys.seal("C1", "pin", FIRST)
    assert keys.open("C1", "pin", value) == FIRST
    assert keys.seal("C1", "pin", FIRST) != value
    assert keys.seal("C2", "pin", FIRST).split(":")[2] != value.split(":")[2]  # equal ones do not look equal
    assert (keys.seal("C1", "pin", " "), keys.open("C1", "pin", None)) == (" ", "")
    for reader, code, stored, why in (
        (others, "C1", value, "MAILRUN_SECRET_KEY_OLD"),
        (keys, "C2", value, "another customer"),
        (keys, "C1", value[:-9] + "AAAAAAAA=", "damaged"),
    ):
        with pytest.raises(CannotOpen, match=why):
            reader.open(code, "pin", stored)
    both = Keys(["x" * 40, "k" * 40])
    assert both.open("C1", "pin", value) == FIRST
    assert both.says("C1", "pin", value, FIRST)
    assert both.same("C1", "pin", value, both.seal("C1", "pin", FIRST))
    assert not others.says("C1", "pin", value, FIRST)


def test_f8_with_another_key_no_password_is_stored(runtime: Runtime, server: MailServer) -> None:
    world, customer_id = protected(runtime, server)
    runtime.database.info["secret_key"] = "another key, which the database is not bound to"
    with pytest.raises(Refused, match="another secret key"):
        change(world, customer_id, "third")
    with runtime.database.reading() as session:
        stored = session.scalars(select(Customer.extra)).one()
    assert SECOND not in str(stored)
