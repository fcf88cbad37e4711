"""Foreign content in a frame: without any right; the twin that is only measured may be looked into, and still
runs and loads nothing."""

from __future__ import annotations

import pytest
from flask import Flask

from webapp.web import untrusted


def policy(app: Flask, url: str) -> list[str]:
    """The parts of the policy of a framed mail, and of a framed text, which are the same."""
    with app.test_request_context(url):
        answers = [untrusted.framed("<p>x</p>"), untrusted.as_text("x")]
    [one] = {answer.headers["Content-Security-Policy"] for answer in answers}
    return one.split("; ")


@pytest.mark.security("C9")
def test_the_measured_twin_may_run_nothing_either(app: Flask) -> None:
    shown, measured = policy(app, "/results/1/mail"), policy(app, "/results/1/mail?measure=1")
    assert shown[0] == "sandbox"
    assert measured[0] == "sandbox allow-same-origin"
    assert shown[1:] == measured[1:]
    assert "default-src 'none'" in measured
    assert not any("allow-scripts" in part or part.startswith("script-src") for part in measured)
