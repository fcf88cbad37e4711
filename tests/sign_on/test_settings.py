"""The settings of logins: what can be used, and what is refused before anything starts."""

from __future__ import annotations

import pytest

from webapp.errors import SettingError
from webapp.login_settings import load_logins
from webapp.sign_on.role_map import Grant, granted_to, parse, values_in
from webapp.store.statuses import Role

PROVIDER = {
    "MAILRUN_SIGN_ON_ISSUER": "https://id.example.com/realms/main",
    "MAILRUN_SIGN_ON_CLIENT_ID": "mailrun",
    "MAILRUN_SIGN_ON_CLIENT_SECRET": "hush hush",
}


def test_an_issuer_may_be_given_by_the_address_of_its_metadata() -> None:
    at = "https://id.example.com/realms/main/.well-known/openid-configuration"
    found = load_logins({**PROVIDER, "MAILRUN_SIGN_ON_ISSUER": at}).sign_on
    assert found is not None
    assert (found.issuer, found.name) == ("https://id.example.com/realms/main", "id.example.com")
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"MAILRUN_SIGN_ON_ISSUER": "http://id.example.com"}, "must be an address that begins with https"),
        ({"MAILRUN_SIGN_ON_ISSUER": "javascript:alert(1)"}, "must be an address that begins with https"),
        ({"MAILRUN_SIGN_ON_CLIENT_SECRET": ""}, "needs MAILRUN_SIGN_ON_CLIENT_SECRET"),
        ({"MAILRUN_SIGN_ON_LINK": "perhaps"}, "must be on or off"),
        ({"MAILRUN_SIGN_ON_ISSUER": "", "MAILRUN_PASSWORD_LOGIN": "off"}, "no one could log in"),
        ({"MAILRUN_PROXY_USER_HEADER": "X-Remote-User"}, "need each other"),
        ({"MAILRUN_PROXY_USER_FROM": "10.0.0.0/8"}, "need each other"),
        ({"MAILRUN_PROXY_USER_HEADER": "X Y", "MAILRUN_PROXY_USER_FROM": "10.0.0.1"}, "name of a header"),
        ({"MAILRUN_PROXY_USER_HEADER": "X-U", "MAILRUN_PROXY_USER_FROM": "10.0.0.1/8"}, "host bits"),
        ({"MAILRUN_PROXY_USER_HEADER": "X-U", "MAILRUN_PROXY_USER_FROM": "0.0.0.0/0"}, "not be everyone"),
    ],
)
def test_what_cannot_be_used_is_refused(changed: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        load_logins({**PROVIDER, **changed})


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("admins", "a value, “=” and a role"),
        ("= admin", "a value, “=” and a role"),
        ("admins = root", "'root' is no role"),
        ("admins = admin, sned", "'sned' is no right"),
        ("readers = viewer, send", "viewers and editors cannot"),
    ],
)
def test_an_entry_that_cannot_be_read_is_named(entry: str, words: str) -> None:
    with pytest.raises(SettingError, match=words):
        parse(f"good = admin; {entry}")


def test_values_may_have_equals_signs() -> None:
    assert parse("cn=admins,ou=groups = admin")[0] == (
        "cn=admins,ou=groups",
        Grant(Role.ADMIN, frozenset(), ()),
    )


@pytest.mark.security("C1")
def test_the_first_entry_decides_and_only_alike_ones_add_clusters() -> None:
    table = parse(
        "north-admins = admin, cluster North; north = manager, send, cluster North; "
        "south = manager, send, cluster South; everyone = manager, send; readers = viewer"
    )
    admin = granted_to({"readers", "everyone", "north-admins"}, table)
    assert admin == Grant(Role.ADMIN, frozenset(), ("North",))
    both = granted_to({"south", "north"}, table)
    assert both == Grant(Role.MANAGER, frozenset({"send"}), ("North", "South"))
    assert granted_to({"south", "everyone"}, table) == Grant(Role.MANAGER, frozenset({"send"}), ())
    assert granted_to({"NORTH", ""}, table) is None
    assert granted_to({"north"}, parse("")) is None


def test_a_claim_is_found_by_its_name_or_along_its_dots() -> None:
    claims = {"realm_access": {"roles": ["a", 7, "b"]}, "https://x.test/roles": "c", "n": 1}
    assert values_in(claims, "realm_access.roles") == {"a", "b"}
    assert values_in(claims, "https://x.test/roles") == {"c"}
    for name in ("n", "n.m", "realm_access", "none.at.all"):
        assert values_in(claims, name) == frozenset()
