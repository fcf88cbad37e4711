"""What people type is composed (NFC) from the door on; passwords are taken as they are."""

from __future__ import annotations

from unicodedata import normalize
from urllib.parse import quote

from flask import Flask, request
from sqlalchemy import update

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.store.customers import Customer
from webapp.web import typed_text

SPLIT, WHOLE = normalize("NFD", "Mü-1"), normalize("NFC", "Mü-1")


def test_c2_fields_are_composed_and_passwords_are_not() -> None:
    app = Flask("test")
    typed_text.init_app(app)
    with app.test_request_context(f"/?search={quote(SPLIT)}&search=x", method="POST", data={
        "name": SPLIT, "password": SPLIT, "plain": "abc",
    }):  # fmt: skip
        assert request.args.getlist("search") == [WHOLE, "x"]
        assert request.form.to_dict() == {"name": WHOLE, "password": SPLIT, "plain": "abc"}
        assert request.values["search"] == WHOLE


def test_c2_a_search_finds_a_customer_however_it_is_typed(log_in: LogIn, world: World) -> None:
    payer, _ = world.add()
    with world.runtime.database.writing() as session:
        session.execute(update(Customer).where(Customer.id == payer.id).values(name="Bäckerei Übel"))
    run_id = world.run()
    browser = log_in("manager")
    for typed in (normalize("NFD", "übel"), normalize("NFC", "übel")):
        assert "Bäckerei Übel" in text_of(browser.look(f"/runs/{run_id}?q={quote(typed)}"))
    assert "Bäckerei Übel" not in text_of(browser.look(f"/runs/{run_id}?q=other"))
