"""What the domain of a sender says in DNS, asked of a real name server."""

from __future__ import annotations

from collections.abc import Callable

import dns.resolver
import pytest
from sqlalchemy import select, update

from tests.http_client import Browser, LogIn, text_of
from tests.settings.dns_server import Records, name_server
from tests.settings.filled import filled
from tests.world import World
from webapp.settings import sender_domain
from webapp.settings.kinds import SENDERS
from webapp.settings.sender_domain import DomainFinding, NotAsked, check_domain
from webapp.store.mailservers import Sender

Ask = Callable[..., dict[str, DomainFinding]]

GOOD = {
    "example.com": ["v=spf1 ip4:192.0.2.0/24 -all", "something else"],
    "selector2._domainkey.example.com": ["v=DKIM1; k=rsa; p=MIGfMA0"],
    "_dmarc.example.com": ["v=DMARC1; p=reject; rua=mailto:a@example.com"],
}


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Ask:
    """ask(records): what is found for billing@example.com, by the standard."""

    def check(records: Records, bounces: str = "", selector: str = "") -> dict[str, DomainFinding]:
        with name_server(records) as resolver:
            monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
            address = "billing@example.com"
            found = check_domain(address, bounces or address, selector)
            return {finding.standard: finding for finding in found}

    return check


def test_a_domain_with_all_three(ask: Ask) -> None:
    found = ask(GOOD)
    assert {name: one.look for name, one in found.items()} == {"SPF": "sent", "DKIM": "sent", "DMARC": "sent"}
    assert "“selector2”" in found["DKIM"].words
    assert "refuse them" in found["DMARC"].words
    assert found["SPF"].record == "v=spf1 ip4:192.0.2.0/24 -all"


def test_a_domain_with_none(ask: Ask) -> None:
    found = ask({})
    assert [one.look for one in found.values()] == ["deferred"] * 3
    assert all(one.advice and not one.record for one in found.values())


@pytest.mark.parametrize(
    ("texts", "look", "words"),
    [
        (["v=spf1 mx ~all", "v=spf1 a -all"], "failed", "2 SPF records"),
        (["v=spf1 +all"], "deferred", "every server in the world"),
        (["v=spf10 -all"], "deferred", "does not say which servers"),
        (["V=SPF1 include:example.net ~ALL"], "sent", "says which servers"),
    ],
)
def test_spf(ask: Ask, texts: list[str], look: str, words: str) -> None:
    found = ask({"example.com": texts})["SPF"]
    assert (found.look, words in found.words) == (look, True)


def test_spf_is_that_of_the_domain_which_bounces_go_to(ask: Ask) -> None:
    found = ask({**GOOD, "bounces.example.net": ["v=spf1 -all"]}, "b@bounces.example.net")
    assert found["SPF"].record == "v=spf1 -all"
    assert (found["DMARC"].look, "DKIM has to hold" in found["DMARC"].advice) == ("deferred", True)
    assert ask({**GOOD, "b.example.com": []}, "b@b.example.com")["DMARC"].look == "sent"


def test_dkim_by_the_selector_that_is_given(ask: Ask) -> None:
    key = {"mine._domainkey.example.com": ["v=DKIM1; p=MIGf"]}
    assert ask(key)["DKIM"].look == "deferred"
    assert ask(key, selector="mine")["DKIM"].look == "sent"
    assert ask(GOOD, selector="mine")["DKIM"].look == "deferred"
    revoked = ask({"mine._domainkey.example.com": ["v=DKIM1; p="]}, selector="mine")["DKIM"]
    assert (revoked.look, "revoked" in revoked.words) == ("failed", True)


@pytest.mark.parametrize(
    ("at", "texts", "look", "words"),
    [
        ("_dmarc.example.com", ["v=DMARC1; p=none"], "sent", "only to report"),
        ("_dmarc.example.com", ["v=DMARC1; p=maybe"], "failed", "no policy"),
        ("_dmarc.example.com", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "deferred", "does not say"),
    ],
)
def test_dmarc(ask: Ask, at: str, texts: list[str], look: str, words: str) -> None:
    found = ask({at: texts})["DMARC"]
    assert (found.look, words in found.words) == (look, True)


def test_dmarc_of_the_domain_above_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    with name_server({"_dmarc.example.com": ["v=DMARC1; p=reject; sp=quarantine"]}) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        [_, _, found] = check_domain("a@mail.example.com", "a@mail.example.com")
    assert (found.look, "treat them as spam" in found.words) == ("sent", True)


def test_a_name_server_that_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender_domain, "ANSWER_SECONDS", 0.3)
    with name_server(GOOD, answers=False) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        with pytest.raises(NotAsked, match="no answer in time"):
            check_domain("a@example.com", "a@example.com")


@pytest.fixture
def on_page(log_in: LogIn, world: World) -> tuple[Browser, str]:
    """An administrator's browser, and the page of the sender billing@example.com."""
    with world.runtime.database.writing() as session:
        session.execute(update(Sender).values(address="billing@example.com", envelope_sender=""))
        sender = session.scalars(select(Sender)).one()
    browser, url = log_in("admin"), f"{SENDERS.path}/{sender.id}"
    assert "Check domain" in browser.look(url).text
    return browser, url


def test_the_page_shows_what_is_found(on_page: tuple[Browser, str], monkeypatch: pytest.MonkeyPatch) -> None:
    browser, url = on_page
    with name_server({**GOOD, "_dmarc.example.com": ["v=DMARC1; p=<b>"]}) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        answer = browser.press(f"{url}/domain", **filled(browser, url), selector="")
    assert "under the selector “selector2”" in text_of(answer)
    assert "v=spf1 ip4:192.0.2.0/24 -all" in answer.text
    assert "p=&lt;b&gt;" in answer.text


def test_the_page_says_when_dns_cannot_be_asked(
    on_page: tuple[Browser, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, url = on_page
    monkeypatch.setattr(sender_domain, "ANSWER_SECONDS", 0.2)
    with name_server({}, answers=False) as resolver:
        monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
        answer = browser.press(f"{url}/domain", **filled(browser, url), selector="")
    assert (answer.status_code, "DNS could not be asked:" in text_of(answer)) == (200, True)


@pytest.mark.parametrize("typed", ["a b", "../x", "x" * 101, "-a"])
def test_what_is_no_selector_is_refused(on_page: tuple[Browser, str], typed: str) -> None:
    browser, url = on_page
    answer = browser.press(f"{url}/domain", **filled(browser, url), selector=typed)
    assert (answer.status_code, "selector-bad" in answer.text) == (422, True)
