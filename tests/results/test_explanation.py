"""What the page of one result says above its mail, case by case."""

from __future__ import annotations

import pytest

from webapp.results.explanation import BY_STATUS, Today, explain, offers_todays_version
from webapp.store.runs import Result
from webapp.store.statuses import ResultStatus, RunStatus, SkipReason

S = ResultStatus


def result(
    status: ResultStatus,
    *,
    reason: str = "",
    detail: str = "",
    smtp_reply: str = "",
    warning: str = "",
    removed_from: str = "",
    redirected: bool = False,
) -> Result:
    """A result that is in no database."""
    return Result(
        status=status,
        reason=reason,
        detail=detail,
        smtp_reply=smtp_reply,
        warning=warning,
        removed_from=removed_from,
        redirected=redirected,
    )


HEADINGS = [
    (result(S.READY), "It will be sent."),
    (result(S.SENDING), "It is being handed over."),
    (result(S.SENT, smtp_reply="250 ok"), "The mail server accepted this mail."),
    (result(S.SENT), "A person marked this mail as sent."),
    (result(S.SENT, smtp_reply="250 ok", redirected=True), "The mail went to the redirect address."),
    (result(S.SENT, redirected=True), "The mail went to the redirect address."),
    (result(S.DEFERRED, redirected=True), "The mail server refused it for now."),
    (result(S.FAILED, smtp_reply="550 5.1.1 no such user"), "This mail was not sent."),
    (result(S.FAILED, detail="gave up after 9 attempts: connection reset"), "This mail was not sent."),
    (result(S.FAILED, detail="K-1: subject, line 1: there is no invoice"), "This mail could not be made."),
    (result(S.UNCONFIRMED), "This mail may have been sent."),
    (result(S.BOUNCED), "This mail came back."),
    (result(S.SKIPPED, reason=SkipReason.NO_RECIPIENT), "This mail cannot be sent."),
    (result(S.REMOVED), "Removed from the run."),
]


@pytest.mark.parametrize(("found", "heading"), HEADINGS, ids=range(len(HEADINGS)))
def test_each_status_has_its_heading_and_its_advice(found: Result, heading: str) -> None:
    told = explain(found, RunStatus.RUNNING, Today())
    assert told.heading == heading
    assert told.advice.endswith(".")


def test_every_status_is_explained() -> None:
    assert BY_STATUS.keys() == set(ResultStatus) - {S.READY}
    assert {found.status for found, _ in HEADINGS} == set(ResultStatus)


@pytest.mark.parametrize(
    ("run_status", "advice"),
    [
        (RunStatus.CREATED, "until the run is started"),
        (RunStatus.RUNNING, "in its turn"),
        (RunStatus.STOPPED, "started again"),
        (RunStatus.FINISHED, ""),
    ],
)
def test_a_ready_result_waits_for_its_run(run_status: RunStatus, advice: str) -> None:
    told = explain(result(S.READY), run_status, Today())
    assert advice in told.advice
    assert bool(advice) == bool(told.advice)


@pytest.mark.parametrize(("has_suspects", "word"), [(True, "is held"), (False, "was held")])
def test_a_suspect_document_holds_a_mail_until_it_is_right(has_suspects: bool, word: str) -> None:
    held = result(S.SKIPPED, reason=SkipReason.SUSPECT_DOCUMENT)
    told = explain(held, RunStatus.CREATED, Today(has_suspects=has_suspects))
    assert word in told.heading
    assert told.reasons == ([] if has_suspects else ["suspect document"])


@pytest.mark.parametrize(("only_rehearsed", "words"), [(True, "without asking"), (False, "asks first")])
def test_a_rehearsed_mail_says_whether_send_again_asks(only_rehearsed: bool, words: str) -> None:
    told = explain(
        result(S.SENT, smtp_reply="250 ok", redirected=True),
        RunStatus.FINISHED,
        Today(only_rehearsed=only_rehearsed),
    )
    assert words in told.advice


@pytest.mark.parametrize(
    ("found", "reasons"),
    [
        (result(S.FAILED, smtp_reply="550 no such user"), ["550 no such user"]),
        (result(S.FAILED, smtp_reply="550 no", detail="refused"), ["550 no", "refused"]),
        (result(S.FAILED, detail="refused"), ["refused"]),
        (result(S.UNCONFIRMED, detail="the worker was lost"), ["the worker was lost"]),
        (result(S.SENT, smtp_reply="250 ok", warning="1 address refused"), ["1 address refused"]),
        (result(S.READY), []),
    ],
)
def test_what_is_known_is_told_once(found: Result, reasons: list[str]) -> None:
    told = explain(found, RunStatus.RUNNING, Today())
    assert told.reasons == reasons


@pytest.mark.parametrize("status", list(ResultStatus))
def test_todays_version_is_offered_where_nothing_is_out(status: ResultStatus) -> None:
    offered = status in (S.DEFERRED, S.FAILED, S.SKIPPED)
    assert offers_todays_version(status, changed_since=True) == offered
    assert not offers_todays_version(status, changed_since=False)
