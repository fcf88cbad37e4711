"""Against a real Postfix: what its rate limits, greylisting, EHLO checks and logins do to a run. What arrived
is read back from Dovecot by IMAP."""

from __future__ import annotations

import time

import pytest

from tests.faults.installation import Site
from tests.mailservers.test_throttling import many, started, watched
from tests.realmail.servers import PASSWORD, USER, RealMail, real_mail
from webapp.store.statuses import ResultStatus

CA = "tests/smtp/localhost.pem"
SHORT = {"MAILRUN_TIME_SCALE": "60"}
"""Retries after 5 s, the trial of a greylisting server after half a second."""


@pytest.fixture(autouse=True)
def sqlite_only(engine: str) -> None:
    """What a mail server does is the same on both databases."""
    if engine != "sqlite":
        pytest.skip("on SQLite only")


def seconds_of(site: Site, run_id: int) -> float:
    """The time from the first mail that was sent to the last."""
    sent = [result.sent_at for result in site.world.results(run_id) if result.sent_at]
    return (max(sent) - min(sent)).total_seconds()


def arrived(site: Site, real: RealMail, run_id: int, n: int) -> None:
    """Every mail of the run is sent, and is in the mailbox once."""
    assert site.world.statuses(run_id) == [ResultStatus.SENT] * n
    sent = {result.message_id for result in site.world.results(run_id)}
    end = time.monotonic() + 20
    while len(found := {id: times for id, times in real.message_ids().items() if id in sent}) < n:
        assert time.monotonic() < end, f"{len(found)} of {n} arrived"
        time.sleep(0.2)
    assert set(found.values()) == {1}


@pytest.mark.parametrize("waits", [SHORT], indirect=True, ids=[""])
@pytest.mark.parametrize("limit", ["recipients", "messages"])
def test_b2_a_rate_limit(site: Site, real: RealMail, limit: str) -> None:
    """20 in 5 s: 40 mails take 5 s at least. Each goes out once, without a wave of deferred ones. In windows
    this short, finding the pace takes its time; `test_b2_a_hundred_a_minute` has the figure."""
    site.over(port=real.ports[limit])
    run_id = started(site, many(40), workers=1)
    took, deferred, said = watched(site, run_id, 60)
    print(f"\n{took:.1f} s, at most {deferred} deferred; {said[:3]}")
    arrived(site, real, run_id, 40)
    assert deferred <= 20
    assert seconds_of(site, run_id) <= 5 * 5  # five windows: a busy machine finds the pace later
    assert any("127.0.0.1 is throttling: 450 4.7.1 Error: too m" in words for _, words in said)


@pytest.mark.slow_found
@pytest.mark.timeout(400)
@pytest.mark.parametrize("waits", [{"MAILRUN_TIME_SCALE": "1"}], indirect=True, ids=[""])
def test_b2_a_hundred_a_minute(site: Site) -> None:
    """`smtpd_client_recipient_rate_limit=100`, with Postfix's own minute: 250 mails take 120 s at least."""
    entries = {"recipients": "-o smtpd_client_recipient_rate_limit=100"}
    with real_mail(entries, main="anvil_rate_time_unit = 60s\n") as real:
        site.over(port=real.ports["recipients"])
        run_id = started(site, many(250), workers=2)
        took, deferred, said = watched(site, run_id, 300)
        print(f"\n{took:.1f} s, at most {deferred} deferred; {said[:3]}")
        arrived(site, real, run_id, 250)
    assert deferred <= 20
    assert seconds_of(site, run_id) <= 1.5 * 120


@pytest.mark.parametrize("waits", [SHORT], indirect=True, ids=[""])
def test_b2_a_limit_of_connections(site: Site, real: RealMail) -> None:
    """Two connections at most, where the server's entry has eight: every mail goes out once."""
    site.over(port=real.ports["connections"])
    run_id = started(site, many(60), workers=1)
    took, deferred, said = watched(site, run_id, 60)
    print(f"\n{took:.1f} s, at most {deferred} deferred; {said[:3]}")
    arrived(site, real, run_id, 60)
    assert deferred == 0


@pytest.mark.parametrize("waits", [SHORT], indirect=True, ids=[""])
def test_b2_greylisting(site: Site, real: RealMail) -> None:
    """Each recipient is taken 2 s after its first offer: each mail is deferred, and sent at its retry."""
    site.over(port=real.ports["greylisting"])
    run_id = started(site, many(60), workers=1)
    took, deferred, said = watched(site, run_id, 60)
    print(f"\n{took:.1f} s, at most {deferred} deferred; {said[:3]}")
    arrived(site, real, run_id, 60)
    assert took <= 2 * 5 + 10


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_b6_a_login_with_a_password_in_utf_8(site: Site, real: RealMail, security: str) -> None:
    port = real.ports["submission" if security == "starttls" else "submissions"]
    site.over(host="localhost", port=port, security=security, username=USER, password_env="REAL_PASSWORD")
    site.add(*many(5))
    run_id = site.world.run()
    site.start_worker(REAL_PASSWORD=PASSWORD, SSL_CERT_FILE=CA)
    site.world.start(run_id)
    site.until_finished(run_id)
    arrived(site, real, run_id, 5)


def test_b4_a_wrong_password(site: Site, real: RealMail) -> None:
    site.over(
        host="localhost",
        port=real.ports["submission"],
        security="starttls",
        username=USER,
        password_env="REAL_PASSWORD",
    )
    site.start_worker(REAL_PASSWORD="wrong", SSL_CERT_FILE=CA)
    run_id = site.send(*many(3))
    said = site.until_waiting(run_id)
    assert "it refuses the login: 535 5.7.8" in said
    assert "a person must correct the user name or the password of mail server" in said
    assert site.world.statuses(run_id) == [ResultStatus.READY] * 3


def test_b3_a_name_that_is_no_host_name(site: Site, real: RealMail) -> None:
    """Postfix refuses it at RCPT, by 504: the run waits and says what to set. With a good one it goes on."""
    site.over(port=real.ports["helo"], ehlo_name="web1")
    site.start_worker()
    run_id = site.send(*many(3))
    said = site.until_waiting(run_id)
    assert "it refuses our name in EHLO: 504 5.5.2 <web1>: Helo command rejected" in said
    site.over(ehlo_name="web1.example.com")
    site.until_finished(run_id)
    arrived(site, real, run_id, 3)


@pytest.mark.parametrize(
    ("port", "security", "words"),
    [
        ("plain", "tls", "it does not speak TLS on port"),
        ("submissions", "starttls", "it expects TLS from the start on port"),
    ],
)
@pytest.mark.parametrize("waits", [{"MAILRUN_SMTP_TIMEOUT": "2"}], indirect=True, ids=[""])
def test_b7_the_wrong_encryption(site: Site, real: RealMail, port: str, security: str, words: str) -> None:
    site.over(port=real.ports[port], security=security)
    site.start_worker()
    run_id = site.send(*many(2))
    assert words in site.until_waiting(run_id)
