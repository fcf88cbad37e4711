"""The list "To fix", as a person reads it who reads Dutch; its download stays English."""

from __future__ import annotations

from sqlalchemy import update

from tests.fixing.conftest import fields, part
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.results.to_fix import OpenCause
from webapp.store.users import User


def test_what_is_to_fix_in_dutch(world: World, log_in: LogIn) -> None:
    world.add("")
    world.add("a@x.test")
    world.run()
    browser = log_in()
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    said = part(browser, "no-recipient")
    assert "Geen adres bij een sleutel 1 klant" in said
    assert "maakt 1 resultaat vrij in “" in said
    assert "Op te lossen 1 in de wacht" in text_of(browser.look("/fix"))
    assert "no address with key “billing”" in browser.look("/fix.csv").text
    filled = fields(browser, OpenCause.NO_RECIPIENT, value="new@x.test")
    assert browser.press("/fix", **filled).status_code == 303
    assert "Opgeslagen. 1 resultaat is klaar en gaat uit na Starten." in text_of(browser.look("/fix"))
