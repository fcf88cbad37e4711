"""XOAUTH2 in the conversation: what is sent, what a refusal says, and that no token is shown."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.mailserver import MailServer
from tests.smtp.conversations import LETTER, conversation, to
from webapp.smtp.causes import SetupCause
from webapp.smtp.client import MASK, TokenMissing
from webapp.smtp.connection_check import CheckedConnection, check
from webapp.smtp.login import spellings
from webapp.smtp.outcomes import Offered, ServerTrouble
from webapp.smtp.server_connection import ServerAddress, Waits
from webapp.smtp.transport import Conversation
from webapp.store.statuses import TroubleKind

USER, TOKEN = "invoicing@example.test", "access-token-of-the-test"


@pytest.fixture
def server(server: MailServer) -> MailServer:
    server.accepts_token, server.mechanisms = TOKEN.__eq__, "XOAUTH2"
    return server


def address(server: MailServer, *tokens: str) -> ServerAddress:
    """A server that is logged in to with the first of these tokens, with the next one once it is refused."""
    left = list(tokens)
    return ServerAddress(
        "127.0.0.1", server.port, "none", username=USER, access_token=lambda refused: left.pop(0)
    )


def talk(server: MailServer, *tokens: str) -> Conversation:
    return Conversation(address(server, *tokens), Waits(5.0, 5.0))


def checked(server: MailServer, *tokens: str) -> CheckedConnection:
    return check(address(server, *tokens), Waits(5.0, 5.0))


def test_it_logs_in_and_sends(server: MailServer) -> None:
    talking = talk(server, TOKEN)
    assert talking.open() is None
    assert isinstance(talking.offer(to("a@customers.test"), LETTER), Offered)
    assert server.logins == [USER]


def test_a_refused_token_is_replaced_once(server: MailServer) -> None:
    assert talk(server, "old", TOKEN).open() is None
    assert server.logins == [USER, USER]
    trouble = talk(server, "old", "old, too", TOKEN).open()
    assert isinstance(trouble, ServerTrouble)
    assert trouble.kind == TroubleKind.LOGIN


def test_a_refusal_is_told_in_words(server: MailServer) -> None:
    trouble = talk(server, "old", "old, too").open()
    assert trouble is not None
    assert trouble.words == (
        "it refuses the login: 535 5.7.3 authentication unsuccessful "
        "(status 400, schemes bearer, scope https://mail.example)"
    )


@pytest.mark.parametrize("needs_a_person", [True, False])
def test_without_a_token_nothing_is_said_to_the_server(server: MailServer, needs_a_person: bool) -> None:
    def none(refused: str) -> str:
        raise TokenMissing("it is not connected yet", needs_a_person=needs_a_person)

    there = replace(address(server), access_token=none)
    trouble = Conversation(there, Waits(5.0, 5.0)).open()
    assert trouble == ServerTrouble(
        "it is not connected yet", TroubleKind.LOGIN if needs_a_person else TroubleKind.PASSING
    )
    assert server.connections == 0
    problem = check(there, Waits(5.0, 5.0)).problem
    assert problem
    assert problem.cause == SetupCause.TOKEN_MISSING


@pytest.mark.security("C18")
def test_the_check_shows_the_steps_and_no_token(server: MailServer) -> None:
    seen = checked(server, TOKEN)
    assert seen.problem is None
    lines = [line.text for line in seen.lines]
    assert f"has an access token: {MASK}" in lines
    assert f"AUTH XOAUTH2 {MASK}" in lines
    assert "235 2.7.0 welcome" in lines
    assert not any(form.decode() in line for form in spellings(USER, "", TOKEN) for line in lines)


def test_the_check_of_a_refused_token(server: MailServer) -> None:
    seen = checked(server, "old", "old, too")
    assert seen.problem
    assert seen.problem.cause == SetupCause.TOKEN_REFUSED
    assert "status 400, schemes bearer" in seen.problem.title
    lines = [line.text for line in seen.lines]
    assert "(an empty line)" in lines
    assert "has another access token" in lines


@pytest.mark.security("C18")
def test_a_server_that_repeats_the_token_is_not_quoted(server: MailServer) -> None:
    for form in spellings(USER, "", TOKEN):
        server.challenge = f"535 5.7.8 no good: {form.decode()}"
        trouble = talk(server, TOKEN, TOKEN).open()
        assert trouble is not None
        assert trouble.words == f"it refuses the login: 535 5.7.8 no good: {MASK}"


def test_a_server_that_only_takes_tokens_says_how_to_connect_it(server: MailServer) -> None:
    by_password = replace(address(server), access_token=None, password="x")
    problem = check(by_password, Waits(5.0, 5.0)).problem
    assert problem
    assert problem.cause == SetupCause.LOGIN_ONLY_OAUTH
    assert "Connect it below, under “OAuth 2”" in problem.advice


def test_a_password_is_refused_where_tokens_are_taken_too(server: MailServer) -> None:
    server.auth, server.mechanisms = "someone:right", "PLAIN XOAUTH2"
    problem = check(replace(address(server), access_token=None, password="x"), Waits(5.0, 5.0)).problem
    assert problem
    assert problem.cause == SetupCause.LOGIN_REFUSED
    assert "It takes OAuth 2, too" in problem.advice


def test_a_server_without_xoauth2(server: MailServer) -> None:
    server.mechanisms = "PLAIN LOGIN"
    seen = checked(server, TOKEN)
    assert seen.problem
    assert seen.problem.cause == SetupCause.LOGIN_NO_OAUTH


def test_other_logins_are_as_before(server: MailServer) -> None:
    server.auth, server.accepts_token, server.mechanisms = "u:p", None, "PLAIN"
    assert conversation(server, username="u", password="p").open() is None
