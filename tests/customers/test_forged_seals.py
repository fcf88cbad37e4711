"""F, S2: a text that looks like a sealed password, or a damaged one, is never taken for one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports import folders
from tests.imports.test_folder import load
from tests.mailserver import MailServer
from tests.store.secrets_in import dump, password_of
from tests.world import make_world
from webapp.access import OPERATOR
from webapp.customers import editing
from webapp.edits import fingerprint
from webapp.errors import Refused
from webapp.extensions import Runtime
from webapp.imports.problems import ImportRefused
from webapp.sealed import PREFIX, CannotOpen, Keys, keys_of
from webapp.store.customers import Customer
from webapp.workers import WorkerProcess

KEYS = Keys(["k" * 40])
WHOLE = KEYS.seal("C1", "pin", "geheim-4711")
HEAD = f"{PREFIX}{KEYS.newest}:"
BROKEN = [
    "",
    "x",
    "::",
    f"{'0' * 32}:ü",
    f"{'ü' * 32}:x",
    f"{'0' * 32}:gAAAA",
    "\udcff:\udcff",
    f":{'ｇ' * 60}",
]


@pytest.mark.parametrize("rest", BROKEN)
def test_f_s2_every_broken_token_is_one_that_cannot_be_opened(rest: str) -> None:
    for value in (HEAD + rest, PREFIX + rest):
        with pytest.raises(CannotOpen):
            KEYS.open("C1", "pin", value)
        assert not KEYS.says("C1", "pin", value, "geheim-4711")
        assert not KEYS.same("C1", "pin", value, WHOLE)


def test_f_s2_a_digest_or_a_token_that_is_no_ascii_cannot_be_opened() -> None:
    digest = WHOLE.split(":")[2]
    for value in (WHOLE.replace(digest, "ü" * len(digest)), WHOLE[:-4] + "é"):
        with pytest.raises(CannotOpen):
            KEYS.open("C1", "pin", value)


def test_f_s2_a_damaged_password_can_be_set_again_to_the_same(runtime: Runtime, server: MailServer) -> None:
    world = make_world(runtime, server, password_key="pin")
    customer, _ = world.add("ada@customers.test")
    with runtime.database.writing() as session:
        row = session.get_one(Customer, customer.id)
        row.extra = {"pin": keys_of(session).seal(row.code, "pin", "geheim-4711")[:-4]}
        seen = fingerprint(editing.field_values(session, row, "pin", is_secret=True))
    with runtime.database.writing() as session:
        assert editing.set_field(session, OPERATOR, customer.id, "pin", "geheim-4711", seen)
    assert password_of(runtime, customer.id) == "geheim-4711"


def test_f_s2_one_damaged_password_does_not_stop_the_others(
    runtime: Runtime, server: MailServer, worker: WorkerProcess
) -> None:
    world = make_world(runtime, server, password_key="pin")
    for number, token in enumerate((None, "ü", "damaged", None)):
        customer, _ = world.add(f"c{number}@customers.test")
        with runtime.database.writing() as session:
            row, keys = session.get_one(Customer, customer.id), keys_of(session)
            whole = keys.seal(row.code, "pin", "geheim-4711")
            row.extra = {"pin": whole if token is None else f"{PREFIX}{keys.newest}:{'0' * 32}:{token}"}
    run_id = world.run()
    world.start(run_id)
    world.work(worker, run_id, rounds=3)
    assert sorted(world.statuses(run_id)) == ["ready", "ready", "sent", "sent"]
    assert [len(server.mails_to(f"c{n}@customers.test")) for n in range(4)] == [1, 0, 0, 1]


@pytest.mark.parametrize("field", ["pin", "town"])
def test_f_s2_a_typed_text_that_looks_sealed_is_refused(
    runtime: Runtime, server: MailServer, field: str
) -> None:
    world = make_world(runtime, server, password_key="pin")
    customer, _ = world.add("ada@customers.test")
    refused = pytest.raises(
        Refused, match=f"“{field}” begins with “mailrun-sealed:”.*Write the password itself"
    )
    with refused, runtime.database.writing() as session:
        editing.set_field(session, OPERATOR, customer.id, field, WHOLE, None)
    assert PREFIX not in dump(runtime)


@pytest.mark.parametrize("field", ["pin", "town"])
def test_f_s2_an_imported_text_that_looks_sealed_is_an_error_of_its_row(
    runtime: Runtime, tmp_path: Path, field: str
) -> None:
    rows = f"code,name,cluster,language,metadata.{field}\nC1,One,North,de,x\nC2,Two,Both,en, {WHOLE}\n"
    messaging = folders.MESSAGING + 'password_key = "pin"\n'
    folder = folders.write(tmp_path / "in", messaging_toml=messaging, customers_csv=rows)
    with pytest.raises(ImportRefused) as refusal:
        load(runtime, folder)
    [told] = refusal.value.errors
    assert f"customers.csv:3: metadata.{field}: begins" in told
    assert WHOLE not in told
    assert PREFIX not in dump(runtime)
