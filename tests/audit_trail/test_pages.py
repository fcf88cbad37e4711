"""The page of the audit trail, its download, and the commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from sqlalchemy import text

import webapp
from tests.http_client import LogIn
from webapp import audit
from webapp.audit_trail.commands import audit_commands
from webapp.extensions import Runtime


@pytest.fixture
def noted(runtime: Runtime) -> None:
    with runtime.database.writing() as session:
        audit.note(session, "marit@example.com", "start", "run 7", "200 mails")
        audit.note(session, "jan@example.com", "change", "customer K-1", "name: Boer → Böer & Zn.")


def test_an_administrator_reads_who_did_what(log_in: LogIn, noted: None) -> None:
    browser = log_in("admin")
    page = browser.look("/audit").text
    assert "name: Boer → Böer &amp; Zn." in page
    assert 'href="/runs/7"' in page
    assert "127.0.0.1, " in page  # where the login came from
    assert "Not verified yet." in page
    assert "Audit trail" in browser.look("/settings").text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=böer", ["customer K-1"]),
        ("q=200+mails", ["run 7"]),
        ("who=jan@example.com", ["customer K-1"]),
        ("kind=sending", ["run 7"]),
        ("subject=customer+K-1", ["customer K-1"]),
        ("to=2001-01-01", []),
        ("from=2001-01-01&kind=sending", ["run 7"]),
    ],
)
def test_entries_are_found(log_in: LogIn, noted: None, query: str, found: list[str]) -> None:
    page = log_in("admin").look(f"/audit?{query}").text
    assert [one for one in ("run 7", "customer K-1") if re.search(rf">{one}<|\n *{one}<", page)] == found


@pytest.mark.parametrize("query", ["kind=nothing", "from=yesterday"])
def test_a_filter_that_cannot_be_is_no_page(log_in: LogIn, query: str) -> None:
    assert log_in("admin").look(f"/audit?{query}").status_code == 404


@pytest.mark.security("C27")
@pytest.mark.parametrize("path", ["/audit", "/audit.csv", "/audit.xlsx"])
@pytest.mark.parametrize("who", [("viewer",), ("manager",), ("admin", "left")])
def test_no_one_else_reads_it(log_in: LogIn, path: str, who: tuple[str, ...]) -> None:
    assert log_in(*who).look(path).status_code == 403


def test_the_chain_is_verified_and_a_broken_one_is_told(log_in: LogIn, noted: None, runtime: Runtime) -> None:
    browser = log_in("admin")
    browser.look("/audit")
    browser.press("/audit/verification")
    assert "Chain intact to entry" in browser.look("/audit").text
    with runtime.database.writing() as session:
        session.execute(text("DROP TRIGGER audit_entry_unchanging"))
        session.execute(text("UPDATE audit_entry SET actor = 'mallory' WHERE number = 1"))
    browser.press("/audit/verification")
    page = browser.look("/audit").text
    assert "The chain is broken at entry 1." in page
    assert "mallory" in page


def test_the_download_has_every_entry_and_is_noted(log_in: LogIn, noted: None) -> None:
    browser = log_in("admin")
    lines = browser.look("/audit.csv").text.lstrip("\ufeff").splitlines()
    assert lines[0] == "number,at,actor,origin,action,subject,detail,hash"
    assert [line.split(",")[0] for line in lines[1:]] == [str(n) for n in range(1, len(lines))]
    assert "Download audit trail" in browser.look("/audit").text


def test_the_command_says_what_is_broken_and_gives_an_anchor(app: Flask, noted: None) -> None:
    def run(*words: str) -> tuple[int, str]:
        with app.app_context():
            found = CliRunner().invoke(audit_commands, words)
        return found.exit_code, found.output

    status, said = run("verify")
    assert (status, "2 entries were verified" in said) == (0, True)
    anchor = said.strip().rpartition(" ")[2]
    assert run("verify", "--anchor", anchor)[0] == 0
    assert run("verify", "--anchor", "1" + anchor[1:]) == (
        1,
        "Error: the chain is broken: entry 1 is not the one that the anchor names\n",
    )
    assert run("verify", "--anchor", "twelve")[0] == 1
    status, lines = run("export")
    assert (status, lines.count("\n")) == (0, 4)


KNOWN = {*audit.LOGINS, *audit.SENDING, *audit.USERS, *audit.OTHERS}
NOTED = re.compile(r"(?:note|audit|audit_and_report|note_each)\(\s*session, [\w.()]+, \"([a-z ]+)\"")


def test_every_action_that_is_noted_is_of_a_kind() -> None:
    """Else no filter finds it, and pages show it in English."""
    code = [path.read_text() for path in Path(webapp.__file__).parent.rglob("*.py")]
    noted = {action for text in code for action in NOTED.findall(text)}
    assert len(noted) > 40
    assert noted - KNOWN == set()
