"""A run over a cluster above, or beside, that mailed a manager's customers: what the queries tell of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from sqlalchemy import event, select

from tests import factories
from tests.results.staged import lead
from tests.world import World
from webapp.access import OPERATOR, Viewer, visible_to, whole_runs
from webapp.errors import NotFound, Refused
from webapp.lifecycle import runs as lifecycle_runs
from webapp.lifecycle.counts import counts_of, counts_seen
from webapp.results.to_fix import OpenCause
from webapp.runs import overview, queries
from webapp.runs.queries import RunFilter
from webapp.store.customers import Cluster
from webapp.store.runs import Result, Run
from webapp.store.statuses import ResultStatus, Role
from webapp.store.types import now


@dataclass
class Family:
    """Clusters "left" and "right" below "all", "both" below these two, with a customer each; and a run over
    "all" and one over "left" only, by another person."""

    world: World
    clusters: dict[str, Cluster]
    of_all: int
    of_left: int

    def manager(self, *names: str) -> Viewer:
        return Viewer(
            f"{names}@example.com", Role.MANAGER, frozenset(self.clusters[name].id for name in names)
        )

    def seen(self, *names: str) -> list[int]:
        """The runs in the list of this manager."""
        with self.world.runtime.database.reading() as session:
            found = queries.runs(session, self.manager(*names), RunFilter(), None)
            return [line.run.id for line in found.rows]


@pytest.fixture
def family(world: World) -> Family:
    with world.runtime.database.writing() as session:
        left = factories.cluster(session, "left", world.everybody)
        right = factories.cluster(session, "right", world.everybody)
        both = factories.cluster(session, "both", left, right)
        empty = factories.cluster(session, "empty", world.everybody)
        for home in (left, right, both):
            invoice = factories.invoice(
                session, factories.customer(session, home, name=f"Of {home.tag_name}")
            )
            factories.document(session, world.runtime.documents, invoice)
    clusters = {each.tag_name: each for each in (left, right, both, empty)}
    of_left = world.run(cluster_id=left.id, include_children=False)
    return Family(world, clusters, world.run(), of_left)


def test_e10_a_manager_sees_a_run_that_has_results_of_her_customers(family: Family) -> None:
    assert family.seen("left") == [family.of_all, family.of_left]
    assert family.seen("right") == [family.of_all]
    assert family.seen("both") == [family.of_all]  # the diamond: once, not once for each path
    assert family.seen("empty") == []
    assert family.seen() == [family.of_all, family.of_left]


def test_e10_counts_are_of_her_customers_only(family: Family) -> None:
    ids = [family.of_all, family.of_left]
    lead(family.world, family.of_all, ResultStatus.UNCONFIRMED)
    with family.world.runtime.database.reading() as session:
        told = {
            names: counts_of(session, family.manager(*names), ids)
            for names in ((), ("left",), ("right",), ("both",), ("left", "right"))
        }
        for names, n in (((), 3), (("left",), 2), (("right",), 2), (("both",), 1), (("left", "right"), 3)):
            assert told[names][family.of_all].by_status[ResultStatus.UNCONFIRMED] == n, names
            assert told[names][family.of_all].total == n, names
        assert told["left",][family.of_left].total == 1  # hers: the stored count
        assert told["right",][family.of_left].total == 0
        assert whole_runs(session, family.manager("left"), ids) == {family.of_left}


def test_e10_who_sees_everything_reads_the_stored_counts_alone(family: Family) -> None:
    with family.world.runtime.database.reading() as session:
        statements: list[str] = []
        connection = session.connection()

        @event.listens_for(connection, "before_cursor_execute")
        def note(_c: object, _u: object, statement: str, *_rest: object) -> None:
            statements.append(statement)

        assert counts_seen(session, OPERATOR, family.of_all).total == 3
        assert whole_runs(session, OPERATOR, [family.of_all]) == {family.of_all}
        assert session.scalar(select(Run.id).where(visible_to(OPERATOR, Run), Run.id == family.of_all))
    assert len(statements) == 2
    assert not any("result" in statement for statement in statements)


def test_e10_her_overview_tells_what_needs_someone(family: Family) -> None:
    hers = {result.customer_id: result.id for result in family.world.results(family.of_all)}
    with family.world.runtime.database.reading() as session:
        mine = session.scalars(
            select(Result.id).where(
                visible_to(family.manager("both"), Result), Result.run_id == family.of_all
            )
        ).one()
    assert mine in hers.values()
    lead(family.world, family.of_all, ResultStatus.UNCONFIRMED, Result.id == mine)
    lead(family.world, family.of_all, ResultStatus.SKIPPED, Result.id != mine, reason="no_recipient")
    with family.world.runtime.database.reading() as session:
        for name, unconfirmed, skipped in (("both", 1, 0), ("right", 1, 1), ("left", 1, 1), ("empty", 0, 0)):
            viewer = family.manager(name)
            told = overview.overview(session, viewer).waiting
            assert (told[OpenCause.UNCONFIRMED], told[OpenCause.NO_RECIPIENT]) == (unconfirmed, skipped), name
            lines = overview.need_a_person(session, viewer)
            assert [line.run.id for line in lines] == [family.of_all] * unconfirmed, name
            with_problem = queries.runs(session, viewer, RunFilter(problem="no_recipient"), None)
            assert [line.run.id for line in with_problem.rows] == [family.of_all] * skipped, name


def test_e10_mails_sent_per_day_count_hers(family: Family) -> None:
    lead(family.world, family.of_all, ResultStatus.SENT)
    with family.world.runtime.database.writing() as session:
        for result in session.query(Result).filter_by(run_id=family.of_all):
            result.sent_at = now()
    with family.world.runtime.database.reading() as session:
        for name, n in (("both", 1), ("right", 2), ("empty", 0)):
            per_day = overview.overview(session, family.manager(name)).per_day
            assert [sent for _, sent in per_day] == [0] * 13 + [n], name


def test_e10_what_she_sees_in_part_she_cannot_change(family: Family) -> None:
    with family.world.runtime.database.writing() as session:
        with pytest.raises(Refused, match="over a cluster that is not yours") as refused:
            lifecycle_runs.start(session, family.world.runtime.queue, family.of_all, family.manager("right"))
        assert not isinstance(refused.value, NotFound)
        with pytest.raises(NotFound):
            lifecycle_runs.stop(session, family.of_left, family.manager("right"))
    assert family.world.status(family.of_all) == "created"


def test_e10_what_a_server_said_is_not_told_in_part(family: Family) -> None:
    """It may name an address of another customer."""
    with family.world.runtime.database.writing() as session:
        run = session.get_one(Run, family.of_all)
        run.status, run.problem = "running", "It stopped itself: “550 no such user as other@customers.test”"
    with family.world.runtime.database.reading() as session:
        for viewer, is_told in ((OPERATOR, True), (family.manager("right"), False)):
            [line] = [
                line
                for line in queries.runs(session, viewer, RunFilter(), None).rows
                if line.run.id == family.of_all
            ]
            assert ("other@customers.test" in line.problem, bool(line.problem)) == (is_told, True)
            assert line.is_whole == is_told
