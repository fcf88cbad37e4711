"""What a person may do, by what the provider says of them: the table of MAILRUN_SIGN_ON_ROLES.

    /mailrun/admins = admin, send; /mailrun/north = manager, send, cluster North; /mailrun/readers = viewer

The first entry with a value of the person decides on role and rights. Entries of the same role and rights add
their clusters; one without clusters is everything. Entries that differ are never mixed: an administrator of
one cluster who may read all of them must not become an administrator of all."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from webapp.errors import SettingError
from webapp.store.statuses import SENDING_ROLES, Role
from webapp.translation import _

RIGHTS = ("send", "approve")
"""The rights apart from the role: fields of the user (`_grant` in arrivals.py)."""
CLUSTER = "cluster "


@dataclass(frozen=True)
class Grant:
    """A role, rights of RIGHTS, and the tag names of clusters; none: everything."""

    role: Role
    rights: frozenset[str]
    clusters: tuple[str, ...]


RoleMap = tuple[tuple[str, Grant], ...]


def parse(text: str) -> RoleMap:
    """The table. Raises SettingError for an entry that cannot be read."""
    return tuple(_entry(each.strip()) for each in text.split(";") if each.strip())


def _entry(entry: str) -> tuple[str, Grant]:
    # The value may have a “=” itself, as the names of a directory do: cn=admins,ou=groups
    value, found, granted = (part.strip() for part in entry.rpartition("="))
    role, *words = (word.strip() for word in granted.split(","))
    if not (found and value):
        raise _wrong(entry, _("it must be a value, “=” and a role, such as mailrun-admins = admin"))
    if role not in set(Role):
        raise _wrong(
            entry, _("%(role)s is no role; there are %(roles)s", role=repr(role), roles=", ".join(Role))
        )
    rights = frozenset(word for word in words if word in RIGHTS)
    clusters = tuple(word.removeprefix(CLUSTER).strip() for word in words if word.startswith(CLUSTER))
    if unknown := [word for word in words if word not in RIGHTS and not word.startswith(CLUSTER)]:
        known = ", ".join((*RIGHTS, _("cluster NAME")))
        raise _wrong(
            entry, _("%(word)s is no right; there are %(known)s", word=repr(unknown[0]), known=known)
        )
    if role not in SENDING_ROLES and "send" in rights:
        raise _wrong(entry, _("viewers and editors cannot have the right to send"))
    return value, Grant(Role(role), rights, clusters)


def _wrong(entry: str, rule: str) -> SettingError:
    return SettingError(
        _("MAILRUN_SIGN_ON_ROLES has the entry %(entry)s; %(rule)s", entry=repr(entry), rule=rule)
    )


def granted_to(values: Collection[str], table: RoleMap) -> Grant | None:
    """What these values give; None for nothing."""
    matching = [grant for value, grant in table if value in values]
    if not matching:
        return None
    first = matching[0]
    alike = [grant for grant in matching if (grant.role, grant.rights) == (first.role, first.rights)]
    if any(not grant.clusters for grant in alike):
        return Grant(first.role, first.rights, ())
    tags = dict.fromkeys(tag for grant in alike for tag in grant.clusters)
    return Grant(first.role, first.rights, tuple(tags))


def values_in(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """The values of this claim: a text or a list of texts. A claim that is not there by its whole name is
    looked for along its dots: realm_access.roles. Anything else is no value."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return frozenset({found})
    return (
        frozenset(each for each in found if isinstance(each, str)) if isinstance(found, list) else frozenset()
    )
