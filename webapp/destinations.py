"""Which machines Mailrun never connects to as to a mail server, and which variables hold no password for one.

A person who may import a messaging.toml could otherwise have Mailrun talk to the metadata service of a cloud,
to its own Redis or database, or send its own secrets to any server as a password."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from webapp.translation import _

Address = IPv4Address | IPv6Address
Service = tuple[str, int]
"""Host and port of something that belongs to Mailrun itself."""

LINK_LOCAL = (ip_network("169.254.0.0/16"), ip_network("fe80::/10"))
METADATA = tuple(
    map(
        ip_address,
        ("fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "100.100.100.200", "168.63.129.16"),
    )
)
"""Metadata services of clouds that are not link-local."""
WITHIN_IPV6 = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0:0/96")))
"""IPv4 addresses as IPv6 ones, at the end of them (RFC 6052, RFC 8215, RFC 2765)."""
SIX_TO_FOUR = ip_network("2002::/16")
"""IPv4 addresses as IPv6 networks (RFC 3056)."""

OWN_PREFIXES = ("MAILRUN_", "FLASK_", "AWS_", "PG", "POSTGRES", "MYSQL", "REDIS")
ITS_WORDS = ("SMTP", "MAIL", "RELAY", "PASSWORD", "PASSWD")
"""One of these is in the name of a variable that is meant for a mail server's password."""
OWN_VARIABLES = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY")


def refusal(host: str, port: int, own: Iterable[Service] = ()) -> str:
    """Why no mail server may be at this host and port, in words; empty if one may. Names are not looked up:
    `peer_refusal` checks where a connection leads."""
    address = spelled(host)
    if address is not None and (words := _words(address)):
        return words
    for own_host, own_port in own:
        here = _is_here(host) and _is_here(own_host)
        if port == own_port and (here or _named(host) == _named(own_host)):
            return _own_service(host, port)
    return ""


def peer_refusal(connection: socket.socket, own: Iterable[Service] = ()) -> str:
    """Why nothing may be sent to the machine at the other end, in words; empty if it may."""
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return ""
    host, port = connection.getpeername()[:2]
    if words := refusal(host, port, own):
        return words
    is_this_machine = spelled(connection.getsockname()[0]) == spelled(host)
    if is_this_machine and any(port == own_port and _is_here(own_host) for own_host, own_port in own):
        return _own_service(host, port)
    return ""


def _own_service(host: str, port: int) -> str:
    return _(
        "%(host)s with port %(port)s is a service of Mailrun itself, and no mail server", host=host, port=port
    )


def may_hold_password(variable: str) -> bool:
    """Whether a mail server's password may be in this environment variable: not in one of Mailrun's own."""
    name = variable.upper()
    is_ours = name.startswith(OWN_PREFIXES) or name in OWN_VARIABLES
    return not is_ours and any(word in name for word in ITS_WORDS)


def spelled(host: str) -> Address | None:
    """The IP address that the host is, in whatever spelling: 169.254.169.254, 0xa9fea9fe, 0251.0376.43518,
    ::ffff:169.254.169.254. None for a name."""
    text = host.strip("[]").partition("%")[0].rstrip(".")
    try:
        address: Address = ip_address(text)
    except ValueError:
        try:
            address = IPv4Address(socket.inet_aton(text))
        except OSError:
            return None
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        is_within = any(address in network for network in WITHIN_IPV6)
        if is_within or (int(address) >> 32 == 0 and int(address) > 1):
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if address in SIX_TO_FOUR:
            return IPv4Address(int(address) >> 80 & 0xFFFFFFFF)
    return address


def is_loopback(host: str) -> bool:
    """Whether the host, as it is written, is this machine and no other."""
    address = spelled(host)
    return address.is_loopback if address is not None else host.lower() == "localhost"


def _words(address: Address) -> str:
    if address in METADATA or any(address in network for network in LINK_LOCAL):
        return _("%(address)s is a link-local or metadata address, where no mail server is", address=address)
    return ""


def _named(host: str) -> str:
    address = spelled(host)
    return str(address) if address is not None else host.lower().rstrip(".")


def _is_here(host: str) -> bool:
    """Whether the host is this machine, as far as its spelling tells."""
    address = spelled(host)
    if address is not None:
        return address.is_loopback or address.is_unspecified
    name = host.lower().rstrip(".")
    return name in ("localhost", socket.gethostname().lower()) or name.endswith(".localhost")
