"""A provider of tokens that listens while a test runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.token_endpoint import TokenEndpoint, token_endpoint


@pytest.fixture
def endpoint() -> Iterator[TokenEndpoint]:
    with token_endpoint() as running:
        yield running
