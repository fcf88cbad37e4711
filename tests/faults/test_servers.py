"""F16 to F18, F24, F31, F35, F36: the mail server itself is the problem. No message is to blame; the run
waits, says why, and goes on by itself."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from tests.faults.accounts import accounted
from tests.faults.installation import Site, numbered
from tests.faults.test_replies import FINE, SHORT, there
from tests.http_client import text_of
from webapp.store.mailservers import MailServer
from webapp.store.runs import Attempt

CERTIFICATES = Path(__file__).with_name("certificates")
VALID = CERTIFICATES.parent.parent / "smtp" / "localhost.pem"


def blamed(site: Site) -> int:
    """How many attempts there were: each would be some message's."""
    with site.world.runtime.database.reading() as session:
        return session.scalar(select(func.count()).select_from(Attempt)) or 0


def tries(site: Site) -> int:
    """How often in a row the server has been found in trouble."""
    with site.world.runtime.database.reading() as session:
        return session.scalars(select(MailServer.trouble_count)).one()


def waits_then_goes_on(site: Site, run_id: int, words: str) -> None:
    """The run says what it waits for, and blames no message."""
    said = site.until_waiting(run_id)
    assert words in said
    assert "next try at" in said
    assert blamed(site) == 0
    assert set(accounted(site.world, run_id)) == {"ready"}


def recovers(site: Site, run_id: int, mails: int) -> None:
    site.until_finished(run_id)
    assert site.problem(run_id) == ""
    assert accounted(site.world, run_id) == {"sent": mails}


def test_f16_connections_refused(site: Site) -> None:
    """One banner, not a failure for each message; later one copy each."""
    port = site.server.port
    site.server.stop()
    site.start_worker()
    run_id = site.send(*numbered(30))
    waits_then_goes_on(site, run_id, "connection refused")
    site.until(lambda: tries(site) >= 2)
    said = text_of(site.pages().look(f"/runs/{run_id}"))
    assert said.count("connection refused") == 1
    assert blamed(site) == 0
    site.server.start(port)
    recovers(site, run_id, 30)


@pytest.mark.parametrize("greeting", ["421 4.3.2 too busy", "554 5.7.1 not for you"])
def test_f17_an_unfriendly_greeting(site: Site, greeting: str) -> None:
    site.server.greeting = greeting
    site.start_worker()
    run_id = site.send(*numbered(5))
    waits_then_goes_on(site, run_id, greeting[:3])
    site.server.greeting = "220 mail.test ESMTP"
    recovers(site, run_id, 5)


def test_f18_421_at_rcpt_then_closed(site: Site) -> None:
    """Tried again, one copy."""
    address = "close-rcpt.someone@customers.test"
    site.start_worker()
    run_id = site.send(address, *numbered(3))
    site.until_finished(run_id)
    assert there(site, address) == 1
    assert accounted(site.world, run_id) == {"sent": 4}


def test_f18_421_at_mail_then_closed(site: Site) -> None:
    """From the second message of each connection on: tried again over another, one copy each."""
    site.server.busy_after = 2
    site.start_worker()
    run_id = site.send(*numbered(10))
    recovers(site, run_id, 10)


@pytest.mark.slow_fault
@pytest.mark.parametrize("waits", [{"MAILRUN_TIME_SCALE": "5", "SMTP_PASSWORD": "wrong"}], indirect=True)
def test_f24_the_login_is_refused(site: Site) -> None:
    """The run waits at once, no message has failed, and there is no storm of logins: pauses of 1, 2, 4, … s
    here (they are 5, 10, 20, … s unscaled)."""
    site.server.auth = "mailrun:right"
    site.over(username="mailrun", password_env="SMTP_PASSWORD")
    for _ in range(2):
        site.start_worker()
    run_id = site.send(*numbered(20))
    waits_then_goes_on(site, run_id, "535")
    began, before = time.monotonic(), len(site.server.logins)
    site.until(lambda: time.monotonic() - began > 6)
    methods = 2  # smtplib tries PLAIN, then LOGIN, before it gives up
    assert len(site.server.logins) - before <= 3 * methods
    assert blamed(site) == 0
    site.server.auth = "mailrun:wrong"
    recovers(site, run_id, 20)


@pytest.mark.parametrize("waits", [SHORT], indirect=True)
def test_f31_silent_at_the_banner(site: Site) -> None:
    """Bounded, and tried again."""
    site.server.silent_first = 1
    site.start_worker()
    run_id = site.send(*numbered(3))
    waits_then_goes_on(site, run_id, "no reply in time")
    recovers(site, run_id, 3)


@pytest.mark.parametrize("waits", [{**SHORT, "MAILRUN_SMTP_TIMEOUT": "2"}], indirect=True)
@pytest.mark.slow_fault
def test_f31_silent_at_rcpt(site: Site) -> None:
    """Bounded, tried again; the other connections go on meanwhile."""
    address = "hang-rcpt-6.someone@customers.test"
    site.server.delay = 0.01
    site.start_worker()
    run_id = site.send(address, *numbered(40))
    site.until(lambda: len(site.server.taken) >= 30)
    assert there(site, address) == 0
    assert site.outcomes(run_id, address) == []
    site.until_finished(run_id)
    assert site.outcomes(run_id, address) == ["broken", "accepted"]
    assert accounted(site.world, run_id) == {"sent": 41}


@pytest.mark.parametrize(
    ("tls", "certificate"),
    [
        ("implicit", "expired"),
        ("starttls", "elsewhere"),
        ("starttls", "unknown"),
        pytest.param("implicit", "elsewhere", marks=pytest.mark.slow_fault),
        pytest.param("implicit", "unknown", marks=pytest.mark.slow_fault),
        pytest.param("starttls", "expired", marks=pytest.mark.slow_fault),
    ],
)
def test_f35_a_certificate_that_is_not_valid(site: Site, tls: str, certificate: str, tmp_path: Path) -> None:
    """Expired, for another name, or signed by an unknown authority: refused, the run waits with clear words.
    With a valid one it goes on."""
    known = [VALID, CERTIFICATES / "expired.pem", CERTIFICATES / "elsewhere.pem"]
    site.server.tls = tls
    site.server.certificate = VALID if certificate == "unknown" else CERTIFICATES / f"{certificate}.pem"
    bundle = tmp_path / "known.pem"
    bundle.write_text(
        "".join(path.read_text() for path in (known[1:] if certificate == "unknown" else known))
    )
    site.over(host="localhost", security="tls" if tls == "implicit" else "starttls")
    site.start_worker(SSL_CERT_FILE=str(bundle))
    run_id = site.send(FINE)
    waits_then_goes_on(site, run_id, "certificate is not valid")
    assert site.server.heard["MAIL"] == 0
    if certificate != "unknown":
        site.server.certificate = VALID
        recovers(site, run_id, 1)


def test_f35_starttls_is_stripped(site: Site) -> None:
    """Not offered any more: nothing goes out in the open, the run waits with clear words. Only an explicit
    setting, no encryption at all, lets it."""
    site.over(security="starttls")
    site.start_worker()
    run_id = site.send(FINE)
    waits_then_goes_on(site, run_id, "STARTTLS")
    assert site.server.heard["MAIL"] == 0
    site.over(security="none")
    recovers(site, run_id, 1)


def test_f36_closed_after_some_messages(site: Site) -> None:
    """Without a word: another connection is opened, no message is to blame; one copy each."""
    site.server.close_after = 3
    site.start_worker()
    run_id = site.send(*numbered(20))
    recovers(site, run_id, 20)
    assert blamed(site) == 20


def test_f36_421_on_every_third_session(site: Site) -> None:
    site.server.close_after, site.server.busy_every = 2, 3
    site.start_worker()
    run_id = site.send(*numbered(12))
    recovers(site, run_id, 12)
