"""How much at once, and how often."""

from __future__ import annotations

import pytest

from tests.http_client import LogIn, fields
from tests.results.staged import made
from tests.world import World
from webapp.mailing.addresses import MAX_BCC_ADDRESSES
from webapp.store.statuses import ResultStatus
from webapp.web.user_limits import SEND_AGAIN


@pytest.mark.security("C29")
def test_a_mail_has_ten_copies_at_most(log_in: LogIn, world: World) -> None:
    world.add()
    browser = log_in("manager")
    for number in (MAX_BCC_ADDRESSES + 1, MAX_BCC_ADDRESSES):
        browser.look("/runs/new")
        bcc = ", ".join(f"copy{n}@example.com" for n in range(number))
        answer = browser.press("/runs", **fields(world, bcc=bcc))
        assert answer.status_code == (422 if number > MAX_BCC_ADDRESSES else 303)


@pytest.mark.security("C29")
def test_a_person_may_not_send_again_without_end(log_in: LogIn, world: World) -> None:
    run_id, [id] = made(world, ResultStatus.FAILED)
    browser, other = log_in("manager"), log_in("admin")
    browser.look(f"/runs/{run_id}")
    url = f"/runs/{run_id}/results/send-again"
    answers = [browser.press(url, only=id).status_code for _ in range(SEND_AGAIN.amount + 1)]
    assert (answers[-1], 429 in answers[:-1]) == (429, False)
    other.look(f"/runs/{run_id}")
    assert other.press(url, only=id).status_code != 429
