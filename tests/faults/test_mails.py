"""F45 to F47: templates, attachments and addresses that are at fault themselves: each costs its own message
only."""

from __future__ import annotations

import email
import email.policy
import time

import pytest
from sqlalchemy import update

from tests import factories
from tests.faults.accounts import accounted
from tests.faults.installation import Site, numbered
from tests.faults.processes import peak_memory
from tests.faults.test_kills import FIRST, SECOND, sqlite_only
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.store.customers import Customer, CustomerEmail
from webapp.store.definitions import MessageDefinition, TemplateText
from webapp.store.invoices import Invoice, TransformationResult
from webapp.store.runs import Result

WHOLE = "<p>Invoice {{ invoice.number }}</p>"


def template(site: Site, source: str) -> None:
    with site.world.runtime.database.writing() as session:
        session.execute(update(TemplateText).values(source=source))


def test_f45_a_template_that_fails_for_three_of_a_hundred(site: Site) -> None:
    """Three `failed`, with the line and the customer; 97 sent."""
    addresses = numbered(100)
    with site.world.runtime.database.writing() as session:
        codes = []
        for position, address in enumerate(addresses):
            payer = factories.customer(session, site.world.everybody, address)
            payer.extra = {} if position in (7, 50, 99) else {"contract": "A"}
            codes += [payer.code] if not payer.extra else []
            document = factories.invoice(session, payer)
            factories.document(session, site.world.runtime.documents, document)
    template(site, f"{WHOLE}\n<p>Contract {{{{ customer.metadata.contract }}}}</p>")
    site.start_worker()
    run_id = site.world.run()
    site.world.start(run_id)
    site.until_finished(run_id)
    assert accounted(site.world, run_id) == {"sent": 97, "failed": 3}
    failed = [result for result in site.world.results(run_id) if result.status == "failed"]
    for result, code in zip(failed, codes, strict=True):
        assert result.detail.startswith(f"{code}: template, line 2: ")
        assert result.attempts == 1


BOMBS = {
    "an endless loop": "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
    "a gigabyte": "{{ 'x' * 1000000000 }}",
    "a number without end": "{{ (customer.name | length) ** (10 ** 9) }}",
}


@pytest.mark.slow_fault
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
@sqlite_only
def test_f45_a_template_that_runs_away(site: Site, bomb: str) -> None:
    """Cut at 5 s and 512 MB: its own message is `failed` in words, the others go out, the
    worker lives on."""
    template(site, f"{WHOLE}{{% if customer.name == 'Bomb' %}}{bomb}{{% endif %}}")
    site.add(FIRST, SECOND)
    with site.world.runtime.database.writing() as session:
        of = CustomerEmail.customer_id == Customer.id
        bombed = of & (CustomerEmail.address == FIRST)
        session.execute(update(Customer).where(bombed).values(name="Bomb"))
    worker = site.start_worker()
    run_id = site.world.run()
    began = time.monotonic()
    site.world.start(run_id)
    site.until_finished(run_id, 25)
    assert time.monotonic() - began < 20
    assert worker.poll() is None
    assert peak_memory(worker.pid) < 300_000_000
    assert site.result(run_id, FIRST).status == "failed"
    assert accounted(site.world, run_id) == {"sent": 1, "failed": 1}


def replace_document(site: Site, number: int, content: bytes | None) -> None:
    """The document of the so manieth invoice: other bytes under the same name, none (None)."""
    with site.world.runtime.database.writing() as session:
        ids = session.query(Invoice.id).order_by(Invoice.id).all()
        of = TransformationResult.invoice_id == ids[number - 1][0]
        if content is None:
            session.query(TransformationResult).filter(of).delete()
        else:
            digest = site.world.runtime.documents.put(content)
            session.execute(
                update(TransformationResult)
                .where(of)
                .values(size=len(content), sha256=digest, found_in=digest)  # the guard has been at it
            )


def run_of_two(site: Site) -> int:
    """The first has something the matter; over."""
    run_id = site.world.run()
    site.world.start(run_id)
    site.start_worker()
    site.until_finished(run_id)
    assert site.result(run_id, SECOND).status == "sent"
    assert site.server.mails_to(FIRST) == []
    assert FIRST not in site.server.begun
    return run_id


def test_f46_attachment_missing_when_it_is_sent(site: Site) -> None:
    """`skipped` with the reason, although it was there when the run was made."""
    site.add(FIRST, SECOND)
    run_id = site.world.run()
    replace_document(site, 1, None)
    site.world.start(run_id)
    site.start_worker()
    site.until_finished(run_id)
    result = site.result(run_id, FIRST)
    assert (result.status, result.reason) == ("skipped", "no_attachment")
    assert accounted(site.world, run_id) == {"sent": 1, "skipped": 1}


@pytest.mark.parametrize("password", [None, "", "   "])
@pytest.mark.parametrize("zipped", [True, False])
@sqlite_only
def test_f46_password_empty(site: Site, password: str | None, zipped: bool) -> None:
    """`skipped` with the reason, also when it was there as the run was made; never sent open."""
    with site.world.runtime.database.writing() as session:
        session.execute(update(MessageDefinition).values(zip=zipped, password_key="pin"))
    site.add(FIRST, SECOND)
    with site.world.runtime.database.writing() as session:
        session.execute(update(Customer).values(extra={"pin": "1234"}))
    run_id = site.world.run()
    with site.world.runtime.database.writing() as session:
        of = (CustomerEmail.customer_id == Customer.id) & (CustomerEmail.address == FIRST)
        session.execute(
            update(Customer).where(of).values(extra={} if password is None else {"pin": password})
        )
    site.world.start(run_id)
    site.start_worker()
    site.until_finished(run_id)
    result = site.result(run_id, FIRST)
    assert (result.status, result.reason) == ("skipped", "no_password")
    assert [taken.recipients for taken in site.server.taken] == [(SECOND,)]
    assert accounted(site.world, run_id) == {"sent": 1, "skipped": 1}


@pytest.mark.parametrize("what", ["gone", "corrupt", "emptied"])
@sqlite_only
def test_f46_attachment_gone_or_corrupt_in_the_store(site: Site, what: str) -> None:
    """`failed`, or held by the guard, with the reason before SMTP."""
    site.add(FIRST, SECOND)
    with site.world.runtime.database.reading() as session:
        digest = session.query(TransformationResult).order_by(TransformationResult.id).first().sha256  # type: ignore[union-attr]
    path = site.stored(digest)
    if what == "gone":
        path.unlink()
    else:
        path.write_bytes(b"" if what == "emptied" else b"%PDF something else")
    run_id = run_of_two(site)
    result = site.result(run_id, FIRST)
    if what == "gone":
        assert "the document store has no" in result.detail
    else:
        assert result.reason == "suspect_document"
    assert accounted(site.world, run_id) == {"sent": 1, ("failed" if what == "gone" else "skipped"): 1}


@sqlite_only
def test_f46_attachment_without_a_byte(site: Site) -> None:
    """`failed` or `skipped` with the reason: an invoice of no bytes is none."""
    site.add(FIRST, SECOND)
    replace_document(site, 1, b"")
    run_id = run_of_two(site)
    result = site.result(run_id, FIRST)
    assert result.status in ("failed", "skipped")
    assert "empty" in result.detail or result.reason
    counts = accounted(site.world, run_id)
    assert counts["sent"] == 1


@pytest.mark.slow_fault
@pytest.mark.parametrize(("limit", "status"), [(50_000_000, "failed"), (100_000_000, "sent")])
@sqlite_only
def test_f46_attachment_of_fifty_megabytes(site: Site, limit: int, status: str) -> None:
    """`failed` with size and limit before any DATA; sent whole where the server takes it."""
    site.server.max_size = limit
    site.add(FIRST, SECOND)
    content = bytes(range(256)) * 200_000
    replace_document(site, 1, content)
    run_id = site.world.run()
    site.world.start(run_id)
    site.start_worker()
    site.until_finished(run_id)
    result = site.result(run_id, FIRST)
    assert (result.status, site.result(run_id, SECOND).status) == (status, "sent")
    if status == "failed":
        assert "50,000,000" in result.detail
        assert FIRST not in site.server.begun
    else:
        [taken] = site.server.mails_to(FIRST)
        mail = email.message_from_bytes(taken.data, policy=email.policy.default)
        assert [part.get_content() for part in mail.iter_attachments()] == [content]
    accounted(site.world, run_id)


REFUSED = {
    "two": "a@b.test, c@d.test",
    "line break": "a@b.test\r\nBcc: everybody@elsewhere.test",
    "non-ASCII local part": "jürgen@b.test",
    "no address": "unknown",
    "angle": "a@b.test> RCPT TO:<c@d.test",
}


@pytest.mark.parametrize("given", ["", *REFUSED.values()], ids=["empty", *REFUSED])
def test_f47_refused_at_the_door(given: str) -> None:
    """With the reason; nothing is cut or widened."""
    with pytest.raises(BadAddress):
        checked_address(given)


@sqlite_only
def test_f47_refused_again_when_it_is_sent(site: Site) -> None:
    """Addresses that got past the door: `failed` with the reason before SMTP; an international domain goes
    out as punycode; no one else gets anything."""
    bad = list(REFUSED.values())
    site.add(*bad, "", "office@münchen.example", FIRST)
    run_id = site.world.run()
    site.world.start(run_id)
    site.start_worker()
    site.until_finished(run_id)
    for given in bad:
        result = site.result(run_id, given)
        assert (result.status, bool(result.detail)) == ("failed", True), given
    with site.world.runtime.database.reading() as session:
        skipped = session.query(Result).filter(Result.status == "skipped").one()
        assert skipped.reason == "no_recipient"
    arrived = sorted(address for taken in site.server.taken for address in taken.recipients)
    assert arrived == [FIRST, "office@xn--mnchen-3ya.example"]
    assert accounted(site.world, run_id) == {"sent": 2, "failed": len(bad), "skipped": 1}
