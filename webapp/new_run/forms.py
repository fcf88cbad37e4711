"""The form of the run dialog: what was filled in, and what is wrong with it, at the field."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, DateField, Form, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.mailing.addresses import BadAddress, bcc_addresses
from webapp.periods import month_words, period_words
from webapp.runs.forms import LocalTimeField
from webapp.selection.invoices import Selection
from webapp.translation import N_, _
from webapp.web.query_args import ids_in

NO_DATE = N_("This is not a date. Write it as 2026-10-31.")


class DayField(DateField):
    """A date field that explains in words what a date is."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)  # type: ignore[no-untyped-call]
        except ValueError:
            raise ValueError(NO_DATE) from None


class NewRunForm(Form):
    """Every field of the dialog. Whether the cluster exists, and may be seen, is checked by the page."""

    definition = SelectField(
        N_("Message definition"),
        coerce=int,
        validate_choice=False,
        validators=[InputRequired(N_("Choose one."))],
    )
    cluster = StringField(
        N_("Customer cluster"), validators=[InputRequired(N_("Choose a customer cluster.")), Length(max=200)]
    )
    include_children = BooleanField(N_("Include children"))
    period_from = DayField(N_("Period from"), validators=[InputRequired(NO_DATE)])  # type: ignore[no-untyped-call]
    period_to = DayField(N_("Period to"), validators=[InputRequired(NO_DATE)])  # type: ignore[no-untyped-call]
    bcc = StringField(N_("Bcc"), validators=[Length(max=4000)])
    name = StringField(
        N_("Name of this run"), validators=[Length(max=300, message=N_("At most 300 characters."))]
    )
    resend = BooleanField(N_("Send again those already sent"))
    chosen = StringField(N_("Selected invoices"))
    start_at = LocalTimeField(N_("Start at"))
    send_until = LocalTimeField(N_("Do not send after"))

    def __init__(self, *args: Any, bcc_domains: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.bcc_domains = bcc_domains
        self.addresses: list[str] = []

    def validate_definition(self, field: SelectField) -> None:
        if field.data not in [choice[0] for choice in field.choices or ()]:
            raise ValidationError(_("This one was retired or deleted meanwhile. Choose another."))

    def validate_period_to(self, field: DateField) -> None:
        first = self.period_from.data
        if first and field.data and field.data < first:
            raise ValidationError(_("The period ends before it begins."))

    def validate_chosen(self, field: StringField) -> None:
        """Ids with hyphens between them. A text that names none must never stand for all invoices."""
        if (field.data or "").strip() and not self.invoice_ids:
            raise ValidationError(_("These are no invoices. Select some in the list of invoices."))

    def validate_bcc(self, field: StringField) -> None:
        """Commas, semicolons or blanks between addresses."""
        texts = [text for text in re.split(r"[,;\s]+", field.data or "") if text]
        try:
            self.addresses = bcc_addresses(texts, self.bcc_domains)
        except BadAddress as problem:
            raise ValidationError(f"{str(problem).rstrip('.')}.") from None

    @property
    def invoice_ids(self) -> tuple[int, ...]:
        """The invoices that the run is narrowed to; none: it takes all of its cluster and period."""
        return tuple(ids_in((self.chosen.data or "").strip().split("-")))

    @property
    def first_wrong(self) -> str:
        """The name of the first field with an error; empty if there is none."""
        return next((field.name for field in self if field.errors), "")

    def selection(self, cluster_id: int) -> Selection:
        """What was chosen, once the form has been found valid."""
        return Selection(
            definition_id=self.definition.data,
            cluster_id=cluster_id,
            include_children=self.include_children.data,
            period_from=self.period_from.data,
            period_to=self.period_to.data,
            resend_already_sent=self.resend.data,
            invoice_ids=self.invoice_ids,
        )


def last_month(today: date) -> tuple[date, date]:
    """First and last day of the last full month."""
    end = today.replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end


@dataclass(frozen=True)
class Shortcut:
    """A common period, to be chosen with one press."""

    label: str
    first: date
    last: date

    @property
    def value(self) -> str:
        return f"{self.first}/{self.last}"

    @property
    def words(self) -> str:
        return period_words(self.first, self.last)


def shortcuts(today: date) -> list[Shortcut]:
    """The last full month with its neighbours, and the last full quarter."""
    middle, end = last_month(today)
    months = [last_month(middle), (middle, end), last_month((end + timedelta(days=32)).replace(day=1))]
    quarter_end = last_month(date(today.year, 3 * ((today.month - 1) // 3) + 1, 1))[1]
    quarter_begin = date(quarter_end.year, quarter_end.month - 2, 1)
    return [
        *(Shortcut(month_words(first), first, last) for first, last in months),
        Shortcut(_("Q%(number)s", number=quarter_end.month // 3), quarter_begin, quarter_end),
    ]


def as_filled_in(given: MultiDict[str, str]) -> MultiDict[str, str]:
    """What was given, with what buttons stand for: a shortcut sets both days, and where no cluster was typed,
    the one selected in the tree is meant."""
    filled = MultiDict(given)
    first, joint, last = filled.get("shortcut", "").partition("/")
    if joint:
        filled["period_from"], filled["period_to"] = first, last
    if not filled.get("cluster", "").strip() and filled.get("pick"):
        filled["cluster"] = filled["pick"]
    return filled
