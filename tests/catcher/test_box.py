"""The box of caught mails."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from webapp.catcher.box import Box, Caught


def put(box: Box, subject: str, to: str = "a@x.example") -> str:
    id = box.next_id()
    box.put(Caught(id, datetime.now(UTC), "from@x.example", (to,), (), subject, 3), b"raw")
    return id


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "caught")


def test_names_sort_by_arrival_however_fast_they_come(box: Box) -> None:
    names = [box.next_id() for _ in range(1000)]
    assert names == sorted(names)
    assert len(set(names)) == 1000


def test_only_the_newest_are_kept(box: Box) -> None:
    ids = [put(box, str(n)) for n in range(7)]
    box.prune(keep=5)
    assert box.ids() == ids[:1:-1]
    assert len(list(box.folder.iterdir())) == 10


def test_pages_follow_each_other_without_gap_or_double(box: Box) -> None:
    ids = [put(box, f"mail {n}") for n in range(12)]
    seen: list[str] = []
    while page := box.page("", seen[-1] if seen else "", 5):
        put(box, "arrives while a person turns the pages")
        seen += [caught.id for caught in page]
    assert seen == ids[::-1]


def test_the_search_looks_into_subject_and_recipients_whatever_the_case(box: Box) -> None:
    one = put(box, "Rechnung GRÜSSE", "köln@x.example")
    other = put(box, "Invoice", "leeds@x.example")
    assert [caught.id for caught in box.page("grüße", "", 9)] == [one]
    assert [caught.id for caught in box.page("LEEDS@", "", 9)] == [other]
    assert box.page("nothing", "", 9) == []


def test_what_lies_there_half_written_is_no_mail(box: Box) -> None:
    id = put(box, "whole")
    (box.folder / f".{box.next_id()}.eml").write_bytes(b"half")
    (box.folder / f"{box.next_id()}.json").write_bytes(b"{}")
    (box.folder / "stranger.eml").write_bytes(b"?")
    assert [caught.id for caught in box.page("", "", 9)] == [id]


@pytest.mark.security("C21")
def test_a_name_from_outside_is_never_a_path(box: Box, tmp_path: Path) -> None:
    put(box, "one")
    (tmp_path / "secret.eml").write_bytes(b"secret")
    (tmp_path / "secret.json").write_bytes(b"{}")
    for id in ("../secret", "..%2fsecret", "/etc/passwd", "", ".", f"{box.ids()[0]}/../../secret"):
        assert box.content(id) is None
        assert box.summary(id) is None


def test_files_are_for_the_owner_alone(box: Box) -> None:
    put(box, "one")
    assert box.folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in box.folder.iterdir()} == {0o600}
