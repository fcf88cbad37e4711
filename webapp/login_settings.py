"""The settings of how people get in: by a password, by an OpenID provider, or by a proxy that signs them in
(docs/sign-on.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from webapp.errors import SettingError
from webapp.translation import N_, _

Network = IPv4Network | IPv6Network
DISCOVERY = "/.well-known/openid-configuration"
"""Where a provider describes itself, below its issuer (OpenID Connect Discovery 1.0, section 4)."""


@dataclass(frozen=True)
class SignOnSettings:
    """An OpenID provider. `name` is what people call it, `scope` what is asked of it, `claim` where it tells
    what a person may do, `roles` what that means here (sign_on/role_map.py). `links_by_email`: whether an
    account that there is already may be taken by the person whose address the provider has verified."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    name: str
    scope: str
    claim: str
    roles: str
    links_by_email: bool


@dataclass(frozen=True)
class LoginSettings:
    """`proxy_header`: where a proxy names the person; believed only from `proxy_networks`. `second_factor`:
    who must have one beside a password (a word of SECOND_FACTOR)."""

    has_passwords: bool = True
    sign_on: SignOnSettings | None = None
    proxy_header: str = ""
    proxy_networks: tuple[Network, ...] = ()
    second_factor: str = "none"


def load_logins(environ: Mapping[str, str]) -> LoginSettings:
    """Read these settings. Raises SettingError for what cannot be used, or would let no one in."""
    has_passwords = _is_on(environ, "MAILRUN_PASSWORD_LOGIN", default=True)
    sign_on, header = _sign_on(environ), _header(environ)
    if not (has_passwords or sign_on or header):
        raise SettingError(
            _(
                "MAILRUN_PASSWORD_LOGIN is off, and no one could log in otherwise: set "
                "MAILRUN_SIGN_ON_ISSUER or MAILRUN_PROXY_USER_HEADER"
            )
        )
    return LoginSettings(has_passwords, sign_on, header, _networks(environ, header), _second_factor(environ))


SECOND_FACTOR = ("none", "administrators", "all")


def _second_factor(environ: Mapping[str, str]) -> str:
    given = environ.get("MAILRUN_SECOND_FACTOR", "").strip() or SECOND_FACTOR[0]
    if given not in SECOND_FACTOR:
        raise _wrong(
            "MAILRUN_SECOND_FACTOR", given, _("it must be one of %(words)s", words=", ".join(SECOND_FACTOR))
        )
    return given


def _sign_on(environ: Mapping[str, str]) -> SignOnSettings | None:
    given = environ.get("MAILRUN_SIGN_ON_ISSUER", "").strip()
    if not given:
        return None
    issuer = given.removesuffix(DISCOVERY)
    if not is_safe(issuer):
        raise _wrong("MAILRUN_SIGN_ON_ISSUER", given, _(NOT_SAFE))
    for name in ("MAILRUN_SIGN_ON_CLIENT_ID", "MAILRUN_SIGN_ON_CLIENT_SECRET"):
        if not environ.get(name, "").strip():
            raise SettingError(_("MAILRUN_SIGN_ON_ISSUER needs %(name)s beside it", name=name))
    return SignOnSettings(
        issuer=issuer,
        client_id=environ["MAILRUN_SIGN_ON_CLIENT_ID"].strip(),
        client_secret=environ["MAILRUN_SIGN_ON_CLIENT_SECRET"].strip(),
        name=environ.get("MAILRUN_SIGN_ON_NAME", "").strip() or urlsplit(issuer).hostname or issuer,
        scope=environ.get("MAILRUN_SIGN_ON_SCOPE", "").strip() or "openid email profile",
        claim=environ.get("MAILRUN_SIGN_ON_CLAIM", "").strip() or "groups",
        roles=environ.get("MAILRUN_SIGN_ON_ROLES", "").strip(),
        links_by_email=_is_on(environ, "MAILRUN_SIGN_ON_LINK", default=False),
    )


NOT_SAFE = N_("it must be an address that begins with https:// (http:// only on this machine)")


def is_safe(url: object) -> bool:
    """Whether what is sent to this address can be read by no one between: https, or this machine itself."""
    if not isinstance(url, str) or not re.fullmatch(r"[!-~]+", url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return bool(parts.hostname) and (
        parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname))
    )


def _is_here(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _header(environ: Mapping[str, str]) -> str:
    given = environ.get("MAILRUN_PROXY_USER_HEADER", "").strip()
    if given and not re.fullmatch(r"[A-Za-z0-9-]+", given):
        rule = _("it must be the name of a header, such as X-Remote-User")
        raise _wrong("MAILRUN_PROXY_USER_HEADER", given, rule)
    return given


def _networks(environ: Mapping[str, str], header: str) -> tuple[Network, ...]:
    name = "MAILRUN_PROXY_USER_FROM"
    given = environ.get(name, "").replace(",", " ").split()
    if bool(given) != bool(header):
        raise SettingError(
            _("MAILRUN_PROXY_USER_HEADER and MAILRUN_PROXY_USER_FROM need each other: set both, or none")
        )
    try:
        networks = tuple(ip_network(each) for each in given)
    except ValueError as problem:
        rule = _("it must be addresses or networks, such as 10.0.0.0/8: %(why)s", why=problem)
        raise _wrong(name, environ[name], rule) from None
    if any(network.prefixlen == 0 for network in networks):
        raise _wrong(
            name, environ[name], _("it must not be everyone: whom it names is believed to be anyone")
        )
    return networks


def _is_on(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    given = environ.get(name, "").strip().lower()
    if given not in ("", "on", "off"):
        raise _wrong(name, environ[name], _("it must be on or off"))
    return given == "on" if given else default


def _wrong(name: str, value: str, rule: str) -> SettingError:
    return SettingError(_("%(name)s is %(value)s; %(rule)s", name=name, value=repr(value), rule=rule))
