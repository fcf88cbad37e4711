"""Taking over a database stops the runs of all clusters."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.world import World
from webapp.access import OPERATOR
from webapp.errors import Refused
from webapp.runs import takeover


def test_an_administrator_of_some_clusters_takes_nothing_over(world: World) -> None:
    bound = replace(OPERATOR, name="eve@example.com", clusters=frozenset({world.everybody.id}))
    with pytest.raises(Refused, match="all clusters"), world.runtime.database.writing() as session:
        takeover.take_over(session, bound, takeover.WORDS)
