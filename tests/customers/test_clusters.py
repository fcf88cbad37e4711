"""The graph of clusters: what each reaches, how it is drawn, and changes that tell first what they touch."""

from __future__ import annotations

import random
import re

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from tests import factories
from tests.customers.conftest import index_all
from tests.http_client import LogIn, text_of
from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.customers import cluster_editing, cluster_rows
from webapp.customers.cluster_graph import VisibleGraph, count_own, visible_graph
from webapp.customers.cluster_layout import BOX_HEIGHT, BOX_WIDTH, layout
from webapp.errors import Refused
from webapp.store.customers import Cluster, ClusterParent, Customer
from webapp.store.statuses import Role
from webapp.store.users import AuditEntry, SourceValue


def graph_of(session: Session, viewer: Viewer = OPERATOR) -> VisibleGraph:
    return visible_graph(session, viewer, count_own(session))


def ids_of(session: Session) -> dict[str, int]:
    return {name: id for name, id in session.execute(select(Cluster.tag_name, Cluster.id))}


@pytest.fixture
def diamond(world: World) -> World:
    """ "both" is below "left" and "right", which are below "all"; two customers in it, one in "left"."""
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", world.everybody)
        right = factories.cluster(session, "right", world.everybody)
        both = factories.cluster(session, "both", left, right)
        factories.cluster(session, "apart")
        for home, address in ((both, ""), (both, "a@customers.test"), (left, "b@customers.test")):
            factories.invoice(session, factories.customer(session, home, address))
        index_all(session)
    return world


def test_what_is_below_counts_once(diamond: World) -> None:
    with diamond.runtime.database.reading() as session:
        graph, ids = graph_of(session), ids_of(session)
        assert vars(graph.counted(ids["all"])) == {"customers": 3, "invoices": 3, "missing": 1}
        assert graph.counted(ids["right"]).customers == 2
        rows = cluster_rows.rows(graph, None, "")
        assert [(row.name, row.depth, row.also_under) for row in rows] == [
            ("all", 0, []),
            ("left", 1, []),
            ("both", 2, ["right"]),
            ("right", 1, []),
            ("apart", 0, []),
        ]
        assert [row.name for row in cluster_rows.rows(graph, None, "OT")] == ["both"]


def test_the_effect_is_told_and_then_it_is_so(diamond: World) -> None:
    with diamond.runtime.database.writing() as session:
        graph, ids = graph_of(session), ids_of(session)
        both, left, apart = ids["both"], ids["left"], ids["apart"]
        told = {e.name: (e.gained.customers, e.lost.customers)
                for e in cluster_editing.effects(session, graph, both, [left, apart])}  # fmt: skip
        assert told == {"apart": (2, 0), "right": (0, 2)}
        seen = cluster_editing.fingerprint_of(graph, both)
        assert cluster_editing.change(session, OPERATOR, graph, both, "Both", [left, apart], seen)
        graph = graph_of(session)
        assert (graph.counted(apart).customers, graph.counted(ids["right"]).customers) == (2, 0)
        with pytest.raises(Refused, match="changed by command line"):
            cluster_editing.change(session, OPERATOR, graph, both, "Again", [left], seen)
    with diamond.runtime.database.reading() as session:
        remembered = {each.field: each.value for each in session.scalars(select(SourceValue))}
        assert remembered == {"parents": ["left", "right"], "tag_name": "both"}
        details = session.scalars(select(AuditEntry.detail).where(AuditEntry.subject == "cluster both")).all()
        assert details == ["name: both → Both; parents: left, right → apart, left"]


def test_a_circle_is_refused_with_its_path(diamond: World) -> None:
    with diamond.runtime.database.reading() as session:
        graph, ids = graph_of(session), ids_of(session)
        with pytest.raises(Refused, match=r"both is below all.*circle: all › left › both › all"):
            cluster_editing.refuse_circle(graph, ids["all"], [ids["both"]])
        with pytest.raises(Refused, match="its own parent"):
            cluster_editing.refuse_circle(graph, ids["all"], [ids["all"]])


def test_a_cluster_is_added_and_deleted_when_empty(diamond: World) -> None:
    bound = Viewer("m@example.com", Role.MANAGER, frozenset({diamond.everybody.id}))
    with diamond.runtime.database.writing() as session:
        with pytest.raises(Refused, match="Choose a parent"):
            cluster_editing.create(session, bound, "new", [])
        with pytest.raises(Refused, match="no cluster “apart”"):
            cluster_editing.create(session, bound, "new", ["apart"])
        with pytest.raises(Refused, match="cannot be used"):
            cluster_editing.create(session, bound, "left", ["all"])
        made = cluster_editing.create(session, bound, "new", ["left"])
        ids, graph = ids_of(session), graph_of(session, bound)
        assert "apart" not in graph.names.values()
        with pytest.raises(Refused, match="while 2 customers are in it"):
            cluster_editing.remove(session, bound, graph, ids["both"])
        with pytest.raises(Refused, match="while it has children: left"):
            cluster_editing.remove(session, bound, graph, ids["all"])
        assert cluster_editing.remove(session, bound, graph, made.id) == "new"
    with diamond.runtime.database.reading() as session:
        assert "new" not in ids_of(session)
        assert session.scalars(select(ClusterParent).where(ClusterParent.child_id == made.id)).all() == []


@pytest.mark.parametrize("size", [1, 2, 15, 300])
def test_a_map_has_no_two_boxes_at_one_place_and_edges_go_right(size: int) -> None:
    chance = random.Random(size)
    children: dict[int, list[int]] = {id: [] for id in range(size)}
    for child in range(1, size):
        for parent in {chance.randrange(child) for _ in range(chance.choice((1, 1, 1, 2)))}:
            children[parent].append(child)
    drawn = layout(children)
    assert len(drawn.boxes) == size
    places = {box.id: (box.x, box.y) for box in drawn.boxes}
    by_column: dict[int, list[int]] = {}
    for x, y in places.values():
        by_column.setdefault(x, []).append(y)
        assert 0 <= x <= drawn.width - BOX_WIDTH
        assert 0 <= y <= drawn.height - BOX_HEIGHT
    for column in by_column.values():
        assert all(
            lower - upper >= BOX_HEIGHT
            for upper, lower in zip(sorted(column), sorted(column)[1:], strict=False)
        )
    assert all(places[line.parent][0] < places[line.child][0] for line in drawn.lines)
    assert len(drawn.lines) == sum(map(len, children.values()))


def test_a_crossing_that_can_be_avoided_is() -> None:
    drawn = layout({1: [4], 2: [3], 3: [], 4: [], 0: [1, 2]})
    y = {box.id: box.y for box in drawn.boxes}
    assert (y[1] < y[2]) == (y[4] < y[3])


def test_beyond_300_clusters_are_searched_and_opened(world: World) -> None:
    with world.runtime.database.writing() as session:
        tops = [factories.cluster(session, f"top {n}", world.everybody) for n in range(4)]
        for n in range(320):
            factories.cluster(session, f"leaf {n}", tops[n % 4])
    with world.runtime.database.reading() as session:
        graph, ids = graph_of(session), ids_of(session)
        assert [row.name for row in cluster_rows.rows(graph, None, "")] == ["all"]
        assert len(cluster_rows.rows(graph, ids["top 1"], "")) == 2 + 80
        assert [row.name for row in cluster_rows.rows(graph, None, "leaf 311")] == ["leaf 311"]
        assert cluster_rows.mapped(graph, None) is None
        assert cluster_rows.mapped(graph, ids["top 1"]) is not None


def test_the_pages_ask_before_they_change(log_in: LogIn, world: World) -> None:
    with world.runtime.database.writing() as session:
        ids = ids_of(session)
        factories.customer(session, session.get_one(Cluster, ids["both"]))
    browser, url = log_in("manager"), f"/clusters/{ids['both']}"
    page = browser.look(f"/clusters?cluster={ids['both']}")
    assert "all › left" in text_of(page)
    seen = re.search(r'name="seen" value="(\w+)"', page.text)
    assert seen
    given = {"name": "Both", "parent": [str(ids["left"])], "seen": seen[1]}
    asked = browser.press(url, **given)
    assert "1 customer will no longer be reached from right." in text_of(asked)
    assert browser.press(url, **given, asked="1").status_code == 303
    said = text_of(browser.look(f"/clusters?cluster={ids['both']}"))
    assert "Saved. Existing runs keep their list." in said
    circle = browser.press(f"{url}/children", child="all")
    assert circle.status_code == 422
    assert "it would close a circle: all › left › Both › all" in text_of(circle)
    assert 'value="all"' in circle.text
    browser.look("/clusters/new")
    late = browser.press(url, **{**given, "name": "Late"}, asked="1")
    assert (late.status_code, 'value="Late"' in late.text) == (422, True)
    assert "This was changed by manager@example.com while you had it open." in late.text
    with world.runtime.database.reading() as session:
        assert session.get_one(Customer, 1).cluster_id == ids["both"]
