"""The form of a plan: what was filled in, and what is wrong with it, at the field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, time
from typing import Any

from sqlalchemy import select
from wtforms import BooleanField, Form, RadioField, SelectField, SelectMultipleField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp import notation
from webapp.access import visible_to
from webapp.approvals.limits import definitions
from webapp.extensions import runtime
from webapp.mailing.addresses import BadAddress, bcc_addresses
from webapp.oddities.kinds import OddityKind
from webapp.oddities.words import LOOK
from webapp.plans import words
from webapp.plans.editing import PlanFields, fields_of
from webapp.printable import has_controls
from webapp.store.customers import Cluster
from webapp.store.db import db
from webapp.store.plans import Plan
from webapp.translation import N_, _, translated
from webapp.web.access_control import viewer

HOURS_MAX = 24 * 60
DAYS_MAX = 200
"""Days added or struck that a plan keeps."""
PER_CENT = ("count_margin", "sum_margin", "skipped_max")


class PlanForm(Form):
    """Every field of a plan. `cluster_id` is found by the tag name that was typed."""

    name = StringField(N_("Name"), validators=[InputRequired(N_("Enter a name.")), Length(max=200)])
    definition_id = SelectField(N_("Message definition"), coerce=int)
    cluster = StringField(
        N_("Customer cluster"), validators=[InputRequired(N_("Choose a customer cluster."))]
    )
    include_children = BooleanField(N_("Include children"))
    period = SelectField(N_("Invoices of"))
    bcc = StringField(N_("Bcc"), validators=[Length(max=4000)])
    every = SelectField(N_("How often"))
    nth = SelectField(N_("On the"), coerce=int)
    day = SelectField(N_("Kind of day"))
    weekday = SelectField(N_("Weekday"), coerce=int)
    shift = SelectField(N_("A day off"))
    at = StringField(N_("At"))
    time_zone = SelectField(N_("Time zone"))
    country = SelectField(N_("Holidays of"))
    days_added = StringField(N_("Further days off"), validators=[Length(max=4000)])
    days_struck = StringField(N_("Holidays that you work"), validators=[Length(max=4000)])
    count_margin = StringField(N_("Invoices within"))
    sum_margin = StringField(N_("Gross amount within"))
    skipped_max = StringField(N_("Skipped at most"))
    no_suspect = BooleanField(N_("No suspect document"))
    no_oddities = BooleanField(N_("No oddity, except those ticked here"))
    oddities_allowed = SelectMultipleField(N_("Oddities that may be"), validate_choice=True)
    action = RadioField(N_("Then"))
    late_hours_max = StringField(N_("If it was missed, make it up to"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.cluster_id = 0
        self.definition_id.choices = [(each.id, each.name) for each in definitions(db.session)]
        self.period.choices = _choices(words.PERIOD_WORDS.items())
        self.every.choices = _choices(words.EVERY_WORDS.items())
        self.day.choices = _choices(words.DAY_WORDS.items())
        self.shift.choices = _choices(words.SHIFT_WORDS.items())
        self.oddities_allowed.choices = _choices(words.ODDITY_NAMES.items())
        self.action.choices = _choices(words.ACTION_WORDS.items())
        self.nth.choices = [(number, words.ordinal(number)) for number in range(1, words.NTH_MAX + 1)]
        self.weekday.choices = list(enumerate(words.weekday_names()))
        self.time_zone.choices = [(zone, zone) for zone in notation.zones()]
        self.country.choices = [("", _("no country: Monday to Friday")), *words.country_names()]

    def validate_name(self, field: StringField) -> None:
        field.data = (field.data or "").strip()
        if has_controls(field.data):
            raise ValidationError(_("The name must be one line of plain text."))

    def validate_cluster(self, field: StringField) -> None:
        tag_name = (field.data or "").strip()
        ours = (Cluster.tag_name == tag_name, visible_to(viewer(), Cluster))
        found = db.session.scalar(select(Cluster.id).where(*ours))
        if found is None:
            raise ValidationError(_("There is no customer cluster “%(name)s”.", name=tag_name))
        self.cluster_id = found

    def validate_bcc(self, field: StringField) -> None:
        texts = [text for text in re.split(r"[,;\s]+", field.data or "") if text]
        try:
            self.addresses = bcc_addresses(texts, runtime().settings.bcc_domains)
        except BadAddress as problem:
            raise ValidationError(f"{str(problem).rstrip('.')}.") from None

    def validate_at(self, field: StringField) -> None:
        try:
            field.data = f"{time.fromisoformat((field.data or '').strip()):%H:%M}"
        except ValueError:
            raise ValidationError(_("This is not a time. Write it as 07:00.")) from None

    def validate_days_added(self, field: StringField) -> None:
        _days(field.data)

    validate_days_struck = validate_days_added

    def validate_late_hours_max(self, field: StringField) -> None:
        _whole(field.data, HOURS_MAX)

    def validate_count_margin(self, field: StringField) -> None:
        if (field.data or "").strip():
            _whole(field.data, 1000)

    validate_sum_margin = validate_skipped_max = validate_count_margin

    def fields(self) -> PlanFields:
        """What was filled in, once the form has been found valid."""
        given = {name: self[name].data for name in PlanFields.__dataclass_fields__ if name in self}
        for name in PER_CENT:
            given[name] = int(given[name]) if given[name].strip() else None
        given |= {"cluster_id": self.cluster_id, "bcc": self.addresses}
        given |= {name: _days(given[name]) for name in ("days_added", "days_struck")}
        return PlanFields(**{**given, "late_hours_max": int(given["late_hours_max"])})


def form_of(plan: Plan) -> PlanForm:
    """The form with what is stored. A definition that is retired since is among its choices."""
    stored = asdict(fields_of(plan))
    for name in ("bcc", "days_added", "days_struck"):
        stored[name] = ", ".join(stored[name])
    for name in PER_CENT:
        stored[name] = "" if stored[name] is None else str(stored[name])
    return PlanForm(data={**stored, "cluster": plan.cluster.tag_name})


def new_form() -> PlanForm:
    """The form of a plan that does not exist yet: the usual monthly run."""
    usual = {"include_children": True, "nth": 3, "at": "07:00", "late_hours_max": "12", "no_suspect": True}
    zone = notation.current().time_zone or "Europe/Amsterdam"
    margins = {"count_margin": "10", "sum_margin": "15"}
    odd = {"no_oddities": True, "oddities_allowed": [kind.value for kind in OddityKind if kind not in LOOK]}
    return PlanForm(data={**usual, **margins, **odd, "time_zone": zone, "action": "wait"})


def _choices(pairs: Iterable[tuple[Any, str]]) -> list[tuple[str, str]]:
    return [(str(value), translated(text)) for value, text in pairs]


def _whole(text: str | None, most: int) -> int:
    text = (text or "").strip()
    if not (text.isascii() and text.isdecimal()) or int(text) > most:
        raise ValidationError(_("Enter a whole number from 0 to %(most)s.", most=most))
    return int(text)


def _days(text: str | None) -> list[str]:
    """The days in this text, sorted, as ISO text."""
    try:
        found = {date.fromisoformat(word).isoformat() for word in re.split(r"[,;\s]+", text or "") if word}
    except ValueError:
        raise ValidationError(_("Write days as 2026-12-24, with commas between them.")) from None
    if len(found) > DAYS_MAX:
        raise ValidationError(_("At most %(most)s days.", most=DAYS_MAX))
    return sorted(found)
