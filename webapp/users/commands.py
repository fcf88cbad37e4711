"""`mailrun users`: accounts from the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from flask.cli import AppGroup
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit
from webapp.access import OPERATOR
from webapp.console import say
from webapp.errors import Refused
from webapp.extensions import runtime
from webapp.store.logins import UserIdentity
from webapp.store.statuses import SENDING_ROLES, Role
from webapp.store.types import iso
from webapp.store.users import User
from webapp.translation import _, english
from webapp.users import accounts, first_start, identities, links, listing, managing
from webapp.users.managing import Rights

users = AppGroup("users", help="Accounts of the people who work with Mailrun.")

PASSWORD_STDIN = click.option(
    "--password-stdin", is_flag=True, help="Read the password from the first line of standard input."
)


@users.command("create")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--name", default="", help="How the person is called on the pages.")
@click.option(
    "--cluster", "clusters", metavar="TAG", multiple=True, help="Sees only this cluster and those below."
)
@click.option("--no-send", is_flag=True, help="Without the right to send: prepares runs for others.")
@click.option("--approve", "may_approve", is_flag=True, help="With the right to approve runs of others.")
@PASSWORD_STDIN
def create(
    email: str,
    role: str,
    name: str,
    clusters: tuple[str, ...],
    no_send: bool,
    may_approve: bool,
    password_stdin: bool,
) -> None:
    """Make an account for EMAIL. Asks for the password, twice, without showing it."""
    password = _password(password_stdin)
    with _changing() as session:
        rights: Rights = {"may_send": not no_send, "may_approve": may_approve}
        user = accounts.create_user(session, email, password, role, name, clusters, **rights)
        with english():
            told = f"role {role}{_rights_words(user)}"
        audit.note(session, OPERATOR.name, "user created", user.email, told)
    say(_("%(email)s can log in, with the role %(role)s.", email=user.email, role=role))


@users.command("list")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_users(as_json: bool) -> None:
    """List the accounts: email, role, clusters, rights, disabled or not."""
    with runtime().database.reading() as session:
        elsewhere = set(session.scalars(select(UserIdentity.user_id)))
        for user in session.scalars(select(User).order_by(User.email)):
            invited = not user.password_hash and user.id not in elsewhere
            tags = accounts.bound_tags(session, user)
            if as_json:
                line = {"email": user.email, "name": user.name, "role": user.role, "clusters": tags}
                flags = {"disabled": user.disabled_at is not None, "invited": invited}
                rights = {"may_send": user.may_send, "may_approve": user.may_approve}
                click.echo(json.dumps({**line, **flags, **rights, "seen_at": iso(user.seen_at)}))
            else:
                say("  ".join(word for word in _listed(user, tags, invited) if word))


def _listed(user: User, tags: list[str], invited: bool) -> Iterator[str]:
    yield from (user.email, user.role, _seen(tags))
    yield "" if user.may_send or user.role not in SENDING_ROLES else _("no right to send")
    yield _("approves") if user.may_approve else ""
    yield _("disabled") if user.disabled_at else _("invited") if invited else ""


@users.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Let EMAIL no longer log in, and end all sessions of this account at once."""
    with _changing() as session:
        user = accounts.disable(session, email)
        audit.note(session, OPERATOR.name, "user disabled", user.email)
        held = listing.plans_held_without(session, OPERATOR, user)
    say(_("%(name)s can no longer log in; all sessions have ended.", name=user.email))
    if held:
        say(held)


@users.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Let a disabled EMAIL log in again."""
    with _changing() as session:
        user = accounts.enable(session, email)
        audit.note(session, OPERATOR.name, "user enabled", user.email)
    say(_("%(name)s can log in again.", name=user.email))


@users.command("reset")
@click.argument("email")
@PASSWORD_STDIN
def reset(email: str, password_stdin: bool) -> None:
    """Set another password for EMAIL, and end all sessions of this account at once."""
    password = _password(password_stdin)
    with _changing() as session:
        user = accounts.reset_password(session, email, password)
        audit.note(session, OPERATOR.name, "password reset", user.email)
    say(_("%(email)s has another password; all sessions have ended.", email=user.email))


@users.command("reset-factor")
@click.argument("email")
def reset_factor(email: str) -> None:
    """Remove the second factor of EMAIL, for a lost phone, and end all sessions of this account at once."""
    with _changing() as session:
        had = managing.reset_factors(session, OPERATOR.name, accounts.find(session, email))
    say(_("%(email)s logs in by password alone now: %(had)s removed.", email=email, had=had))


@users.command("set")
@click.argument("email")
@click.option("--role", type=click.Choice([role.value for role in Role]))
@click.option(
    "--cluster", "clusters", metavar="TAG", multiple=True, help="Sees only this cluster and those below."
)
@click.option("--all-clusters", is_flag=True, help="Sees everything.")
@click.option("--send/--no-send", "may_send", default=None, help="Give or take the right to send.")
@click.option(
    "--approve/--no-approve", "may_approve", default=None, help="Give or take the right to approve."
)
def change(
    email: str,
    role: str | None,
    clusters: tuple[str, ...],
    all_clusters: bool,
    may_send: bool | None,
    may_approve: bool | None,
) -> None:
    """Change the role of EMAIL, what this account sees, or its rights; its sessions end."""
    given = (role, may_send, may_approve) != (None, None, None)
    if bool(clusters) == all_clusters and (clusters or not given):
        raise click.UsageError(
            _(
                "Give --role, --send, --no-send, --approve, --no-approve, --cluster or --all-clusters; not "
                "both of the last two."
            )
        )
    bound = () if all_clusters else clusters or None
    with _changing() as session:
        user = accounts.change(session, email, role, bound, may_send=may_send, may_approve=may_approve)
        accounts.end_all_sessions(session, user)
        tags = accounts.bound_tags(session, user)
        with english():
            told = f"role {user.role}, {_seen(tags)}{_rights_words(user)}"
        audit.note(session, OPERATOR.name, "user changed", user.email, told)
    say(
        _(
            "%(email)s has the role %(role)s and sees %(clusters)s%(rights)s.",
            email=user.email,
            role=user.role,
            clusters=_seen(tags),
            rights=_rights_words(user),
        )
    )


def _seen(tags: list[str]) -> str:
    return ", ".join(tags) or _("all clusters")


def _rights_words(user: User) -> str:
    sends = user.may_send or user.role not in SENDING_ROLES
    without = "" if sends else _(", without the right to send")
    return without + (_(", with the right to approve") if user.may_approve else "")


@users.command("setup-code")
def setup_code() -> None:
    """Print the code by which the first administrator is made on the page /setup. Exit status 1: there are
    users already."""
    with runtime().database.reading() as session:
        if not first_start.is_open(session):
            raise click.ClickException(_("there are users already; `mailrun users create` makes another one"))
        say(first_start.code(session))


@users.command("login-link")
@click.argument("email")
def login_link(email: str) -> None:
    """Print a link by which EMAIL logs in once, within 72 hours, whatever else is off or away."""
    with _changing() as session:
        token = links.make(session, OPERATOR.name, accounts.find(session, email), logs_in=True)
    settings = runtime().settings
    at = f"https://{settings.hosts[0]}" if settings.hosts else f"http://{settings.host}:{settings.port}"
    say(f"{at}{links.PATH}?token={token}")


@users.command("identify")
@click.argument("email")
@click.argument("subject")
def identify(email: str, subject: str) -> None:
    """Have EMAIL sign in as SUBJECT of the OpenID provider from now on; the password is deleted. The audit
    trail names the subject of a sign-in that was refused because there is an account."""
    sign_on = runtime().settings.logins.sign_on
    if sign_on is None:
        raise click.ClickException(_("no provider is set: MAILRUN_SIGN_ON_ISSUER is empty"))
    with _changing() as session:
        user = accounts.find(session, email)
        identities.link(session, OPERATOR.name, user, sign_on.issuer, subject, user.email)
    say(_("%(email)s signs in with %(name)s from now on.", email=user.email, name=sign_on.name))


def _password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    again = _("Repeat for confirmation")
    return str(click.prompt(_("Password"), hide_input=True, confirmation_prompt=again))


@contextmanager
def _changing() -> Iterator[Session]:
    """A writing session; what is refused ends the command in words."""
    try:
        with runtime().database.writing() as session:
            yield session
    except Refused as refusal:
        raise click.ClickException(str(refusal)) from None
