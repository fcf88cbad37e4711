"""A mail server that throttles, is shut or greylists: its pace falls to what it takes, and no message is
blamed."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest

from tests.faults.accounts import accounted
from tests.faults.installation import Site, crowd
from webapp.store.statuses import ResultStatus

REAL = {"MAILRUN_TIME_SCALE": "1", "MAILRUN_LEASE": "30"}


def many(n: int, domains: int = 20) -> list[str]:
    return [f"to.{number}@customer{number % domains}.test" for number in range(n)]


def started(site: Site, addresses: list[str], workers: int = 2) -> int:
    crowd(site.world, addresses)
    run_id = site.world.run()
    for _ in range(workers):
        site.start_worker()
    site.world.start(run_id)
    return run_id


def watched(site: Site, run_id: int, seconds: float) -> tuple[float, int, list[tuple[float, str]]]:
    """Waits for the end of the run: how long it took, how many were deferred at most at any moment, and what
    the run said when."""
    began, most, said = time.monotonic(), 0, list[tuple[float, str]]()
    while site.world.status(run_id) == "running":
        assert time.monotonic() - began < seconds, (Counter(site.world.statuses(run_id)), said[-3:])
        most = max(most, site.world.statuses(run_id).count(ResultStatus.DEFERRED))
        problem = site.problem(run_id)
        if problem and (not said or said[-1][1] != problem):
            said.append((round(time.monotonic() - began, 1), problem))
        time.sleep(0.2)
    return time.monotonic() - began, most, said


def told(site: Site, took: float, deferred: int, said: list[tuple[float, str]]) -> None:
    """Prints the figures of a row, for `make test-found`."""
    at = [taken.at for taken in site.server.taken]
    by_ten = Counter(int((moment - at[0]) // 10) for moment in at)
    print(f"\n{took:.1f} s, {site.server.refused} refused, at most {deferred} deferred at a time")
    print("taken in each ten seconds:", [by_ten[ten] for ten in range(max(by_ten) + 1)])
    print(*(f"{second} s: {words}" for second, words in said[:6]), sep="\n")


@pytest.mark.slow_found
@pytest.mark.parametrize("waits", [REAL], indirect=True, ids=[""])
@pytest.mark.parametrize("domains", [1, 20])
@pytest.mark.parametrize("stage", ["dot", "rcpt", "mail"])
def test_b1_ten_a_second(site: Site, stage: str, domains: int) -> None:
    """400 mails where 10 a second are taken: one copy each, in 1.3 times the least possible time, with at
    most 60 refusals; what the server says is told within 5 s."""
    site.server.throttle = (10, 1.0, "454 4.7.0 mail.test: throttling, slow down", stage)
    run_id = started(site, many(400, domains))
    took, deferred, said = watched(site, run_id, 90)
    told(site, took, deferred, said)
    assert accounted(site.world, run_id) == {"sent": 400}
    assert took <= 1.3 * 40
    assert site.server.refused <= 60
    assert said[0][0] <= 5
    assert "127.0.0.1 is throttling: 454 4.7.0 mail.test: throttling, slow down; " in said[0][1]
    assert any("sending about 9 a second" in words for _, words in said)


@pytest.mark.parametrize("waits", [REAL], indirect=True, ids=[""])
def test_b1_mail_is_refused_before_any_was_accepted(site: Site) -> None:
    """Three mails a second, of eight connections that begin at once: five are refused at MAIL while the first
    three are on their way. It is throttled, not in trouble, which would have its runs wait."""
    site.server.throttle = (3, 1.0, "454 4.7.0 mail.test: throttling, slow down", "mail")
    run_id = started(site, many(24))
    took, deferred, said = watched(site, run_id, 40)
    told(site, took, deferred, said)
    assert accounted(site.world, run_id) == {"sent": 24}
    assert all("is throttling" in words for _, words in said)
    assert took <= 2 * 8


@pytest.mark.slow_found
@pytest.mark.timeout(400)
@pytest.mark.parametrize("waits", [REAL], indirect=True, ids=[""])
@pytest.mark.parametrize("domains", [1, 20])
def test_b2_a_hundred_a_minute(site: Site, domains: int) -> None:
    """250 mails where 100 a minute are taken: in 1.5 times the least possible time (120 s), without a wave of
    deferred mails."""
    site.server.throttle = (100, 60.0, "450 4.7.1 Error: too many recipients from 127.0.0.1", "rcpt")
    run_id = started(site, many(250, domains))
    took, deferred, said = watched(site, run_id, 200)
    told(site, took, deferred, said)
    assert accounted(site.world, run_id) == {"sent": 250}
    assert took <= 1.5 * 120
    assert deferred <= 20


@pytest.mark.slow_found
@pytest.mark.timeout(400)
@pytest.mark.parametrize("waits", [REAL], indirect=True, ids=[""])
@pytest.mark.parametrize("domains", [1, 20])
def test_b2_shut_for_two_minutes(site: Site, domains: int) -> None:
    """Nothing is taken for two minutes: the run waits and says so; everything is sent within a minute of the
    server's recovery."""
    site.server.shut = "450 4.7.1 Service temporarily not available for your host"
    run_id = started(site, many(250, domains))
    opens = threading.Timer(120, setattr, (site.server, "shut", ""))
    opens.start()
    took, deferred, said = watched(site, run_id, 200)
    told(site, took, deferred, said)
    assert accounted(site.world, run_id) == {"sent": 250}
    assert took <= 120 + 60
    assert deferred <= 20
    assert "waiting for mail server 127.0.0.1: 450 4.7.1 Service temporarily" in said[0][1]
    assert site.server.refused <= 50


@pytest.mark.slow_found
@pytest.mark.timeout(900)
@pytest.mark.parametrize("waits", [REAL], indirect=True, ids=[""])
@pytest.mark.parametrize("domains", [1, 20])
@pytest.mark.parametrize("seconds", [20, 300])
def test_b2_greylisting(site: Site, seconds: int, domains: int) -> None:
    """Each recipient is refused until 20 s (300 s) after the first offer: all sent once, within twice the
    first retry's pause and a minute."""
    site.server.greylist = seconds
    run_id = started(site, many(250, domains))
    took, deferred, said = watched(site, run_id, 800)
    told(site, took, deferred, said)
    assert accounted(site.world, run_id) == {"sent": 250}
    assert took <= 2 * 300 + 60


@pytest.mark.parametrize("waits", [{"MAILRUN_TIME_SCALE": "60"}], indirect=True, ids=[""])
@pytest.mark.parametrize("seconds", [0.4, 5])
def test_b2_greylisting_in_short(site: Site, seconds: float) -> None:
    """The same with pauses of a sixtieth: retries after 5 s, the trial after half a second."""
    site.server.greylist = seconds
    run_id = started(site, many(60), workers=1)
    took, deferred, said = watched(site, run_id, 40)
    told(site, took, deferred, said)
    assert accounted(site.world, run_id) == {"sent": 60}
    assert took <= 2 * 5 + 5
    assert deferred > 20


@pytest.mark.parametrize("waits", [{"MAILRUN_TIME_SCALE": "60"}], indirect=True, ids=[""])
def test_b2_shut_in_short(site: Site) -> None:
    """Nothing is taken for 3 s, while retries take 5 s: none waits for its own retry."""
    site.server.shut = "450 4.7.1 Service temporarily not available for your host"
    run_id = started(site, many(60), workers=1)
    threading.Timer(4, setattr, (site.server, "shut", "")).start()
    took, deferred, said = watched(site, run_id, 40)
    told(site, took, deferred, said)
    assert accounted(site.world, run_id) == {"sent": 60}
    assert deferred <= 20
    assert any("waiting for mail server 127.0.0.1: 450 4.7.1 Service" in words for _, words in said)


@pytest.mark.parametrize("waits", [{"MAILRUN_TIME_SCALE": "60"}], indirect=True, ids=[""])
def test_b2_one_bad_domain(site: Site) -> None:
    """One domain of 20 is refused for now: only its mails are slowed and deferred, the others go out."""
    site.server.bad_domain = "customer7.test"
    addresses = many(400)
    run_id = started(site, addresses, workers=1)
    good = [address for address in addresses if not address.endswith("@customer7.test")]
    began = time.monotonic()
    site.until(lambda: len(site.server.taken) == len(good))
    took = time.monotonic() - began
    print(f"\n{took:.1f} s for {len(good)}; {site.server.refused} refused; {site.problem(run_id)}")
    assert site.server.refused < 20
    assert "is throttling mails to customer7.test: 450 4.4.1" in site.problem(run_id)
    site.server.bad_domain = ""
    watched(site, run_id, 60)
    assert accounted(site.world, run_id) == {"sent": 400}
