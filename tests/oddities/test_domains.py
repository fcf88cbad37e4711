"""Which domains were mailed before: noted of every run that has finished, once, whatever happens between."""

from __future__ import annotations

from alembic import command
from sqlalchemy import func, select, update

from tests.oddities.usual import SEPTEMBER, mailed, note_domains
from tests.world import World
from webapp import migrations
from webapp.oddities.domains import note_next
from webapp.store.customers import DomainsNoted, MailedDomain
from webapp.store.runs import Result, Run
from webapp.store.types import now


def known(world: World) -> list[str]:
    with world.runtime.database.reading() as session:
        return list(session.scalars(select(MailedDomain.domain).order_by(MailedDomain.domain)))


def september(world: World, *recipients: str) -> int:
    world.add(period=SEPTEMBER)
    run_id = mailed(world)
    with world.runtime.database.writing() as session:
        session.execute(update(Result).values(recipients=list(recipients)))
    return run_id


def test_the_domains_of_a_finished_run_are_noted_once(world: World) -> None:
    run_id = september(world, "a@one.test", "b@one.test", "c@two.test")
    assert note_next(world.runtime.database)
    assert known(world) == ["one.test", "two.test"]
    assert not note_next(world.runtime.database)
    with world.runtime.database.writing() as session:  # as when it runs again and finishes again
        session.execute(update(Result).values(recipients=["d@three.test"]))
        session.get_one(Run, run_id).finished_at = now()
    note_domains(world)
    assert known(world) == ["one.test", "three.test", "two.test"]
    with world.runtime.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(DomainsNoted)) == 1


def test_what_did_not_go_to_the_customer_is_not_noted(world: World) -> None:
    run_id = september(world, "a@one.test")
    with world.runtime.database.writing() as session:
        session.execute(update(Result).values(redirected=True))
    note_domains(world)
    assert known(world) == []
    with world.runtime.database.writing() as session:
        session.execute(update(Result).values(redirected=False, status="failed"))
        session.get_one(Run, run_id).finished_at = now()
    note_domains(world)
    assert known(world) == []


def test_a_run_that_has_not_finished_is_left_for_later(world: World) -> None:
    run_id = september(world, "a@one.test")
    with world.runtime.database.writing() as session:
        session.get_one(Run, run_id).status = "stopped"
    assert not note_next(world.runtime.database)


def test_an_installation_that_is_upgraded_knows_the_domains_of_its_runs(world: World) -> None:
    september(world, "a@one.test", "b@two.test")
    world.runtime.database.dispose()
    command.downgrade(migrations._config(world.runtime.database), "0029")
    migrations.upgrade(world.runtime.database)
    assert known(world) == ["one.test", "two.test"]
    assert not note_next(world.runtime.database)
