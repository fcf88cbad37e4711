"""Mail servers of both kinds: with pipelining and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mailserver import MailServer, mail_server


@pytest.fixture(params=[True, False], ids=["pipelining", "one by one"])
def server(request: pytest.FixtureRequest) -> Iterator[MailServer]:
    with mail_server(pipelining=request.param) as running:
        yield running
