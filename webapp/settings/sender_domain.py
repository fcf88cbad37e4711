"""What the domain of a sender says in DNS to those who receive its mails: who may send them (SPF, RFC 7208),
which key signs them (DKIM, RFC 6376), and what becomes of those that fail both (DMARC, RFC 7489)."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

import dns.exception
import dns.resolver

from webapp.printable import printable
from webapp.translation import N_, _

SELECTORS = ("selector1", "selector2", "google", "default", "dkim", "mail", "s1", "s2", "k1")
"""Where large providers and mail servers keep their DKIM key; a domain does not say which it uses."""
RECORD_MAX = 1000
ANSWER_SECONDS = 8.0
"""How long all questions together may take: a person waits for the answer."""
POLICIES = {
    "none": N_("For mails that fail, %(domain)s asks receivers to change nothing, only to report."),
    "quarantine": N_("For mails that fail, %(domain)s has receivers treat them as spam."),
    "reject": N_("For mails that fail, %(domain)s has receivers refuse them."),
}


@dataclass(frozen=True)
class DomainFinding:
    """What was found of one standard. `look`: that of the status; `record`: the text in DNS, if any."""

    standard: str
    look: str
    words: str
    advice: str = ""
    record: str = ""


class NotAsked(Exception):
    """DNS did not answer; the message says why, as the end of a sentence."""


@dataclass(frozen=True)
class Dns:
    """Asks for the TXT records of names, until `deadline` (monotonic)."""

    resolver: dns.resolver.Resolver
    deadline: float

    def texts(self, name: str, beginning: str) -> list[str]:
        """The TXT records of this name that begin so. Raises NotAsked."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise NotAsked(_("no answer in time"))
        try:
            answer = self.resolver.resolve(name, "TXT", lifetime=left, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.Timeout:
            raise NotAsked(_("no answer in time")) from None
        except (dns.exception.DNSException, OSError) as error:
            raise NotAsked(str(error).rstrip(".") or type(error).__name__) from None
        found = (b"".join(record.strings).decode("utf-8", "replace") for record in answer)
        return [printable(text[:RECORD_MAX]) for text in found if text.lower().startswith(beginning)]


def check_domain(address: str, envelope_sender: str, selector: str = "") -> list[DomainFinding]:
    """Ask this machine's name servers about these addresses, as they go on the wire. `selector`: the DKIM
    selector, if it is known. Takes up to ANSWER_SECONDS. Raises NotAsked."""
    try:
        asked = Dns(dns.resolver.get_default_resolver(), time.monotonic() + ANSWER_SECONDS)
    except dns.resolver.NoResolverConfiguration:
        raise NotAsked(_("this machine has no name server")) from None
    domain, bounces = (each.rpartition("@")[2].lower() for each in (address, envelope_sender))
    return [
        _spf(asked, bounces),
        _dkim(asked, domain, (selector,) if selector else SELECTORS),
        _dmarc(asked, domain, bounces),
    ]


def _spf(asked: Dns, domain: str) -> DomainFinding:
    found = [text for text in asked.texts(domain, "v=spf1") if text.lower().split()[0] == "v=spf1"]
    if not found:
        words = _("%(domain)s does not say which servers may send its mails.", domain=domain)
        advice = _("Publish an SPF record that allows your mail server; mails may be taken for spam without.")
        return DomainFinding("SPF", "deferred", words, advice)
    record = found[0]
    if len(found) > 1:
        words = _(
            "%(domain)s has %(num)s SPF records, so receivers heed none of them.",
            domain=domain,
            num=len(found),
        )
        return DomainFinding("SPF", "failed", words, _("Merge them into one."), " | ".join(found))
    if {"all", "+all"} & set(record.lower().split()):
        words = _("%(domain)s allows every server in the world to send its mails.", domain=domain)
        return DomainFinding("SPF", "deferred", words, _("End the record with “~all” or “-all”."), record)
    words = _(
        "%(domain)s says which servers may send its mails. See that yours is among them.", domain=domain
    )
    return DomainFinding("SPF", "sent", words, record=record)


def _dkim(asked: Dns, domain: str, selectors: Iterable[str]) -> DomainFinding:
    for selector in selectors:
        for record in asked.texts(f"{selector}._domainkey.{domain}", ""):
            key = _tags(record).get("p")
            if key:
                words = _(
                    "%(domain)s has a key to sign its mails with, under the selector “%(selector)s”.",
                    domain=domain,
                    selector=selector,
                )
                return DomainFinding("DKIM", "sent", words, record=record)
            if key == "":
                words = _(
                    "The key of %(domain)s under the selector “%(selector)s” has been revoked.",
                    domain=domain,
                    selector=selector,
                )
                advice = _("Publish the key that your server uses.")
                return DomainFinding("DKIM", "failed", words, advice, record)
    advice = _("Enter the selector that your mail server signs with. If it signs nothing, have it sign.")
    return DomainFinding("DKIM", "deferred", _no_key(domain, list(selectors)), advice)


def _no_key(domain: str, selectors: list[str]) -> str:
    if len(selectors) > 1:
        return _("No key of %(domain)s was found under the usual selectors.", domain=domain)
    return _(
        "No key of %(domain)s was found under the selector “%(selector)s”.",
        domain=domain,
        selector=selectors[0],
    )


def _dmarc(asked: Dns, domain: str, bounces: str) -> DomainFinding:
    record, at = _nearest(asked, domain)
    if not record:
        words = _(
            "%(domain)s does not say what receivers should do with mails that fail SPF and DKIM.",
            domain=domain,
        )
        return DomainFinding("DMARC", "deferred", words, _("Publish a DMARC record, “p=none” to begin with."))
    tags = _tags(record)
    policy = (tags.get("sp") if at != domain else None) or tags.get("p", "")
    if policy.lower() not in POLICIES:
        words = _("The DMARC record of %(domain)s has no policy that receivers know.", domain=at)
        advice = _("Set “p=none”, “p=quarantine” or “p=reject”.")
        return DomainFinding("DMARC", "failed", words, advice, record)
    words = _(POLICIES[policy.lower()], domain=at)
    if _related(domain, bounces):
        return DomainFinding("DMARC", "sent", words, record=record)
    advice = _(
        "Bounces go to %(domain)s, another domain, so SPF does not count here: DKIM has to hold.",
        domain=bounces,
    )
    return DomainFinding("DMARC", "deferred", words, advice, record)


def _nearest(asked: Dns, domain: str) -> tuple[str, str]:
    """The DMARC record of the domain, or of the nearest one above it, and whose it is."""
    labels = domain.split(".")
    for first in range(max(1, len(labels) - 1)):
        at = ".".join(labels[first:])
        found = asked.texts(f"_dmarc.{at}", "v=dmarc1")
        if len(found) == 1:  # several count as none (RFC 7489, 6.6.3)
            return found[0], at
    return "", ""


def _related(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")


def _tags(record: str) -> dict[str, str]:
    """v=DKIM1; k=rsa; p=MIGf… as a dict; of a name given twice the first counts."""
    pairs = [part.partition("=")[::2] for part in record.split(";")]
    return {name.strip().lower(): "".join(value.split()) for name, value in reversed(pairs)}
