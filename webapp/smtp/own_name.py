"""How Mailrun introduces itself to a mail server: a host name, or an address literal (RFC 5321, 4.1.3)."""

from __future__ import annotations

import ipaddress
import re
import socket

NAME_MAX = 255
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")


def is_host_name(name: str) -> bool:
    """Whether this is a fully qualified host name: at least two labels of letters, digits and inner hyphens,
    the last of which is no number."""
    labels = name.split(".")
    return (
        len(labels) > 1
        and len(name) <= NAME_MAX
        and all(_LABEL.fullmatch(label) for label in labels)
        and not labels[-1].isdigit()
    )


def is_literal(name: str) -> bool:
    """Whether this is an address literal, such as [192.0.2.1] or [IPv6:2001:db8::1]."""
    if not (name.startswith("[") and name.endswith("]")):
        return False
    inner = name[1:-1]
    is_v6 = inner.lower().startswith("ipv6:")
    try:
        address = ipaddress.ip_address(inner[5:] if is_v6 else inner)
    except ValueError:
        return False
    return (address.version == 6) == is_v6


def own_name(sock: socket.socket) -> str:
    """This machine's name if it is a host name, else the literal of the address that the socket uses."""
    name = socket.gethostname()
    return name if is_host_name(name) else literal(sock.getsockname()[0])


def literal(address: str) -> str:
    """The literal of an IP address, without the zone that an IPv6 address may have."""
    bare = address.partition("%")[0]
    return f"[IPv6:{bare}]" if ":" in bare else f"[{bare}]"
