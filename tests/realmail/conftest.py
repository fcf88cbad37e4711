"""Postfix and Dovecot where they are installed; elsewhere these tests are skipped, in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import site as site
from tests.faults.conftest import waits as waits
from tests.realmail.policy import Greylist, PolicyServer
from tests.realmail.servers import RealMail, are_installed, real_mail

HERE = Path(__file__).parent
RATE_SECONDS = 5
"""The length of Postfix's windows here; 60 s by default."""
GREYLISTED_SECONDS = 2.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    why = are_installed()
    for item in items:
        if item.path.parent == HERE and why:
            item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def greylist() -> Greylist:
    return Greylist(GREYLISTED_SECONDS)


@pytest.fixture(scope="session")
def real(greylist: Greylist) -> Iterator[RealMail]:
    """One Postfix with a port for each kind of strictness, and the Dovecot that it hands the mails to."""
    policy = PolicyServer(greylist.decide)
    policy.start()
    sasl = "-o smtpd_sasl_auth_enable=yes -o smtpd_client_restrictions=permit_sasl_authenticated,reject"
    entries = {
        "plain": "",
        "recipients": "-o smtpd_client_recipient_rate_limit=20",
        "messages": "-o smtpd_client_message_rate_limit=20",
        "connections": "-o smtpd_client_connection_count_limit=2",
        "greylisting": f"-o smtpd_recipient_restrictions=check_policy_service,inet:127.0.0.1:{policy.port}",
        "helo": "-o smtpd_helo_required=yes -o smtpd_helo_restrictions=reject_non_fqdn_helo_hostname",
        "submission": f"-o smtpd_tls_security_level=encrypt -o smtpd_tls_auth_only=yes {sasl}",
        "submissions": f"-o smtpd_tls_wrappermode=yes {sasl}",
    }
    with real_mail(entries, main=f"anvil_rate_time_unit = {RATE_SECONDS}s\n") as running:
        yield running
    policy.stop()
