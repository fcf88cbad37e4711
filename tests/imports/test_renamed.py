"""A cluster that a person renamed: the source goes on calling it by its old name, or follows."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from tests.customers.test_clusters import graph_of
from tests.imports import folders
from tests.imports.test_folder import edges, load
from tests.imports.test_kept import remembered, told
from tests.imports.test_sources import again
from webapp.access import OPERATOR
from webapp.customers import cluster_editing
from webapp.extensions import Runtime
from webapp.store.customers import Cluster, Customer


def rename(runtime: Runtime, old: str, new: str) -> None:
    with runtime.database.writing() as session:
        graph = graph_of(session)
        id = session.scalars(select(Cluster.id).where(Cluster.tag_name == old)).one()
        parents = graph.parents[id]
        seen = cluster_editing.fingerprint_of(graph, id)
        assert cluster_editing.change(session, OPERATOR, graph, id, new, parents, seen)


def clusters_of_customers(runtime: Runtime) -> set[str]:
    with runtime.database.reading() as session:
        names = select(Cluster.tag_name).join(Customer, Customer.cluster_id == Cluster.id)
        return set(session.scalars(names))


def test_the_source_may_go_on_saying_the_old_name(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    rename(runtime, "North", "Northern")
    rename(runtime, "All", "Everybody")
    done = load(runtime, folder)
    assert not done.changed_anything
    assert told(done) == [
        "kept in customer clusters: Everybody: name “Everybody” changed here, the source still says “All”",
        "kept in customer clusters: Northern: name “Northern” changed here, the source still says “North”",
    ]
    assert clusters_of_customers(runtime) == {"Northern", "Both"}
    assert edges(runtime) == {
        ("Northern", "Everybody"), ("South", "Everybody"), ("Both", "Northern"), ("Both", "South")
    }  # fmt: skip


def test_a_source_that_follows_is_heard(runtime: Runtime, tmp_path: Path) -> None:
    load(runtime, folders.write(tmp_path / "in"))
    rename(runtime, "North", "Northern")
    done = load(runtime, again(tmp_path, clusters_csv="tag_name,parents\nNorthern,All\nNorth,All\n"))
    assert told(done) == [
        "new in customer clusters: North",
        "source wins in customer clusters: Northern: name changed here, the source now says the same",
    ]
    assert remembered(runtime) == set()
    assert {"North", "Northern"} <= {child for child, _ in edges(runtime)}


def test_another_cluster_of_the_old_name_is_the_one_that_is_meant(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    rename(runtime, "North", "Northern")
    with runtime.database.writing() as session:
        cluster_editing.create(session, OPERATOR, "North", ["All"])
    load(runtime, folder)
    assert clusters_of_customers(runtime) == {"North", "Both"}


def test_parents_that_a_person_gave_stay_when_a_parent_is_renamed(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    load(runtime, folder)
    with runtime.database.writing() as session:
        graph = graph_of(session)
        ids = {name: id for id, name in graph.names.items()}
        seen = cluster_editing.fingerprint_of(graph, ids["Both"])
        cluster_editing.change(session, OPERATOR, graph, ids["Both"], "Both", [ids["All"]], seen)
    rename(runtime, "South", "Southern")
    assert not load(runtime, folder).changed_anything
    assert ("Both", "All") in edges(runtime)
