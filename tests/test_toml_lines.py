"""The lines of tables and keys, also where strings hold what looks like a table."""

from __future__ import annotations

from webapp.toml_lines import lines_of

TEXT = '''\
# [[sender]] in a comment
[[ sender ]] # the first
key = "a # b"
note = """
[[sender]]
key = 1 \\""" still inside
""" # and out
[[sender]]
"key" = 'x """ y'
list = [
  "[[sender]]",
]
body = \'\'\'one line """ here\'\'\'
[["template"]]
source = """one""" # """
name = "n"
'''


def test_tables_and_keys_are_found_outside_strings() -> None:
    lines = lines_of(TEXT)
    assert lines.tables == {"sender": [2, 8], "template": [14]}
    assert [lines.of("sender", 0), lines.of("sender", 0, "key"), lines.of("sender", 0, "note")] == [2, 3, 4]
    assert [lines.of("sender", 1, "key"), lines.of("sender", 1, "body")] == [9, 13]
    assert [lines.of("template", 0, "source"), lines.of("template", 0, "name")] == [15, 16]
    assert lines.of("template", 0, "missing") == 14


def test_what_is_written_in_another_way_has_the_line_of_its_key() -> None:
    lines = lines_of('a = 1\nsender = [{key = "x"}]\n')
    assert lines.of("sender", 0, "key") == 2
    assert lines.of("unknown", 3, "key") == 1
