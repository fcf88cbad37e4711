"""The dialog of a new run, as a person reads it who reads Dutch; its downloads stay English."""

from __future__ import annotations

import re

from sqlalchemy import select, update

from tests.http_client import LogIn, fields, text_of
from tests.new_run.test_pages import preview
from tests.world import World
from webapp.store.runs import Run
from webapp.store.users import User


def test_a_new_run_in_dutch(log_in: LogIn, world: World) -> None:
    for address in ("a@x.test", "b@x.test", ""):
        world.add(address)
    browser = log_in("manager")
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    shown = preview(browser, world)
    assert "3 facturen voldoen, 2 te verzenden, 1 over te slaan" in text_of(shown).replace(" ,", ",")
    assert "verzendt 2 e-mails, de eerste binnen enkele seconden." in text_of(shown)
    [list_url] = re.findall(r'href="(/runs/preview/list[^"]+show=no_recipient)"', shown.text)
    url = list_url.replace("&amp;", "&")
    assert "helemaal geen adres" in text_of(browser.look(url))
    assert "no address at all" in browser.look(url.replace("/list?", "/list.csv?")).text
    browser.look("/runs/new")
    wrong = browser.press("/runs", **fields(world, period_to="2026-09-01"))
    assert "De periode eindigt voordat ze begint." in text_of(wrong)


def test_a_run_without_a_name_gets_one_in_the_makers_language(log_in: LogIn, world: World) -> None:
    world.add("a@x.test")
    browser = log_in("manager")
    with world.runtime.database.writing() as session:
        session.execute(update(User).values(language="nl"))
    browser.look("/runs/new")
    browser.press("/runs", **fields(world, name=""))
    with world.runtime.database.reading() as session:
        assert session.scalars(select(Run.name)).one().endswith(", 1 t/m 31 oktober 2026")
