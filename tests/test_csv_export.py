"""Rows as CSV: read back as they were, and harmless in a spreadsheet."""

from __future__ import annotations

import csv

import pytest

from webapp.csv_export import csv_lines


def read(*rows: dict[str, object]) -> list[list[str]]:
    return list(csv.reader("".join(csv_lines(rows, ["a", "b"])).splitlines(keepends=True)))


def test_what_was_written_is_read_back() -> None:
    odd = 'quote " comma , line\nbreak ü'
    assert read({"a": odd, "b": ["x@y.test", "z@y.test"]}, {"b": None, "a": 3}) == [
        ["a", "b"],
        [odd, "x@y.test z@y.test"],
        ["3", ""],
    ]


def test_without_rows_there_are_the_names() -> None:
    assert read() == [["a", "b"]]


@pytest.mark.security("C22")
@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_text_that_looks_like_a_formula_is_defused(start: str) -> None:
    assert read({"a": f"{start}cmd|'/c calc'!A1", "b": [f"{start}x"]})[1] == [
        f"'{start}cmd|'/c calc'!A1",
        f"'{start}x",
    ]


def test_a_negative_number_stays_a_number() -> None:
    assert read({"a": -3, "b": "-3"})[1] == ["-3", "'-3"]


@pytest.mark.security("C22")
@pytest.mark.parametrize("sign", [*"=+-@", *"＝＋－＠"])
@pytest.mark.parametrize("before", ["", "Acme;", "Acme\t", "Acme\n", "Acme\r\n", "Acme\u2028"])
def test_f_s9_a_formula_that_begins_a_field_within_a_field_is_defused(sign: str, before: str) -> None:
    [_, [a, b]] = csv.reader(csv_lines([{"a": f"{before}{sign}1", "b": [f"{before}{sign}1"]}], ["a", "b"]))
    assert (a, b) == (f"{before}'{sign}1", f"{before}'{sign}1")


def test_f_s9_what_begins_no_field_stays() -> None:
    plain = "Müller-Söhne; 1+1=2 @home\n2026-11-29"
    assert read({"a": plain, "b": -3}, {"a": {"EUR": "-3.00"}, "b": -3.5})[1:] == [
        [plain, "-3"],
        ["EUR -3.00", "-3.5"],
    ]
