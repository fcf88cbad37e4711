"""A form has its effect once, however often and however fast it is sent."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from webapp.store.database import Database
from webapp.web import form_keys


def test_a_key_is_used_once_and_remembers_where_it_led(database: Database) -> None:
    key = form_keys.new()
    with database.writing() as session:
        assert form_keys.use(session, key)
        form_keys.lead(session, key, "/runs/7")
    with database.writing() as session:
        assert not form_keys.use(session, key)
        assert form_keys.answer(session, key) == "/runs/7"
        assert session.scalar(select(form_keys.is_used(key)))
        assert form_keys.use(session, form_keys.new())


def test_an_effect_that_failed_leaves_the_key_unused(database: Database) -> None:
    key = form_keys.new()
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        1 / form_keys.use(session, key) / 0
    with database.writing() as session:
        assert form_keys.use(session, key)


@pytest.mark.security("C24")
def test_of_twenty_at_once_one_has_the_key(database: Database) -> None:
    key, won = form_keys.new(), []

    def press() -> None:
        with database.writing() as session:
            if form_keys.use(session, key):
                won.append(1)

    threads = [threading.Thread(target=press) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


@pytest.mark.parametrize("text", ["", "short", "x" * 65, "a" * 20 + "\n", "a b" * 10, "é" * 30])
def test_what_is_no_key_is_refused(database: Database, text: str) -> None:
    with pytest.raises(ValueError, match="not the key"), database.writing() as session:
        form_keys.use(session, text)
