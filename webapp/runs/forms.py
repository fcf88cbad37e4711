"""The form of the run dialog: what was filled in, and what is wrong with it, at the field."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from wtforms import BooleanField, DateField, Form, SelectField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from webapp.mailing.addresses import BadAddress, checked_address
from webapp.runs.selection import Choice

MOST_BCC = 10
NO_DATE = "This is not a date. Write it as 2026-10-31."


class NewRunForm(Form):
    """Every field of the dialog. Whether the cluster exists, and may be seen, is looked up by the page."""

    definition = SelectField("Message definition", coerce=int, validators=[InputRequired("Choose one.")])
    cluster = StringField(
        "Customer cluster", validators=[InputRequired("Choose a customer cluster."), Length(max=200)]
    )
    include_children = BooleanField("Include children")
    period_from = DateField("Period from", validators=[InputRequired(NO_DATE)])
    period_to = DateField("Period to", validators=[InputRequired(NO_DATE)])
    bcc = StringField("Bcc", validators=[Length(max=4000)])
    name = StringField("Name of this run", validators=[Length(max=300, message="At most 300 letters.")])
    resend = BooleanField("Send again those already sent")

    def __init__(self, *args: Any, bcc_domains: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.bcc_domains = bcc_domains
        self.addresses: list[str] = []

    def validate_period_to(self, field: DateField) -> None:
        first = self.period_from.data
        if first and field.data and field.data < first:
            raise ValidationError("The period ends before it begins.")

    def validate_bcc(self, field: StringField) -> None:
        """Commas, semicolons or blanks between addresses; each is checked, equal ones count once."""
        try:
            found = [checked_address(text) for text in re.split(r"[,;\s]+", field.data or "") if text]
        except BadAddress as problem:
            raise ValidationError(f"{str(problem).rstrip('.')}.") from None
        self.addresses = list(dict.fromkeys(found))
        if len(self.addresses) > MOST_BCC:
            raise ValidationError(f"At most {MOST_BCC} addresses.")
        for address in self.addresses:
            if self.bcc_domains and address.rpartition("@")[2] not in self.bcc_domains:
                allowed = ", ".join(self.bcc_domains)
                raise ValidationError(f"{address} may get no copies; Bcc may go to {allowed} only.")

    def choice(self, cluster_id: int) -> Choice:
        """What was chosen, once the form has been found valid."""
        return Choice(
            definition_id=self.definition.data,
            cluster_id=cluster_id,
            include_children=self.include_children.data,
            period_from=self.period_from.data,
            period_to=self.period_to.data,
            resend_already_sent=self.resend.data,
        )


def last_month(today: date) -> tuple[date, date]:
    """First and last day of the last full month."""
    end = today.replace(day=1) - timedelta(days=1)
    return end.replace(day=1), end
