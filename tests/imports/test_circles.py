"""What the file says of a cluster's parents replaces what is stored, also in looking for circles."""

from __future__ import annotations

from webapp.imports.circles import ImportedParents


def graph(**parents: list[str]) -> ImportedParents:
    made = ImportedParents()
    for line, (child, above) in enumerate(parents.items(), 2):
        made.add(line, child, above)
    return made


def test_an_edge_that_the_file_takes_away_closes_nothing() -> None:
    turned = graph(a=["b"], b=[], x=["y"], y=["x"])
    assert list(turned.closing([("b", "a")])) == [(5, ["y", "x", "y"])]


def test_every_line_that_closes_a_circle_is_told() -> None:
    rings = graph(a=["b"], b=["a", "c"], c=["a"], d=["a", "d"])
    assert list(rings.closing([])) == [(3, ["b", "a", "b"]), (4, ["c", "a", "b", "c"]), (5, ["d", "d"])]


def test_a_long_chain_is_no_circle_and_takes_no_time() -> None:
    chain = graph(**{f"c{n}": [f"c{n + 1}"] for n in range(50_000)})
    assert list(chain.closing([])) == []


def test_only_edges_of_clusters_in_the_file_change() -> None:
    changed = graph(a=["b"], b=["c"])
    gone, added = changed.changes([("a", "b"), ("b", "a"), ("z", "a")])
    assert (gone, added) == ({("b", "a")}, {("b", "c")})
