"""The bar: everything that is there is seen, and it is never longer than it is."""

from __future__ import annotations

from datetime import UTC, datetime

from webapp.runs.labels import span_words
from webapp.runs.progress import SEGMENT_WIDTH_MIN, bar


def test_a_bar_is_filled_by_its_parts_in_their_order() -> None:
    assert [(piece.status, piece.x, piece.width) for piece in bar({"sent": 3, "failed": 0, "ready": 1})] == [
        ("sent", 0.0, 750.0),
        ("ready", 750.0, 250.0),
    ]


def test_one_failure_among_a_million_is_seen() -> None:
    pieces = bar({"sent": 999_997, "bounced": 1, "failed": 1, "ready": 1})
    assert [piece.width for piece in pieces[1:]] == [SEGMENT_WIDTH_MIN] * 3
    assert round(sum(piece.width for piece in pieces), 1) == 1000
    assert round(pieces[-1].x + pieces[-1].width, 1) == 1000


def test_nothing_makes_an_empty_bar() -> None:
    assert bar({"sent": 0}) == []


def test_e14_a_moment_is_told_as_one() -> None:
    begin = datetime(2026, 11, 29, 20, 42, 5, tzinfo=UTC)
    assert span_words(begin, begin.replace(second=50)) == "at 20:42"
    assert span_words(begin, begin.replace(minute=44)) == "from 20:42 to 20:44"
