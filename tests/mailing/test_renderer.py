"""The templates' child process: what a template may do, what it may not, and that it costs its own message
only."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.mailing.hostile import BOMBS, PAYLOADS
from webapp.mailing import sandbox
from webapp.mailing.renderer import Renderer, ToRender
from webapp.mailing.texts import MessageText, Rendered, Unrenderable

NAMES = {
    "customer": {"code": "C1", "name": "Jan & Co", "metadata": {"contact": "Jan"}},
    "invoice": {"number": "INV-1", "gross_amount": Decimal("121.00"), "period_end": date(2026, 10, 31)},
}


def one(body: str, *, html: bool = True, subject: str = "Invoice {{ invoice.number }}") -> ToRender:
    return ToRender(MessageText(subject, body, html), NAMES)


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    made = Renderer(seconds=1.0, megabytes=256)
    yield made
    made.close()


def test_plain_data_keep_their_kinds(renderer: Renderer) -> None:
    body = "<p>{{ customer.name }}: {{ invoice.gross_amount + 1 }} until {{ invoice.period_end.year }}</p>"
    assert renderer.render(one(body)) == Rendered(
        "Invoice INV-1", "Jan & Co: 122.00 until 2026\n", "<p>Jan &amp; Co: 122.00 until 2026</p>"
    )


def test_a_batch_larger_than_a_frame_comes_back_in_order(renderer: Renderer) -> None:
    batch = [one(f"mail {n}", html=False) for n in range(450)]
    assert [found.text for found in renderer.render_all(batch) if isinstance(found, Rendered)] == [
        f"mail {n}" for n in range(450)
    ]


@pytest.mark.security("C6")
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_costs_its_own_message_only(renderer: Renderer, bomb: str) -> None:
    began = time.monotonic()
    before, bombed, after = renderer.render_all([one("before"), one(bomb), one("after")])
    assert isinstance(bombed, Unrenderable)
    assert bombed.words
    assert isinstance(before, Rendered)
    assert isinstance(after, Rendered)
    assert after.html == "after"
    assert time.monotonic() - began < 10


@pytest.mark.security("C6")
def test_a_bomb_in_the_subject_is_caught_too(renderer: Renderer) -> None:
    bombed = renderer.render(one("fine", subject="{{ 10**(10**8) }}"))
    assert bombed == Unrenderable("the template ran for more than 1 seconds, and was ended")


@pytest.mark.security("C5")
@pytest.mark.parametrize("escape", PAYLOADS)
def test_no_way_out_of_the_sandbox(renderer: Renderer, escape: str) -> None:
    found = renderer.render(one(escape))
    assert isinstance(found, Unrenderable), found


@pytest.mark.security("C5")
def test_data_are_never_rendered_twice(renderer: Renderer) -> None:
    names = {"customer": {"name": "{{ 7 * 7 }}"}}
    found = renderer.render(
        ToRender(MessageText("to {{ customer.name }}", "{{ customer.name }}", True), names)
    )
    assert found == Rendered("to {{ 7 * 7 }}", "{{ 7 * 7 }}\n", "{{ 7 * 7 }}")


@pytest.mark.security("C5")
def test_the_child_knows_no_secrets_and_can_write_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILRUN_SECRET_KEY", "a secret")
    renderer = Renderer()
    renderer.render(one("fine"))
    assert renderer.sandbox._child is not None
    process = Path(f"/proc/{renderer.sandbox._child.process.pid}")
    assert b"a secret" not in (process / "environ").read_bytes()
    limits = (process / "limits").read_text()
    assert [line.split()[3] for line in limits.splitlines() if line.startswith("Max file size")] == ["0"]
    renderer.close()


def test_a_child_that_was_killed_blames_no_message(renderer: Renderer) -> None:
    renderer.render(one("fine"))
    assert renderer.sandbox._child is not None
    renderer.sandbox._child.process.kill()
    renderer.sandbox._child.process.wait()
    found = renderer.render_all([one("one"), one("two")])
    assert [text.html for text in found if isinstance(text, Rendered)] == ["one", "two"]


def test_a_child_that_does_not_read_is_ended_and_blames_no_message(
    renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer.render(one("fine"))
    assert renderer.sandbox._child is not None
    renderer.sandbox._child.process.send_signal(signal.SIGSTOP)
    monkeypatch.setattr(sandbox, "START_SECONDS", 5.0)
    long = "x" * 200_000  # more than the pipe between them holds
    found = renderer.render_all([one(long), one("two")])
    assert [text.html for text in found if isinstance(text, Rendered)] == [long, "two"]


def test_data_that_are_too_much_together_are_no_messages_fault(renderer: Renderer) -> None:
    text = MessageText("Hello", "{{ text[:2] }}", True)
    much = [ToRender(text, {"text": f"{n:02} " * 800_000}) for n in range(60)]
    found = renderer.render_all(much)
    assert [text.html for text in found if isinstance(text, Rendered)] == [f"{n:02}" for n in range(60)]


def test_when_its_time_is_over_the_rest_is_left_and_the_next_batch_is_its_own() -> None:
    slow = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}"
    renderer = Renderer(seconds=0.5)
    found = renderer.render_all([one("fine"), one(slow), one("left"), one("left")], time.monotonic() + 0.2)
    assert len(found) in (1, 2)  # the first may have taken its time, too
    assert len(renderer.render_all([one("1"), one("2")], time.monotonic() - 1)) == 1  # one at least
    [answer] = renderer.render_all([one("fine")])
    assert isinstance(answer, Rendered)
    assert answer.html == "fine"
    renderer.close()


def test_the_child_ends_with_the_one_it_works_for() -> None:
    renderer = Renderer()
    renderer.render(one("fine"))
    assert renderer.sandbox._child is not None
    process = renderer.sandbox._child.process
    renderer.sandbox._child._in.close()
    assert process.wait(10) == 0
