"""A person whom the provider has named arrives: who that is here, and what they may do from now on.

What the provider says holds, each time: role, rights and clusters are those of its claims, also where an
administrator changed them here, and also for the last administrator (a person who is no administrator there
any more must not stay one here because no other is left; the command line makes another)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from webapp import audit, edits
from webapp.errors import Refused
from webapp.login_settings import SignOnSettings
from webapp.mailing.addresses import BadAddress, checked_address
from webapp.sign_on.provider import Person
from webapp.sign_on.role_map import Grant, RoleMap, granted_to, values_in
from webapp.store import locks
from webapp.store.customers import Cluster
from webapp.store.logins import UserIdentity
from webapp.store.types import now
from webapp.store.users import User, UserCluster
from webapp.translation import N_, _
from webapp.users import accounts, identities, managing
from webapp.users.managing import UserFacts

NO_ROLE = N_("Your account has no role in Mailrun. Ask the person who looks after %(name)s for one.")
NO_CLUSTER = N_("Your role in Mailrun is for a cluster that does not exist. Ask an administrator of Mailrun.")
NO_ADDRESS = N_(
    "%(name)s does not say which address is yours, or has not verified it. Tell the person who looks after "
    "it."
)
TAKEN = N_(
    "There is an account for %(email)s in Mailrun already, and it does not belong to your sign-in. Ask an "
    "administrator of Mailrun."
)
DISABLED = N_("Your account in Mailrun is disabled. Ask an administrator of Mailrun.")


@dataclass(frozen=True)
class Denied:
    """Why the person is not let in: in words, and for the audit trail. What was done because of it, such as
    ending their sessions, is committed with it."""

    words: str
    told: str


def arrive(session: Session, person: Person, settings: SignOnSettings, roles: RoleMap) -> User | Denied:
    """The user that this person is, with what they may do now; made at their first sign-in. Needs a writing
    session, and writes the audit of all but the login itself."""
    grant = granted_to(values_in(person.claims, settings.claim), roles)
    identity = identities.find(session, settings.issuer, person.subject)
    user = session.get(User, identity.user_id) if identity else None
    if user and user.disabled_at is not None:
        return Denied(_(DISABLED), f"{user.email} is disabled")
    if grant is None:
        if user:
            accounts.end_all_sessions(session, user)
        ended = "; all sessions ended" if user else ""
        return Denied(_(NO_ROLE, name=settings.name), f"nothing in {settings.claim} gives a role{ended}")
    if unknown := _unknown(session, grant):
        return Denied(_(NO_CLUSTER), f"there is no customer cluster {unknown!r}")
    if user is None or identity is None:
        found = _first_time(session, person, settings, grant)
        if isinstance(found, Denied):
            return found
        user, identity = found
    identity.seen_at, identity.email = now(), _text(person.claims, "email", 254) or identity.email
    _grant(session, user, grant, settings.name)
    return user


def _unknown(session: Session, grant: Grant) -> str | None:
    """A cluster that does not exist: to leave it out could mean to see everything."""
    found = set(session.scalars(select(Cluster.tag_name).where(Cluster.tag_name.in_(grant.clusters))))
    return next((tag for tag in grant.clusters if tag not in found), None)


def _first_time(
    session: Session, person: Person, settings: SignOnSettings, grant: Grant
) -> tuple[User, UserIdentity] | Denied:
    """Make the account, or link the one that there is, if that is allowed (docs/sign-on.md says why it is
    not by default)."""
    verified = person.claims.get("email_verified")
    try:
        email = checked_address(_text(person.claims, "email", 254)).lower()
    except BadAddress as problem:
        return Denied(_(NO_ADDRESS, name=settings.name), f"no address: {problem}")
    if verified not in (True, None):
        return Denied(_(NO_ADDRESS, name=settings.name), f"the address {email} is not verified")
    by = f"sign-on by {settings.name}"
    locks.lock_login(session.connection(), f"address {email}")  # two subjects may have the same one
    user = session.scalar(select(User).where(User.email == email))
    if user is None:
        name = _text(person.claims, "name", accounts.NAME_MAX)
        user = accounts.create_user(session, email, None, grant.role, name, grant.clusters,
                                    may_send="send" in grant.rights)  # fmt: skip
        audit.note(session, by, "user created", email, f"subject {person.subject}, role {grant.role}")
    elif user.disabled_at is not None:
        return Denied(_(DISABLED), f"{user.email} is disabled")
    elif not (settings.links_by_email and verified is True):
        return Denied(_(TAKEN, email=email), f"there is an account for {email}; subject {person.subject}")
    try:
        return user, identities.link(session, by, user, settings.issuer, person.subject, email)
    except Refused as refusal:
        return Denied(_(TAKEN, email=email), str(refusal))


def _text(claims: Mapping[str, Any], name: str, most: int) -> str:
    """A claim that is a text which can be shown, in full; else empty."""
    value = claims.get(name)
    return value.strip() if isinstance(value, str) and value.isprintable() and len(value) <= most else ""


def _grant(session: Session, user: User, grant: Grant, name: str) -> None:
    """Give the user what the claims say, and note what that changes. It holds at the next request of any
    session."""
    before = managing.facts_of(session, user)
    rights = ("send" in grant.rights, "approve" in grant.rights)
    after = UserFacts(user.name, grant.role, sorted(grant.clusters), *rights)
    if before.told() == after.told():
        return
    user.role, user.may_send, user.may_approve = after.role, after.may_send, after.may_approve
    session.execute(delete(UserCluster).where(UserCluster.user_id == user.id))
    ids = session.scalars(select(Cluster.id).where(Cluster.tag_name.in_(after.clusters)))
    session.add_all([UserCluster(user_id=user.id, cluster_id=each) for each in ids])
    session.flush()
    edits.note_change(session, f"sign-on by {name}", user.email, before.told(), after.told())
