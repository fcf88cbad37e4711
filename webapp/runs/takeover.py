"""Taking over a copied database: from then on it belongs to the secret key that it is used with."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp import audit, telling
from webapp.access import Viewer
from webapp.errors import Refused
from webapp.lifecycle import runs
from webapp.lifecycle.unconfirmed import mark_unconfirmed
from webapp.store import installation
from webapp.store.installation import Installation
from webapp.store.statuses import Role
from webapp.store.types import now
from webapp.translation import N_, _, ngettext

WORDS = "take over"
"""What the person types, so that it does not happen by accident."""

MEANING = (
    N_(
        "This database was made with another secret key (MAILRUN_SECRET_KEY) than this installation works "
        "with, so no run sends."
    ),
    N_(
        "If this is a copy of a system that still runs (a restored backup, a rehearsal), its customers would "
        "get mails twice: what the other system sends from now on is not known here. To rehearse, set "
        "MAILRUN_REDIRECT_TO first."
    ),
    N_(
        "If the secret key was changed by mistake, restore the previous key and restart. Nothing else is "
        "needed."
    ),
    N_(
        "If the system has moved here and the other one is gone, take it over. Every running run is stopped, "
        "and a person has to start each one again."
    ),
)
"""What taking over means, a paragraph each."""

FOR_ADMINS = N_("Only an administrator who sees all clusters may take over a database.")


def take_over(session: Session, viewer: Viewer, typed: str) -> str:
    """Bind the database to the secret key of this process, in one commit: every running run is stopped and
    says why, none starts by itself, and the audit trail records it. Harmless when there is nothing to take
    over. Raises Refused."""
    if viewer.role != Role.ADMIN or viewer.clusters:
        raise Refused(_(FOR_ADMINS))
    if " ".join(typed.lower().split()) != WORDS:
        raise Refused(_("Nothing was taken over. Type “%(words)s” to confirm.", words=WORDS))
    session.execute(select(Installation.number).with_for_update())
    if not installation.held(session):
        return _("This database already belongs to this secret key; there is nothing to take over.")
    why = N_(
        "This database was taken over with another secret key on %(day)s at %(time)s UTC. Start the run only "
        "if no other system sends it."
    ) % {"day": f"{now():%Y-%m-%d}", "time": f"{now():%H:%M}"}
    stopped = runs.stop_all(session, viewer.name, why)
    mark_unconfirmed(session, N_("the database was taken over while this mail was being handed over"))
    telling.drop_unmailed(session, N_("the database was taken over: the other system may have mailed it"))
    installation.rebind(session)
    audit.note(session, viewer.name, "take over", "installation", f"{stopped} running runs stopped")
    if not stopped:
        return _("Taken over. No run was running.")
    return ngettext(
        "Taken over. One running run was stopped.", "Taken over. %(num)s running runs were stopped.", stopped
    )
