"""The pages about invoices and their documents, as a person reads them who reads Dutch."""

from __future__ import annotations

from sqlalchemy import update

from tests.http_client import LogIn, text_of
from tests.invoices.conftest import Shelf
from webapp.store.users import User


def test_invoices_in_dutch(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in()
    with shelf.world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    listed = text_of(browser.look("/invoices"))
    assert "Facturen doorzoeken" in listed
    assert "€ 100,00" in listed.replace("\u00a0", " ")
    assert "Goedgekeurd" in listed
    shown = text_of(browser.look(f"/invoices/{shelf.ids['NT-1']}"))
    assert "1 van 1 transformatie" in shown
    assert "Wat een run vandaag zou doen" in shown
    browser.look("/invoices")
    asked = browser.press("/invoices/close", id=[str(shelf.ids["NT-1"]), str(shelf.ids["NT-5"])])
    assert "2 facturen sluiten?" in text_of(asked)
    said = text_of(browser.press("/invoices/new", number="NT-9", customer="", period_start="gisteren"))
    assert "Er is geen klant zonder code." in said


def test_a_download_is_in_english_in_every_language(log_in: LogIn, shelf: Shelf) -> None:
    browser = log_in()
    with shelf.world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    assert browser.look("/invoices.csv").text.startswith("\ufeffnumber,customer_code,customer_name")
    assert ",approved," in browser.look("/invoices.csv").text
