"""messaging.toml: every mistake at its line; what it refers to may be stored already; a table says it all."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.imports import folders
from webapp.extensions import Runtime
from webapp.imports.folder import import_folder
from webapp.imports.merging import MergeCounts
from webapp.imports.problems import ImportRefused
from webapp.store.definitions import DefinitionTransformation, MessageDefinition, TemplatePart, TemplateText
from webapp.store.mailservers import MailServer, Sender

pytestmark = pytest.mark.parametrize("engine", ["sqlite"])


PLAIN = 'security = "none"'
RELAY = 'mail_server = "relay"'
SUBJECT = '"Invoice {{ invoice.number }}"'
PDF = '["Invoice PDF"]'
BCC = 'bcc = ["archive@example.com"]'


def refused(runtime: Runtime, folder: Path, **options: list[str]) -> list[str]:
    with pytest.raises(ImportRefused) as refusal:
        import_folder(runtime.database, runtime.documents, folder, **options)  # type: ignore[arg-type]
    return [error.removeprefix("messaging.toml:") for error in refusal.value.errors]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("port = 2525", "port = 0", "4: port: is 0; it must be between 1 and 65535"),
        ("port = 2525", 'port = "2525"', "4: port: must be a whole number, and is a text"),
        ("port = 2525", "port = true", "4: port: must be a whole number, and is true or false"),
        ("port = 2525\n", "", "1: port: is missing from this [[mail_server]]"),
        ('host = "127.0.0.1"', 'host = "two words"', "3: host: is 'two words'; a host is written like"),
        (PLAIN, PLAIN + '\nmax_connections = 0', "6: max_connections: is 0; it must be"),
        (PLAIN, PLAIN + '\npassword_env = "s3cr3t!"', "6: password_env: must be the name"),
        (PLAIN, PLAIN + '\npassword = "x"', "6: password: is no key of [[mail_server]]"),
        (PLAIN, PLAIN + '\nehlo_name = "web_1.x.com"', "6: ehlo_name: is 'web_1.x.com'; the name in EHLO is"),
        (RELAY, 'mail_server = "r"', "10: mail_server: there is no [[mail_server]] 'r'"),
        (RELAY, RELAY + '\nreply_to = "x"', "11: reply_to: 'x' is not an email"),
        (RELAY, RELAY + '\nenvelope_sender = "a@"', "11: envelope_sender: 'a@'"),
        (RELAY, RELAY + '\ndisplay_name = "A\\nB"', "11: display_name: 'A\\nB'"),
        (BCC, 'bcc = "archive@example.com"', "39: bcc: must be a list, and is a text"),
        (BCC, 'bcc = ["unknown"]', "39: bcc: 'unknown' is not an email address"),
        (BCC, "bcc = [1]", "39: bcc: must be a text, and is a whole number"),
        (BCC, "zip = 1", "39: zip: must be true or false, and is a whole number"),
        ('from_key = "invoicing"', 'from_key = "other"', "34: from_key: there is no [[sender]] 'other'"),
        (SUBJECT, '"Invoice {{ "', "36: subject: line 1 of the template:"),
        (SUBJECT, '""', "36: subject: is empty"),
        ('template = "Invoice body"', 'template = "Body"', "37: template: there is no [[template]] 'Body'"),
        (PDF, '["Invoice PDF", "X"]', "38: transformations: there is no [[transformation]] 'X'"),
        (PDF, '["Invoice PDF", "Invoice PDF"]', "38: transformations: names 'Invoice PDF' twice"),
        (PDF, "[]", "38: transformations: are none; name at least one, or say no_documents"),
        (PDF, '["Invoice PDF"]\nno_documents = true', "39: no_documents: is true, but"),
        ("{{ customer.name }}</p>\n", "{% for %}</p>\n", "22: source: line 1 of the template: "),
        ('format = "html"\nlanguage', 'format = "text"\nlanguage', "28: format: is text, but html in line"),
        ('language = "nl"', 'language = ""', "27: name: 'Invoice body' stands in line 19 already"),
        ("[[recipient_key]]", "[recipient_key]", "12: recipient_key: must be written as [[recipient_key]]"),
        ("[[recipient_key]]", "[[recipient]]", "12: recipient: is no table of this file; it has mail_server"),
        ('key = "billing"', "key = billing", "13: line: is not TOML: Invalid value"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_at_its_line(
    runtime: Runtime, tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in folders.MESSAGING
    text = folders.MESSAGING.replace(old, new, 1)
    folder = folders.write(tmp_path / "in", {"messaging.toml": text})
    told = refused(runtime, folder)
    assert [error for error in told if error.startswith(expected)], told
    if "[[recipient]]" not in new:
        assert len(told) == 1, told


def test_what_a_table_refers_to_may_be_stored_already(runtime: Runtime, tmp_path: Path) -> None:
    import_folder(runtime.database, runtime.documents, folders.write(tmp_path / "in"))
    alone = """
[[definition]]
name = "Reminder"
from_key = "invoicing"
recipient_key = "billing"
subject = "Reminder"
template = "Invoice body"
no_documents = true
"""
    folder = folders.write(tmp_path / "alone", {"messaging.toml": alone})
    done = import_folder(runtime.database, runtime.documents, folder)
    assert done.counts["message definitions"] == MergeCounts(1, 0, 0)
    with runtime.database.reading() as session:
        stored = session.scalars(select(MessageDefinition).where(MessageDefinition.name == "Reminder")).one()
        assert (stored.sender.key, stored.template.name, stored.no_documents) == (
            "invoicing",
            "Invoice body",
            True,
        )


def test_a_key_that_is_left_out_has_its_default_again(runtime: Runtime, tmp_path: Path) -> None:
    more = folders.MESSAGING.replace(
        'mail_server = "relay"', 'mail_server = "relay"\nreply_to = "office@example.com"\ndisplay_name = "Us"'
    ).replace('name = "relay"', 'name = "relay"\nusername = "me"\npassword_env = "RELAY_PASSWORD"')
    import_folder(runtime.database, runtime.documents, folders.write(tmp_path / "in", messaging_toml=more))
    with runtime.database.reading() as session:
        assert session.scalars(select(MailServer.password_env)).one() == "RELAY_PASSWORD"
        assert session.execute(select(Sender.reply_to, Sender.display_name)).one() == (
            "office@example.com",
            "Us",
        )
    done = import_folder(runtime.database, runtime.documents, folders.write(tmp_path / "in"))
    assert (done.counts["mail servers"], done.counts["senders"]) == (
        MergeCounts(0, 1, 0),
        MergeCounts(0, 1, 0),
    )
    with runtime.database.reading() as session:
        assert session.execute(select(Sender.reply_to, Sender.display_name)).one() == ("", "")
        assert session.scalars(select(MailServer.password_env)).one() == ""


def test_parts_subjects_of_a_language_and_names_of_files_are_stored_and_told_apart(
    runtime: Runtime, tmp_path: Path
) -> None:
    more = folders.MESSAGING.replace('language = "nl"', 'language = "nl"\nsubject = "Factuur"\nplain = "Dag"')
    more += 'reply_to = "help@example.com"\nfile_name = "{{ invoice.number }}"\n'
    for language in ("", "nl"):
        more += f'[[template_part]]\nname = "regards"\nlanguage = "{language}"\nsource = "<p>Bye</p>"\n'
    folder = folders.write(tmp_path / "in", messaging_toml=more)
    done = import_folder(runtime.database, runtime.documents, folder)
    assert done.counts["parts of templates"] == MergeCounts(2, 0, 0)
    with runtime.database.reading() as session:
        texts = {text.language: (text.subject, text.plain) for text in session.scalars(select(TemplateText))}
        assert texts == {"": ("", ""), "nl": ("Factuur", "Dag")}
        made = select(MessageDefinition.reply_to, MessageDefinition.file_name)
        assert session.execute(made).one() == ("help@example.com", "{{ invoice.number }}")
        assert sorted(part.language for part in session.scalars(select(TemplatePart))) == ["", "nl"]
    assert not import_folder(runtime.database, runtime.documents, folder).changed_anything
    changed = more.replace("<p>Bye</p>", "<p>Farewell</p>", 1)
    done = import_folder(
        runtime.database, runtime.documents, folders.write(tmp_path / "in", messaging_toml=changed)
    )
    assert done.counts["parts of templates"] == MergeCounts(0, 1, 1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ('[[template_part]]\nname = "two words"\nsource = "x"\n', "name: is 'two words'; it has letters"),
        ('[[template_part]]\nname = "a"\nsource = "{% if %}"\n', "source: line 1 of the template"),
        ('file_name = "{{"\n', "file_name: line 1 of the template"),
        (2 * '[[template_part]]\nname = "a"\nsource = "x"\n', "stands in line 40 already, for the same"),
    ],
)
def test_what_is_wrong_with_these_is_told(runtime: Runtime, tmp_path: Path, wrong: str, words: str) -> None:
    folder = folders.write(tmp_path / "in", messaging_toml=folders.MESSAGING + wrong)
    [told] = refused(runtime, folder)
    assert words in told


def test_one_language_of_a_template_does_not_change_the_format_of_the_others(
    runtime: Runtime, tmp_path: Path
) -> None:
    both = (
        '[[template]]\nname = "T"\nformat = "html"\nsource = "<p>Hello</p>"\n'
        '[[template]]\nname = "T"\nformat = "html"\nlanguage = "nl"\nsource = "<p>Hallo</p>"\n'
    )
    import_folder(runtime.database, runtime.documents, folders.write(tmp_path, {"messaging.toml": both}))
    one = '[[template]]\nname = "T"\nformat = "text"\nsource = "Hello"\n'
    [told] = refused(runtime, folders.write(tmp_path, {"messaging.toml": one}))
    assert "3: format: is text, but the stored text for nl is not" in told
    other = folders.write(tmp_path, {"messaging.toml": both.replace("html", "text")})
    assert import_folder(runtime.database, runtime.documents, other).changed_anything


def test_the_order_of_transformations_is_kept_and_can_change(runtime: Runtime, tmp_path: Path) -> None:
    usage = '[[transformation]]\nname = "Usage"\noutput_type = "csv"\n'
    for listed in ('["Usage", "Invoice PDF"]', '["Invoice PDF", "Usage"]', '["Usage"]'):
        text = folders.MESSAGING.replace('["Invoice PDF"]', listed) + usage
        folder = folders.write(tmp_path / "in", {"messaging.toml": text})
        assert import_folder(runtime.database, runtime.documents, folder).changed_anything
        assert not import_folder(runtime.database, runtime.documents, folder).changed_anything
    with runtime.database.reading() as session:
        assert len(session.scalars(select(DefinitionTransformation)).all()) == 1


@pytest.mark.security("C3")
def test_a_bcc_goes_only_where_it_may(runtime: Runtime, tmp_path: Path) -> None:
    folder = folders.write(tmp_path / "in")
    [error] = refused(runtime, folder, bcc_domains=["example.org"])
    assert error == "39: bcc: archive@example.com is outside the domains that a Bcc may go to: example.org"
    import_folder(runtime.database, runtime.documents, folder, bcc_domains=["example.com"])


def test_a_changed_server_gets_a_new_chance(runtime: Runtime, tmp_path: Path) -> None:
    import_folder(runtime.database, runtime.documents, folders.write(tmp_path / "in"))
    with runtime.database.writing() as session:
        session.scalars(select(MailServer)).one().trouble = "connection refused"
    text = folders.MESSAGING.replace("2525", "2526")
    import_folder(runtime.database, runtime.documents, folders.write(tmp_path / "in", messaging_toml=text))
    with runtime.database.reading() as session:
        assert session.scalars(select(MailServer.trouble)).one() is None


def test_18_a_definition_needs_no_subject_if_its_template_has_one(runtime: Runtime, tmp_path: Path) -> None:
    own = folders.MESSAGING.replace('subject = "Invoice {{ invoice.number }}"\n', "")
    [error] = refused(runtime, folders.write(tmp_path / "in", messaging_toml=own))
    assert "subject: is empty; a mail needs one here, or in each language of the template" in error
    with_own = own.replace('format = "html"\nsource', 'format = "html"\nsubject = "Own"\nsource')
    again = folders.write(tmp_path / "in", messaging_toml=with_own)
    import_folder(runtime.database, runtime.documents, again)
    assert not import_folder(runtime.database, runtime.documents, again).changed_anything
    without = own.partition("[[definition]]")[0]
    [error] = refused(runtime, folders.write(tmp_path / "in", messaging_toml=without))
    assert "the stored definition 'Monthly invoice' has none of its own" in error
