"""The settings of how long personal data are kept, and of how logs are written (docs/privacy.md)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.errors import SettingError
from webapp.translation import _

DAYS_MAX = 36_500
LOG_STYLES = ("plain", "json")


@dataclass(frozen=True)
class PrivacySettings:
    """The first three are days, 0: forever. `keep_attempts`: for how long after a run has finished it is kept
    what was said about its mails, and to whom; `keep_addresses`: the same of where its results went;
    `keep_documents`: for how long after its period a closed invoice has its documents. `log_style`: plain or
    json."""

    keep_attempts: float = 0
    keep_addresses: float = 0
    keep_documents: float = 0
    log_style: str = "plain"


def load_privacy(environ: Mapping[str, str]) -> PrivacySettings:
    """Read these settings. Raises SettingError for a value that cannot be used."""
    style = environ.get("MAILRUN_LOG", "").strip().lower() or "plain"
    if style not in LOG_STYLES:
        raise _wrong("MAILRUN_LOG", environ["MAILRUN_LOG"], _("it must be plain or json"))
    return PrivacySettings(
        keep_attempts=_days(environ, "MAILRUN_KEEP_ATTEMPTS"),
        keep_addresses=_days(environ, "MAILRUN_KEEP_ADDRESSES"),
        keep_documents=_days(environ, "MAILRUN_KEEP_DOCUMENTS"),
        log_style=style,
    )


def _days(environ: Mapping[str, str], name: str) -> float:
    given = environ.get(name, "").strip() or "0"
    try:
        days = float(given)
    except ValueError:
        days = math.nan
    if not 0 <= days <= DAYS_MAX:
        raise _wrong(name, given, _("it must be a number of days, at most %(most)s", most=DAYS_MAX))
    return days


def _wrong(name: str, value: str, rule: str) -> SettingError:
    return SettingError(_("%(name)s is %(value)s; %(rule)s", name=name, value=repr(value), rule=rule))
