"""Bounces of a real Postfix, read from a real Dovecot by real workers: every result ends right."""

from __future__ import annotations

import imaplib
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, update

from tests.faults.installation import Site
from tests.realmail.policy import PolicyServer
from tests.realmail.servers import RealMail, real_mail
from webapp.bounces import reading
from webapp.bounces.imap import ImapMailbox
from webapp.bounces.mailboxes import address_of
from webapp.mailservers import passwords
from webapp.settings import mailbox_states
from webapp.store.bounces import Mailbox, ReturnedMail
from webapp.store.mailservers import Sender
from webapp.store.users import AuditEntry

LATE_SECONDS, LIFETIME_SECONDS = 4.0, 25
EACH_MAX = 9
FORWARDED = ", ".join(
    f"{{ forwarded.{n}@customers.test = gone.forwarded.{n}@customers.test }}" for n in range(1, EACH_MAX + 1)
)
MAIN = f"""\
transport_maps = inline:{{ {{ customers.test = smtp:[127.0.0.1]:@theirs@ }}, {{ nohost.test = smtp: }} }}
virtual_alias_maps = inline:{{ {FORWARDED} }}
delay_warning_time = 2s
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
maximal_queue_lifetime = {LIFETIME_SECONDS}s
bounce_queue_lifetime = {LIFETIME_SECONDS}s
smtp_destination_concurrency_limit = 5
smtp_destination_concurrency_failed_cohort_limit = 0
default_destination_concurrency_failed_cohort_limit = 0
smtpd_policy_service_timeout = 5s
""" + "".join(f"smtp_{step}_timeout = 10s\n" for step in ("connect", "helo", "mail", "rcpt", "data_done"))
"""Of minutes, as Postfix has them, a single lost answer would keep a mail longer than a test takes."""
KINDS = {
    "gone": ("bounced", "5.1.1"),
    "full": ("bounced", "5.2.2"),
    "spam": ("bounced", "5.7.1"),
    "large": ("bounced", "5.3.4"),
    "never": ("bounced", "4.2.1"),
    "late": ("sent", ""),
    "forwarded": ("bounced", "5.1.1"),
    "nohost": ("bounced", ""),
    "fine": ("sent", ""),
}
"""What becomes of a mail, by its local part, and the code; whether DNS answers decides that of `nohost`."""
ANSWERS = {
    "gone": "550 5.1.1 no such user here",
    "full": "552 5.2.2 mailbox is over quota",
    "spam": "550 5.7.1 refused as spam",
    "large": "552 5.3.4 message too big",
    "never": "450 4.2.1 mailbox busy",
    "fine": "DISCARD",
}
"""What the customers' server says at RCPT, by the local part."""
NO_PENALTY = " ".join(
    f"-o {option}"
    for option in ("smtpd_error_sleep_time=0", "smtpd_soft_error_limit=9999", "smtpd_hard_error_limit=9999")
)
"""A second for each refusal would keep mails in our Postfix's queue until they are too old."""
SHORT = {"MAILRUN_TIME_SCALE": "60"}


MANY = pytest.param(EACH_MAX, 428, marks=pytest.mark.slow_found)
"""500 mails, 72 of them bad."""


@pytest.fixture(autouse=True)
def sqlite_only(engine: str) -> None:
    if engine != "sqlite":
        pytest.skip("on SQLite only")


@pytest.fixture
def theirs() -> Iterator[RealMail]:
    """Our Postfix, and behind it the customers', which takes mails or refuses them."""
    first: dict[str, float] = {}

    def decide(recipient: str) -> str:
        kind = recipient.partition(".")[0]
        if kind == "late":
            since = time.monotonic() - first.setdefault(recipient, time.monotonic())
            return "DISCARD" if since > LATE_SECONDS else "450 4.2.1 try later"
        return ANSWERS.get(kind, "DISCARD")

    policy = PolicyServer(decide)
    policy.start()
    restrictions = f"smtpd_recipient_restrictions=check_policy_service,inet:127.0.0.1:{policy.port}"
    entries = {"ours": "", "theirs": f"-o myhostname=mx.customers.test {NO_PENALTY} -o {restrictions}"}
    with real_mail(entries, main=MAIN) as running:
        yield running
    policy.stop()


def with_mailbox(site: Site, real: RealMail, **fields: object) -> int:
    """A mailbox at Dovecot that the sender's mails come back to; its id."""
    with site.world.runtime.database.writing() as session:
        given = {"kind": "imap", "host": "127.0.0.1", "port": real.imap, "security": "none"}
        mailbox = Mailbox(**{"name": "Bounces", "username": "reader", "every_minutes": 1, **given, **fields})
        session.add(mailbox)
        passwords.store(session, mailbox, "ascii")
        session.flush()
        session.execute(update(Sender).values(envelope_sender="bounces@returns.test", mailbox_id=mailbox.id))
        return mailbox.id


def read_until(site: Site, run_id: int, wanted: Counter[str], seconds: float) -> Counter[str]:
    """Have the workers read again and again, until the results have these statuses."""
    end = time.monotonic() + seconds
    while (found := Counter(site.world.statuses(run_id))) != wanted and time.monotonic() < end:
        with site.world.runtime.database.writing() as session:
            session.execute(update(Mailbox).values(next_read_at=None))
        time.sleep(0.5)
    return found


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("each", "fine"), [(3, 76), MANY])
@pytest.mark.parametrize("waits", [SHORT], indirect=True, ids=[""])
def test_every_result_ends_right(site: Site, theirs: RealMail, each: int, fine: int) -> None:
    domains = dict.fromkeys(KINDS, "customers.test") | {"nohost": "nohost.test"}
    bad = [kind for kind in KINDS if kind != "fine"]
    addresses = [f"{kind}.{n}@{domains[kind]}" for kind in bad for n in range(1, each + 1)]
    addresses += [f"fine.{n}@customers.test" for n in range(1, fine + 1)]
    site.over(port=theirs.ports["ours"])
    with_mailbox(site, theirs)
    site.add(*addresses)
    run_id = site.world.run()
    site.start_worker()
    site.world.start(run_id)
    wanted = Counter(KINDS[address.partition(".")[0]][0] for address in addresses)
    found = read_until(site, run_id, wanted, 250)
    kinds = Counter(mail.kind for mail in stored(site))
    print(f"\n{dict(found)}; read: {dict(kinds)}")
    sent_back = theirs.log().count("sender non-delivery notification")
    assert kinds["bounce"] == sent_back, "Postfix sent back another number than was read"
    for address in addresses:
        status, code = KINDS[address.partition(".")[0]]
        result = site.result(run_id, address)
        assert result.status == status, f"{address}: {result.detail}\n{log_of(theirs, address)}"
        assert f"(code {code})" in result.detail or not code, (address, result.detail)
        assert bool(result.detail) == (status == "bounced"), (address, result.detail)
    assert kinds["delay"] >= each  # of `never`; of others where Postfix tries at the right moment
    assert kinds["bounce"] == wanted["bounced"]
    assert {mail.state for mail in stored(site) if mail.kind == "bounce"} == {"matched"}
    assert audited(site) == wanted["bounced"]
    forwarded = next(mail for mail in stored(site) if mail.recipient.startswith("forwarded"))
    assert forwarded.recipients[0]["reached"].startswith("gone")


def log_of(real: RealMail, address: str) -> str:
    """What Postfix says of the mails to this address, and what it warns of. A text, which is shown whole."""
    lines = real.log().splitlines()
    queue_ids = {found[1] for line in lines if (found := re.search(rf" (\w+): to=<{address}>", line))}
    told = [
        line for line in lines if any(each in line for each in (*queue_ids, "warning:", "fatal:", "panic:"))
    ]
    return "\n".join([*told[:40], "…", *told[-40:], "the last line:", *lines[-1:]])


def stored(site: Site) -> list[ReturnedMail]:
    with site.world.runtime.database.reading() as session:
        return list(session.scalars(select(ReturnedMail)))


def audited(site: Site) -> int:
    with site.world.runtime.database.reading() as session:
        return session.scalars(select(func.count()).where(AuditEntry.action == "mail bounced")).one()


def test_a_check_counts_and_reads_nothing(site: Site, theirs: RealMail) -> None:
    mailbox_id = with_mailbox(site, theirs)
    runtime = site.world.runtime

    def checked() -> mailbox_states.CheckedMailbox:
        with runtime.database.reading() as session:
            return mailbox_states.check(
                address_of(session.get_one(Mailbox, mailbox_id), runtime.settings, runtime.database)
            )

    assert (checked().waiting, checked().trouble) == (0, "")
    with runtime.database.writing() as session:
        session.execute(update(Mailbox).values(folder="nowhere"))
    assert "there is no folder “nowhere”" in checked().trouble
    with runtime.database.writing() as session:
        session.execute(update(Mailbox).values(username="stranger"))
    assert "it refuses the login of “stranger”" in checked().trouble
    with runtime.database.writing() as session:
        session.execute(update(Mailbox).values(port=1))
    assert checked().trouble == "connection refused"


@pytest.mark.parametrize("forgotten", [(), ("MOVE",), ("MOVE", "UIDPLUS")], ids=["move", "uidplus", "plain"])
def test_what_others_marked_as_deleted_stays(
    site: Site, theirs: RealMail, monkeypatch: pytest.MonkeyPatch, forgotten: tuple[str, ...]
) -> None:
    """Trap 2 of imap-tools: moving a mail expunged the whole folder."""
    runtime = site.world.runtime
    mailbox_id = with_mailbox(site, theirs)
    really = ImapMailbox._look_around

    def look_around(self: ImapMailbox) -> None:
        really(self)
        offered = self.box.client.capabilities
        assert {"MOVE", "UIDPLUS"} <= set(offered)
        self.box.client.capabilities = tuple(each for each in offered if each not in forgotten)

    monkeypatch.setattr(ImapMailbox, "_look_around", look_around)
    with imaplib.IMAP4("127.0.0.1", theirs.imap) as box:
        box.login("reader", "ascii")
        for subject in ("foreign", "ours"):
            box.append("INBOX", "", "", f"Subject: {subject}\r\n\r\nx\r\n".encode())
        box.select("INBOX")
        box.store("1", "+FLAGS", r"(\Deleted)")
        assert reading.read(runtime, mailbox_id, threading.Event()) is not None
        assert [mail.subject for mail in stored(site)] == ["ours"]
        box.select("INBOX")
        left = box.search(None, "ALL")[1][0].split()
        assert len(left) == (2 if "UIDPLUS" in forgotten else 1)
        assert box.select('"Read by Mailrun"')[1] == [b"1"]
        assert reading.read(runtime, mailbox_id, threading.Event()) is not None
        assert len(stored(site)) == 1
