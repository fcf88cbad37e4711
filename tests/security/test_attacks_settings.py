"""What an administrator who is bound to clusters could do to the mails of others by the shared settings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.world import World
from webapp.access import OPERATOR
from webapp.edits import fingerprint
from webapp.errors import Refused
from webapp.settings import storing
from webapp.settings.kinds import SENDERS, SERVERS, SettingKind
from webapp.store.mailservers import MailServer, Sender


@pytest.mark.parametrize("kind", [SERVERS, SENDERS], ids=["server", "sender"])
def test_an_administrator_of_some_clusters_leads_no_mails_of_others_elsewhere(
    world: World, kind: SettingKind
) -> None:
    bound = replace(OPERATOR, name="eve@example.com", clusters=frozenset({world.everybody.id}))
    model: Any = MailServer if kind is SERVERS else Sender
    changed = {"host": "mx.attacker.test"} if kind is SERVERS else {"reply_to": "eve@attacker.test"}
    with world.runtime.database.writing() as session:
        row = session.scalars(select(model).limit(1)).one()
        values = storing.values_of(kind, row)
        with pytest.raises(Refused, match="all clusters"):
            storing.change(session, bound, kind, row.id, {**values, **changed}, fingerprint(values))
