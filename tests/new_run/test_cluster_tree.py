"""The clusters of the run dialog: who is shown what, counted once, and never more than was asked for."""

from __future__ import annotations

import time
from datetime import date

from tests import factories
from tests.world import World
from webapp.access import OPERATOR, Viewer
from webapp.new_run import cluster_tree
from webapp.new_run.cluster_tree import ClusterGraph, Twig
from webapp.store.customers import Cluster
from webapp.store.statuses import Role


def seen(world: World, viewer: Viewer = OPERATOR) -> ClusterGraph:
    with world.runtime.database.reading() as session:
        return cluster_tree.graph(session, viewer, *factories.OCTOBER)


def diamond(world: World) -> tuple[Cluster, Cluster, Cluster]:
    """ "left" and "right" below "all", "both" below these two; an invoice in each, two in "both"."""
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", world.everybody)
        right = factories.cluster(session, "right", world.everybody)
        both = factories.cluster(session, "both", left, right)
        for home in (left, right, both, both):
            factories.invoice(session, factories.customer(session, home))
        late = (date(2026, 10, 2), date(2026, 11, 1))
        factories.invoice(session, factories.customer(session, both), period=late)
    return left, right, both


def lines(twigs: list[Twig], depth: int = 0) -> list[str]:
    """The tree as a person sees it."""
    shown = []
    for twig in twigs:
        also = f" also in {', '.join(twig.also_in)}" if twig.also_in else ""
        sign = "-" if twig.children is not None else "+" if twig.has_children else " "
        shown.append(f"{'  ' * depth}{sign}{twig.name} {twig.invoices}{also}")
        shown += lines(twig.children or [], depth + 1)
    return shown


def test_a_customer_reached_twice_counts_once_and_every_parent_is_named(world: World) -> None:
    left, _, both = diamond(world)
    graph = seen(world)
    assert lines(cluster_tree.tree(graph, cluster_tree.opened_at_first(graph), None)) == [
        "-all 4",
        "  +left 3",
        "  +right 3",
    ]
    assert lines(cluster_tree.tree(graph, set(), both.id)) == [
        "-all 4",
        "  -left 3",
        "     both 2 also in right",
        "  +right 3",
    ]
    right_too = {(world.everybody.id, path) for path in graph.children[world.everybody.id]}
    assert "     both 2 also in left" in lines(cluster_tree.tree(graph, right_too, left.id))


def test_a_viewer_bound_to_a_cluster_sees_it_as_the_top(world: World) -> None:
    left, right, both = diamond(world)
    graph = seen(world, Viewer("m", Role.MANAGER, frozenset({left.id})))
    assert lines(cluster_tree.tree(graph, set(), both.id)) == ["-left 3", "   both 2"]
    assert cluster_tree.matches(graph, "right") == []
    assert not graph.has((right.id,))
    assert not graph.has((world.everybody.id, right.id))


def test_paths_that_lead_nowhere_are_known_as_such(world: World) -> None:
    left, right, both = diamond(world)
    graph, top = seen(world), world.everybody.id
    assert graph.has((top, left.id, both.id))
    assert graph.has((top, right.id, both.id))
    for path in ((left.id, both.id), (top, both.id), (top, left.id, right.id), (999,)):
        assert not graph.has(path), path


def test_a_search_finds_names_and_says_where_they_are(world: World) -> None:
    diamond(world)
    with world.runtime.database.writing() as session:
        for n in range(60):
            factories.cluster(session, f"Leftover {n}")
    found = cluster_tree.matches(seen(world), "LEFT")
    assert len(found) == cluster_tree.MATCHES_MAX
    assert [twig.within for twig in cluster_tree.matches(seen(world), "both")] == [["all", "left"]]
    assert cluster_tree.matches(seen(world), "eft")[-1].name.startswith("Left")


def test_a_tower_of_diamonds_is_no_tower_of_twigs(world: World) -> None:
    """Two clusters on each of 200 floors, each below both of the floor above: 2**200 ways down."""
    with world.runtime.database.writing() as session:
        floor = [world.everybody]
        for n in range(200):
            floor = [factories.cluster(session, f"{n} {side}", *floor) for side in "ab"]
        factories.invoice(session, factories.customer(session, floor[0]))
    graph = seen(world)
    began = time.monotonic()
    way = graph.path_to(floor[0].id)
    assert len(way) == 201
    deepest = cluster_tree.tree(graph, {way[:depth] for depth in range(1, 202)}, None)
    assert len(lines(deepest)) < 3 * cluster_tree.LEVELS_MAX
    assert deepest[0].invoices == 1
    assert time.monotonic() - began < 2


def test_a_wide_cluster_shows_some_children_and_the_one_asked_for(world: World) -> None:
    with world.runtime.database.writing() as session:
        last = [factories.cluster(session, f"c{n:04d}", world.everybody) for n in range(300)][-1]
    [top] = cluster_tree.tree(seen(world), set(), last.id)
    assert top.children is not None
    assert len(top.children) == cluster_tree.CHILDREN_MAX + 1
    assert top.children[-1].name == "c0299"
    assert top.more == 300 - cluster_tree.CHILDREN_MAX - 1
