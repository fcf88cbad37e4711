"""Bounces of many mail systems, as a folder has them: MAILRUN_BOUNCE_SAMPLES=/path/to/set-of-emails/maildir
(github.com/sisimai/set-of-emails, BSD-2). They are not part of Mailrun."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from webapp.bounces.understanding import ReturnSays, understand
from webapp.mailing import return_address

KEY = "k" * 40
TOKEN = return_address.sign(KEY, 123_456, 2)
FOLDER = os.environ.get("MAILRUN_BOUNCE_SAMPLES", "")
ACTION = re.compile(r"^Action: *([a-z]+)", re.MULTILINE | re.IGNORECASE)
HAS_ID = re.compile(r"^Message-I[dD]:\s*<", re.MULTILINE)
KINDS = {"failed": "bounce", "expired": "bounce", "delayed": "delay"}
RIGHT_MIN, SAMPLES_MIN = 0.98, 300

pytestmark = pytest.mark.skipif(not FOLDER, reason="MAILRUN_BOUNCE_SAMPLES names no folder of bounces")


def samples() -> list[tuple[str, bytes, str]]:
    """(name, bytes, text with plain line ends) of each."""
    found = []
    for path in sorted(Path(FOLDER).rglob("*.eml")):
        raw = path.read_bytes()
        text = raw.decode("latin-1").replace("\r\n", "\n").replace("\r", "\n")
        found.append((f"{path.parent.name}/{path.name}", raw, text))
    return found


def understood(raw: bytes) -> ReturnSays:
    """What it says, delivered to a signed address, where most counts."""
    return understand(f"Delivered-To: bounces+{TOKEN}@example.com\n".encode() + raw, (KEY,))


def test_reports_are_judged_right_and_name_their_mail() -> None:
    right, wrong, ids, lost = 0, [], 0, []
    for name, raw, text in samples():
        body = text.partition("\n\n")[2]
        actions = [each.lower() for each in ACTION.findall(body)]
        if "message/delivery-status" not in text.lower() or not actions:
            continue
        first = next((each for each in actions if KINDS.get(each) == "bounce"), actions[0])
        wanted, says = KINDS.get(first, "delivered"), understood(raw)
        right += says.kind == wanted
        if says.kind != wanted:
            wrong.append(f"{name}: {says.kind}, not {wanted}")
        if HAS_ID.search(body):
            ids += 1
            if not says.message_id:
                lost.append(name)
    print(f"\n{right} of {right + len(wrong)} right; {ids - len(lost)} of {ids} ids; wrong: {wrong}; {lost}")
    assert right + len(wrong) >= SAMPLES_MIN
    assert right >= RIGHT_MIN * (right + len(wrong)), wrong
    assert len(lost) <= 0.02 * ids, lost


def test_no_answer_counts_as_a_bounce_and_nothing_breaks() -> None:
    for name, raw, _ in samples():
        says = understood(raw)
        assert says.token is not None, name
        if Path(name).name.startswith("rfc3834") or "not-bounce" in name:
            assert says.kind not in ("bounce", "delay"), name
