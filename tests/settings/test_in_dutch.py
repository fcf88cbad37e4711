"""The settings, as a person reads them who reads Dutch."""

from __future__ import annotations

from sqlalchemy import select, update

from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.store.users import AuditEntry, User


def test_settings_in_dutch(log_in: LogIn, world: World) -> None:
    browser = log_in()
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    assert "Mailservers 1" in text_of(browser.look("/settings"))
    listed = text_of(browser.look("/senders"))
    assert "Gebruikt door" in listed
    browser.look("/recipient-keys/new")
    said = text_of(browser.press("/recipient-keys/new", name="", description=""))
    assert "Ontvangersleutel toevoegen" in said
    browser.press("/recipient-keys/new", name="facturen", description="")
    assert "De ontvangersleutel “facturen” is toegevoegd." in text_of(browser.look("/recipient-keys"))
    key = f"/recipient-keys/{world.definition.recipient_key_id}"
    uses = text_of(browser.look(key))
    assert "Verwijderen kan niet zolang de definitie “" in uses
    with world.runtime.database.reading() as session:
        assert "recipient key facturen" in session.scalars(select(AuditEntry.subject)).all()
