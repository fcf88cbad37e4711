"""The limits above which a run waits for a second person, as administrators set them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from webapp import edits
from webapp.access import Viewer
from webapp.errors import Refused
from webapp.store.definitions import MessageDefinition
from webapp.store.installation import Installation
from webapp.store.users import User
from webapp.translation import N_, _

FOR_ADMINS = N_("Only administrators who see all clusters set when runs need an approval. Ask one of them.")
MAILS_MAX = 2_000_000_000
AMOUNT_MAX = Decimal(10) ** 13


@dataclass(frozen=True)
class ApprovalLimits:
    """As a form has them: empty for no limit. `definitions`: ids of those whose every run waits."""

    mails: str
    amount: str
    definitions: tuple[int, ...]

    def told(self, session: Session) -> dict[str, str]:
        """As the audit trail tells it."""
        names = select(MessageDefinition.name).where(MessageDefinition.id.in_(self.definitions))
        always = ", ".join(session.scalars(names.order_by(MessageDefinition.name)))
        return {"mails": self.mails or "none", "amount": self.amount or "none", "always": always or "none"}


def stored(session: Session) -> ApprovalLimits:
    """What holds now."""
    mails, amount = session.execute(
        select(Installation.approval_mails, Installation.approval_amount)
    ).one_or_none() or (None, None)
    always = (
        select(MessageDefinition.id).where(MessageDefinition.needs_approval).order_by(MessageDefinition.id)
    )
    return ApprovalLimits(
        "" if mails is None else str(mails),
        "" if amount is None else f"{amount.normalize():f}",
        tuple(session.scalars(always)),
    )


def change(session: Session, viewer: Viewer, wanted: ApprovalLimits, seen: str) -> bool:
    """Change the limits, unless they are no longer as the form with the fingerprint `seen` showed them.
    Returns whether anything differs. Raises Refused."""
    if not viewer.manages_users:
        raise Refused(_(FOR_ADMINS))
    mails, amount = _whole(wanted.mails), _amount(wanted.amount)
    before = stored(session)
    edits.refuse_if_changed(session, SUBJECT, asdict(before), seen)
    session.execute(update(Installation).values(approval_mails=mails, approval_amount=amount))
    always = MessageDefinition.id.in_(wanted.definitions)
    session.execute(
        update(MessageDefinition)
        .where(MessageDefinition.needs_approval.is_distinct_from(always))
        .values(needs_approval=always)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    return edits.note_change(
        session, viewer.name, SUBJECT, before.told(session), stored(session).told(session)
    )


SUBJECT = "approval"


def approvers(session: Session) -> int:
    """How many users who can log in have the right to approve."""
    return session.scalars(
        select(func.count()).select_from(User).where(User.may_approve, User.disabled_at.is_(None))
    ).one()


def definitions(session: Session) -> Sequence[MessageDefinition]:
    """The definitions that runs can be made of, by name."""
    in_use = select(MessageDefinition).where(MessageDefinition.retired_at.is_(None))
    return session.scalars(in_use.order_by(func.lower(MessageDefinition.name))).all()


def ids_of(values: Iterable[str]) -> tuple[int, ...]:
    """The ids among these values of a form."""
    return tuple(sorted({int(value) for value in values if value.isdecimal() and len(value) < 10}))


def _whole(text: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not text.isdecimal() or int(text) > MAILS_MAX:
        raise Refused(_("Enter the number of mails in digits, such as 1000, or leave the field empty."))
    return int(text)


def _amount(text: str) -> Decimal | None:
    text = text.strip()
    if not text:
        return None
    try:
        amount = Decimal(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except InvalidOperation:
        amount = Decimal(-1)
    if not 0 <= amount <= AMOUNT_MAX or amount.as_tuple().exponent < -4:  # type: ignore[operator]
        raise Refused(_("Enter the amount in digits, such as 50000 or 50000.00, or leave the field empty."))
    return amount
