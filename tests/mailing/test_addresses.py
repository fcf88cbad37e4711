"""Addresses within a company pass, whatever is not one plain address does not."""

from __future__ import annotations

import pytest

from webapp.mailing.addresses import BadAddress, checked_address


@pytest.mark.parametrize(
    ("given", "checked"),
    [
        ("Billing@Example.COM", "Billing@example.com"),
        (" a.b+c@example.com ", "a.b+c@example.com"),
        ("billing@customers.test", "billing@customers.test"),
        ("billing@Mail.Corp.LOCAL", "billing@mail.corp.local"),
        ("root@localhost", "root@localhost"),
        ("post@müller.de", "post@xn--mller-kva.de"),
    ],
)
def test_an_address_comes_out_as_it_goes_on_the_wire(given: str, checked: str) -> None:
    assert checked_address(given) == checked


@pytest.mark.security("C8")
@pytest.mark.parametrize(
    "given",
    ["", "unknown", "a@b@local", "@local", "a@.local", "a@-x.local", "ü@example.com", "a@x.com\nBcc: b@c.d",
     "a@example.com,b@x.com", "a b@local", "a@x.invalid", "a@"],
)  # fmt: skip
def test_anything_else_is_refused(given: str) -> None:
    with pytest.raises(BadAddress):
        checked_address(given)
