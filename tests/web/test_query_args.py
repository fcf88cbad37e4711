"""Ids and page edges in addresses and forms, also forged ones."""

from __future__ import annotations

import pytest
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import NotFound

from webapp.keyset import Edge
from webapp.web.query_args import address, edge_in, id_in, ids_in


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("7", 7),
        ("0", 0),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("", None),
        ("-1", None),
        ("1.0", None),
        (" 1", None),
        ("1\n", None),
        ("\u0663", None),  # a digit, but not of ASCII
        ("x", None),
    ],
)
def test_an_id_is_at_most_eighteen_digits(text: str, id: int | None) -> None:
    assert id_in(text) == id


def test_a_number_may_have_a_limit() -> None:
    assert (id_in("9", below=10), id_in("10", below=10)) == (9, None)


def test_each_id_counts_once_and_other_texts_do_not() -> None:
    assert ids_in(["3", "x", "1", "3", ""]) == [3, 1]


def test_an_edge_is_an_id_and_a_value() -> None:
    assert edge_in(MultiDict({"after": "5~Aalders~x"})) == Edge(5, "Aalders~x", backwards=False)
    assert edge_in(MultiDict({"before": "5~"})) == Edge(5, "", backwards=True)
    assert edge_in(MultiDict()) is None
    with pytest.raises(NotFound):
        edge_in(MultiDict({"after": "five~x"}))


def test_an_address_has_no_empty_arguments() -> None:
    assert address("/runs", state="", q="a b") == "/runs?q=a+b"
    assert address("/runs", state="") == "/runs"
