"""The table of results, page by page: each order, with and without a search, forwards and backwards."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy.orm import Session

from tests import factories
from tests.results.test_filters import set_fields
from tests.world import World
from webapp import keyset
from webapp.access import OPERATOR, Viewer
from webapp.keyset import Edge
from webapp.results import queries
from webapp.results.queries import Filter
from webapp.store.runs import Run
from webapp.store.statuses import Role

NAMES = ("Zoë", "anna", "Ärzte", "Anna", "", "éclair", "Bert", "anna")


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "PAGE_SIZE", 3)


@pytest.fixture
def run_id(world: World) -> int:
    with world.runtime.database.writing() as session:
        for i, name in enumerate(NAMES):
            payer = factories.customer(session, world.everybody, name=name or " ")
            factories.document(
                session, world.runtime.documents, factories.invoice(session, payer, gross=f"{i % 3}.50")
            )
    return world.run()


def walk(
    world: World,
    run_id: int,
    chosen: Filter,
    known: int | None,
    *,
    back: bool = False,
    viewer: Viewer = OPERATOR,
) -> list[int]:
    """Every result's id as the pages show them, turned forwards (or back from the end) one by one."""
    seen: list[list[int]] = []
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        edge = _end(session, run, chosen) if back else None
        while True:
            page, matching = queries.results(session, viewer, run, chosen, edge, known)
            assert matching == len(NAMES)
            ids = [line.result.id for line in page.rows]
            seen = [ids, *seen] if back else [*seen, ids]
            cursor = page.previous if back else page.next
            if not cursor:
                return [id for ids in seen for id in ids]
            id, _, value = cursor.partition("~")
            edge = Edge(int(id), value, back)


def _end(session: Session, run: Run, chosen: Filter) -> Edge:
    beyond_all = {"": "\U0010ffff", "changed": "1999-01-01T00:00:00+00:00", "amount": "-1"}[chosen.order]
    return Edge(10**9 if chosen.order == "" else 0, beyond_all, True)


@pytest.mark.parametrize("order", ["", "changed", "amount"])
@pytest.mark.parametrize("known", [None, len(NAMES), queries.SORTED_IN_MEMORY_MAX])
def test_every_order_shows_each_result_once_in_both_directions(
    world: World, run_id: int, order: str, known: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if known == queries.SORTED_IN_MEMORY_MAX:  # the way along the index
        monkeypatch.setattr(queries, "SORTED_IN_MEMORY_MAX", 0)
        known = len(NAMES)
    chosen = Filter(order=order)
    forwards = walk(world, run_id, chosen, known)
    assert sorted(forwards) == [result.id for result in world.results(run_id)]
    assert walk(world, run_id, chosen, known, back=True) == forwards
    found = {result.id: result for result in world.results(run_id)}
    if order == "amount":
        amounts = [found[id].amount for id in forwards]
        assert amounts == sorted(amounts, reverse=True)
        assert amounts[0] == Decimal("2.50")
    if order == "changed":
        moments = [found[id].changed_at for id in forwards]
        assert moments == sorted(moments, reverse=True)
    if order == "":
        annas = [forwards.index(id) for id, result in found.items() if result.sort_name == "anna"]
        assert max(annas) - min(annas) == 2  # Anna, anna and anna stand together


@pytest.mark.parametrize("order", ["", "changed", "amount"])
@pytest.mark.parametrize("known", [None, len(NAMES)])
def test_every_order_is_turned_round_by_a_hyphen(
    world: World, run_id: int, order: str, known: int | None
) -> None:
    forwards = walk(world, run_id, Filter(order=order), known)
    assert walk(world, run_id, Filter(order=f"-{order}"), known) == forwards[::-1]


def test_e14_names_stand_where_people_look_for_them(world: World, run_id: int) -> None:
    """An accent does not move a name behind Z."""
    names = {result.id: result.sort_name for result in world.results(run_id)}
    shown = [names[id] for id in walk(world, run_id, Filter(), None)]
    assert [name for name in shown if name.strip()] == ["anna"] * 3 + ["arzte", "bert", "eclair", "zoe"]


def test_a_search_finds_every_letter_in_any_case_and_counts(world: World, run_id: int) -> None:
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        for wanted, n in (("ZOË", 1), ("ärzte", 1), ("ANNA", 3), ("Éc", 1), ("unknown", 0)):
            page, matching = queries.results(session, OPERATOR, run, Filter(search=wanted), None, None)
            assert (len(page.rows), matching) == (n, n), wanted


def test_a_search_counts_what_is_on_other_pages_too(world: World, run_id: int) -> None:
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        page, matching = queries.results(session, OPERATOR, run, Filter(search="INV-"), None, None)
        assert (len(page.rows), matching) == (3, len(NAMES))
        edge = Edge(page.rows[-1].result.id, page.rows[-1].result.sort_name, False)
        page, matching = queries.results(session, OPERATOR, run, Filter(search="INV-"), edge, None)
        assert (len(page.rows), matching) == (3, len(NAMES))


def test_customers_of_other_clusters_are_neither_shown_nor_counted(world: World, run_id: int) -> None:
    with world.runtime.database.writing() as session:
        apart = factories.cluster(session, "apart")
    bound = Viewer("viewer", Role.MANAGER, frozenset({apart.id}))
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        for chosen in (Filter(), Filter(search="anna")):
            assert queries.results(session, bound, run, chosen, None, None)[1] == 0


@pytest.mark.parametrize(
    ("order", "value"), [("changed", "yesterday"), ("changed", "2026-11-01T00:00:00"), ("amount", "much")]
)
def test_a_forged_edge_is_refused(world: World, run_id: int, order: str, value: str) -> None:
    chosen, edge = Filter(order=order), Edge(1, value, False)
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        with pytest.raises(ValueError, match=r"yesterday|time zone|amount"):
            queries.results(session, OPERATOR, run, chosen, edge, 8)


def test_a_collated_result_is_found_by_each_of_its_invoices(world: World) -> None:
    with world.runtime.database.writing() as session:
        session.get_one(type(world.definition), world.definition.id).collate = True
        payer = factories.customer(session, world.everybody)
        for number in ("FIRST-1", "SECOND-2"):
            of = factories.invoice(session, payer, number=number, gross="10.25")
            factories.document(session, world.runtime.documents, of)
    run_id = world.run()
    [result] = world.results(run_id)
    assert result.amount == Decimal("20.50")
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        for wanted in ("first-1", "second-2"):
            assert queries.results(session, OPERATOR, run, Filter(search=wanted), None, None)[1] == 1


def test_only_rows_that_changed_since_are_told(world: World, run_id: int) -> None:
    results = world.results(run_id)
    ids = [result.id for result in results]
    latest = max(result.changed_at for result in results)
    with world.runtime.database.reading() as session:
        run = session.get_one(Run, run_id)
        assert len(queries.changed_on_screen(session, OPERATOR, run, ids, latest)) <= len(ids)
    later = latest.replace(year=latest.year + 1)
    set_fields(world, ids[2], changed_at=later)
    with world.runtime.database.reading() as session:
        found = queries.changed_on_screen(session, OPERATOR, session.get_one(Run, run_id), ids, later)
        assert [line.result.id for line in found] == [ids[2]]
        assert len(queries.changed_on_screen(session, OPERATOR, session.get_one(Run, run_id), ids, None)) == 8
